package tensor

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/lib/math"
	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Tracer is the trace in progress on a thread. Builtins of tensors add expressions to its graph.
type Tracer struct {
	*model.Trace
	Thread *starlark.Thread
	Stream string   // the stream of random numbers that normal and uniform draw from: loss, noise, network or sample
	paid   int      // nodes of the graph that are paid for
	open   *Network // the table being recorded; nil: none
}

const traceKey = "trace"

// Begin begins a trace on a thread, which lasts until end is called.
func Begin(th *starlark.Thread) (t *Tracer, end func()) {
	t = &Tracer{Thread: th}
	th.SetLocal(traceKey, t)
	return t, func() { th.SetLocal(traceKey, nil) }
}

// Of is the trace in progress where a builtin is called; an error if there is none.
func Of(c kit.Call) (*Tracer, error) {
	if t, ok := c.Thread.Local(traceKey).(*Tracer); ok {
		t.At()
		return t, nil
	}
	hint := ofNumbers(c.Name)
	if len(c.Args) > 0 && c.Args[0].Type() == "list" {
		hint = "; write a loop over the list"
	}
	return nil, fmt.Errorf("%s: got a call outside a network or a loss, want it inside: tensors exist only there%s", c.Name, hint)
}

// Timed is a call whose first argument, if it is a schedule, is replaced by an input of the program.
func (t *Tracer) Timed(c kit.Call) kit.Call {
	if len(c.Args) == 0 {
		return c
	}
	if number.IsSchedule(c.Args[0]) {
		if x, err := t.Operand(c.Args[0]); err == nil {
			c.Args = slices.Clone(c.Args)
			c.Args[0] = t.Tensor(x)
		}
	}
	return c
}

// ofNumbers is advice for functions of tensors whose name is in math as well.
func ofNumbers(name string) string {
	if math.Module.Members.Has(name) {
		return fmt.Sprintf("; math.%s is for numbers", name)
	}
	return ""
}

// Builtin is the builtin of a function that adds to the trace.
func Builtin(name string, f func(t *Tracer, c kit.Call) (*expr.Node, error)) *starlark.Builtin {
	return kit.Builtin(name, func(c kit.Call) (starlark.Value, error) {
		t, err := Of(c)
		if err != nil {
			return nil, err
		}
		n, err := f(t, c)
		if err != nil {
			return nil, err
		}
		return t.Value(n)
	})
}

// At makes the place in the script that is being evaluated the place of new expressions, and returns it.
func (t *Tracer) At() string {
	pos := kit.Here(t.Thread).String()
	t.Graph.At(pos)
	return pos
}

// nodeCost is the cost of an expression in steps: it takes about a hundred bytes.
const nodeCost = 20

// Value is the tensor of a node, after paying for all nodes made since the last call.
func (t *Tracer) Value(n *expr.Node) (starlark.Value, error) {
	made := t.Graph.Len() - t.paid
	t.paid += made
	if err := sandbox.Pay(t.Thread, uint64(nodeCost*made)); err != nil {
		return nil, err
	}
	return t.Tensor(n), nil
}

// Operand is a number, a schedule or a tensor as an expression. An int is part of the structure, other numbers are inputs.
func (t *Tracer) Operand(v starlark.Value) (*expr.Node, error) {
	site := t.At()
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

// Floats converts truth values and labels to numbers, so that scripts can count them.
func (t *Tracer) Floats(n *expr.Node) *expr.Node {
	if n.Shape.DType.Float() {
		return n
	}
	return expr.Convert(n, t.Config.DType)
}

// Noted records a step of a network in the table: t.Noted(kind)(f(...)) returns what f returns.
func (t *Tracer) Noted(kind string) func(*expr.Node, error) (*expr.Node, error) {
	return func(n *expr.Node, err error) (*expr.Node, error) {
		if err == nil {
			t.Row(kind, n)
		}
		return n, err
	}
}

// Row adds a step to the table being recorded.
func (t *Tracer) Row(kind string, out *expr.Node) {
	if t.open == nil {
		return
	}
	n := 1
	for _, r := range t.open.Rows {
		if strings.TrimRight(r.Layer, "0123456789") == kind {
			n++
		}
	}
	t.open.Rows = append(t.open.Rows, Row{Layer: fmt.Sprintf("%s%d", kind, n), Output: out.Shape})
}

// Record adds steps to a table until end is called.
func (t *Tracer) Record(table *Network) (end func()) {
	outer := t.open
	t.open = table
	return func() { t.open = outer }
}

// Tensor is the tensor of a node that is paid for.
func (t *Tracer) Tensor(n *expr.Node) Tensor { return Tensor{Node: n, t: t} }

// EnoughClasses refuses fewer classes than the labels have. Larger labels would silently belong to no class.
func (t *Tracer) EnoughClasses(c kit.Call, parameter string, classes int) error {
	if classes < t.Config.Classes {
		return fmt.Errorf("%s: for parameter %s: got %d classes, want at least the data set's %d", c.Name, parameter, classes, t.Config.Classes)
	}
	return nil
}
