// Package tensor holds symbolic tensors as values of scripts, and the trace that builtins of tensors add expressions to. Networks and
// losses are called with tensors while a program is traced; what they compute becomes expressions of engine/expr. The families of
// builtins that compute with tensors import it, and package trace, which begins and ends traces.
package tensor

import (
	"errors"
	"fmt"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Tensor is a symbolic tensor. Its sizes are attributes: x.b, x.h, x.w, x.c; x.shape is all of them.
type Tensor struct {
	kit.Opaque
	*expr.Node
	t *Tracer
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
	return fmt.Errorf("got an index of %v, want slice(x, axis, lo, hi), which selects part of one axis", x.Shape)
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

// otherOperators maps operators that tensors lack to what to write instead.
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
		return fmt.Errorf("got a list, want a tensor: loop over its elements, or concat(xs) if they are tensors")
	}
	return fmt.Errorf("got %s, want a tensor", kit.Describe(v))
}

// Advise names the function of numbers of the same name, if the value is a number.
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
			return nil, fmt.Errorf("operator %s: tensors have only + - * /: %s", op, hint)
		}
		return nil, nil
	}
	defer kit.Recover("operator "+op.String(), &err)
	a := x.t.Floats(x.Node)
	b, err := x.t.Operand(y)
	if err != nil {
		return nil, fmt.Errorf("operator %s: %w", op, err)
	}
	b = x.t.Floats(b)
	if side == starlark.Right {
		a, b = b, a
	}
	return x.t.Value(f(a, b))
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
	x.t.At()
	return x.t.Value(expr.Neg(x.t.Floats(x.Node)))
}

// CompareSameType refuses to compare tensors, also inside lists and the like: it would compare expressions, not elements.
func (x Tensor) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return false, fmt.Errorf("got tensor %s tensor, %s", op, compareElements)
}

// NoComparison refuses to compare the elements of tensors, which are not known yet. Comparing a tensor with None or a string is
// possible: they differ.
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

// NoTruth refuses a tensor as a condition.
func (x Tensor) NoTruth() error {
	return fmt.Errorf("got %v as a condition, want where(condition, a, b), which chooses element by element: "+
		"values are unknown while a network is traced", x)
}
