package starlib

import (
	"errors"
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Tensor is a symbolic tensor as a Starlark value. Its sizes are attributes: x.b, x.h, x.w, x.c; x.shape is all of them.
type Tensor struct {
	kit.Opaque
	*expr.Node
	t *tracer
}

var (
	_ starlark.HasBinary = Tensor{}
	_ starlark.HasUnary  = Tensor{}
	_ starlark.HasAttrs  = Tensor{}
	_ starlark.Mapping   = Tensor{}

	_ starlark.Comparable = Tensor{}

	_ sandbox.Unknown = Tensor{}
)

func (x Tensor) String() string { return x.Shape.String() }
func (x Tensor) Type() string   { return "tensor" }

func (x Tensor) Attr(name string) (starlark.Value, error) {
	if name == "shape" {
		d := starlark.NewDict(4)
		for _, a := range x.Shape.Axes() {
			if err := d.SetKey(starlark.String(a), starlark.MakeInt(x.Shape.Size(byte(a)))); err != nil {
				return nil, err
			}
		}
		return d, nil
	}
	if slices.Contains(x.AttrNames(), name) {
		return starlark.MakeInt(x.Shape.Size(name[0])), nil
	}
	return nil, starlark.NoSuchAttrError(fmt.Sprintf("got .%s of %v, want one of its axes or .shape; functions are called as f(x)", name,
		x.Shape))
}

// Get refuses x[0]: axes have names.
func (x Tensor) Get(starlark.Value) (starlark.Value, bool, error) { return nil, false, x.NoSlice() }

// NoSlice refuses x[lo:hi].
func (x Tensor) NoSlice() error {
	return fmt.Errorf("got an index of %v, want slice(x, axis, lo, hi), which takes part of one axis", x.Shape)
}

func (x Tensor) AttrNames() (names []string) {
	for _, a := range x.Shape.Axes() {
		names = append(names, string(a))
	}
	return append(names, "shape")
}

var operators = map[syntax.Token]func(a, b *expr.Node) *expr.Node{
	syntax.PLUS: expr.Add, syntax.MINUS: expr.Sub, syntax.STAR: expr.Mul, syntax.SLASH: expr.Div,
}

// otherOperators says what to write for operators that tensors lack.
var otherOperators = map[syntax.Token]string{
	syntax.PERCENT: "a - b * floor(a / b) is the remainder", syntax.SLASHSLASH: "write floor(a / b)",
	syntax.PIPE: "maximum(a, b) is or of truth values", syntax.AMP: "minimum(a, b) is and of truth values",
	syntax.CIRCUMFLEX: "abs(a - b) is exclusive or of truth values, power(a, b) is a to the b",
}

// Unpack takes a tensor as an argument.
func (x *Tensor) Unpack(v starlark.Value) error {
	switch given := v.(type) {
	case Tensor:
		*x = given
		return nil
	case starlark.Callable:
		if _, isSchedule := v.(number.Real); !isSchedule {
			return fmt.Errorf("got the function %s, want a tensor: call it, %s(...)", given.Name(), given.Name())
		}
	case *starlark.List:
		return fmt.Errorf("got a list, want a tensor: a loop takes its elements one by one, concat(xs) makes one of tensors")
	}
	return fmt.Errorf("got %s, want a tensor", kit.Describe(v))
}

// Advise names the function of numbers, where a number is given to one of tensors.
func (x *Tensor) Advise(builtin string, v starlark.Value) string {
	if numeric(v) {
		return ofNumbers(builtin)
	}
	return ""
}

// Binary is x op y by axis names. An int is part of the structure, a float or a schedule an input of the program.
func (x Tensor) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (v starlark.Value, err error) {
	f := operators[op]
	if f == nil {
		if hint := otherOperators[op]; hint != "" {
			return nil, fmt.Errorf("operator %s: got %s of tensors, which have + - * / only: %s", op, op, hint)
		}
		return nil, nil
	}
	defer kit.Recover("operator "+op.String(), &err)
	a := x.t.floats(x.Node)
	b, err := x.t.operand(y)
	if err != nil {
		return nil, fmt.Errorf("operator %s: %w", op, err)
	}
	b = x.t.floats(b)
	if side == starlark.Right {
		a, b = b, a
	}
	return x.t.tensor(f(a, b))
}

func (x Tensor) Unary(op syntax.Token) (v starlark.Value, err error) {
	switch op {
	case syntax.PLUS:
		return x, nil
	case syntax.MINUS:
	default:
		return nil, nil
	}
	defer kit.Recover("operator -", &err)
	x.t.at()
	return x.t.tensor(expr.Neg(x.t.floats(x.Node)))
}

// CompareSameType refuses to compare tensors inside of lists and the like, which would compare expressions and not their elements.
func (x Tensor) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return false, fmt.Errorf("got tensor %s tensor, %s", op, compareElements)
}

// at tells the graph where the script stands, and gives the place.
func (t *tracer) at() string {
	t.Graph.Pos = kit.Here(t.thread).String()
	return t.Graph.Pos
}

// nodeCost is what an expression costs in steps: it takes some hundred bytes.
const nodeCost = 20

// tensor is the value of a node, paid for with all that was made since the last.
func (t *tracer) tensor(n *expr.Node) (starlark.Value, error) {
	made := t.Graph.Len() - t.paid
	t.paid += made
	if err := sandbox.Pay(t.thread, uint64(nodeCost*made)); err != nil {
		return nil, err
	}
	return Tensor{Node: n, t: t}, nil
}

// operand is a number or a tensor as an expression.
func (t *tracer) operand(v starlark.Value) (*expr.Node, error) {
	site := t.at()
	if x, ok := v.(*number.Symbol); ok && x.IsInt() { // structure
		v = x.Reveal()
	}
	switch v := v.(type) {
	case Tensor:
		return v.Node, nil
	case starlark.Int:
		f, _ := starlark.AsFloat(v)
		return t.Number(f), nil
	}
	var s number.Real
	if s.Unpack(v) != nil {
		return nil, fmt.Errorf("got %s, want a tensor, a number or a schedule", kit.Describe(v))
	}
	return t.Real(site, s.Schedule), nil
}

// floats converts truth values and labels, so that scripts can count them.
func (t *tracer) floats(n *expr.Node) *expr.Node {
	if n.Shape.DType.Float() {
		return n
	}
	return expr.Convert(n, t.Config.DType)
}

// NoComparison refuses to compare the elements of tensors, which are not known yet. A tensor may be told from None or a string.
func (x Tensor) NoComparison(y starlark.Value) error {
	if _, isTensor := y.(Tensor); isTensor || numeric(y) {
		return errors.New(compareElements)
	}
	return nil
}

const compareElements = "want less(a, b), greater(a, b) or equal(a, b), which compare elements; where(condition, a, b) chooses by them"

func numeric(v starlark.Value) bool {
	switch v.(type) {
	case starlark.Bool, starlark.Int, starlark.Float, number.Real:
		return true
	}
	return false
}

// NoTruth refuses a tensor where a truth value is wanted.
func (x Tensor) NoTruth() error {
	return fmt.Errorf("got %v as a condition, want where(condition, a, b), which chooses element by element: "+
		"no value is known while a network is traced", x)
}
