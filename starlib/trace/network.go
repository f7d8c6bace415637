package trace

import (
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/tensor"
	"github.com/starsweep/starsweep/starlib/trial"
)

// labels is y: the labels of the examples; while sampling, the classes of the data set's images in turn.
func (t *tracer) labels() (*expr.Node, error) {
	if t.HasData() {
		return t.Y()
	}
	n := t.Config.Classes
	if n == 0 {
		return nil, fmt.Errorf("the data set has no labels")
	}
	chosen := t.trial.Data.Data.Classes // in order; nil: all
	turns := chosen
	if chosen != nil {
		n = len(chosen)
	} else {
		for class := range n {
			turns = append(turns, class)
		}
	}
	t.SampleClasses(turns)
	i := expr.Convert(t.Graph.Iota('b', t.Examples()), t.Config.DType)
	classes := t.Number(float64(n))
	rounds := expr.Floor(expr.Div(expr.Add(i, t.Number(.5)), classes)) // the half keeps a rounded quotient from the next integer
	y := expr.Sub(i, expr.Mul(classes, rounds))
	if chosen != nil {
		turn := y
		y = t.Number(float64(chosen[0]))
		for k, class := range chosen[1:] {
			y = expr.Where(expr.Equal(turn, t.Number(float64(k+1))), t.Number(float64(class)), y)
		}
	}
	return t.Given("label", fmt.Sprintf("the class, 0 to %d", t.Config.Classes-1), expr.Convert(y, expr.I32)), nil
}

// network is a player as losses see it: a function whose layers have a single set of parameters for all calls. A network with two
// parameters gets the labels y as the second, unless the loss passes one.
func (t *tracer) network(p *trial.Player) *starlark.Builtin {
	return kit.Builtin(p.Name, func(c kit.Call) (starlark.Value, error) {
		if len(c.Args) == 0 || len(c.Kwargs) > 0 {
			return nil, fmt.Errorf("%s: got %d arguments, want a tensor", p.Name, len(c.Args)+len(c.Kwargs))
		}
		in, ok := c.Args[0].(tensor.Tensor)
		if !ok {
			return nil, fmt.Errorf("%s: got %s, want a tensor", p.Name, kit.Describe(c.Args[0]))
		}
		args := slices.Clone(c.Args)
		if required(p.Network.Fn) == 2 && len(args) == 1 {
			y, err := t.labels()
			if err != nil {
				return nil, fmt.Errorf("%s: its network has two parameters: %w", p.Name, err)
			}
			args = append(args, t.Tensor(y))
		}
		defer func(stream string) { t.Stream = stream }(t.Stream)
		if p.Noise != nil && t.Training {
			t.Stream = "noise"
			noisy, err := starlark.Call(c.Thread, p.Noise.Fn, starlark.Tuple{in}, nil)
			if err != nil {
				return nil, err
			}
			if _, err := t.result(noisy, *p.Noise, "noise"); err != nil {
				return nil, err
			}
			args[0] = noisy
		}
		t.Stream = "network"
		out, err := t.Call(p.Name, in.Node, func() (*expr.Node, error) { return t.run(p, args) }, identities(args[1:])...)
		if err != nil {
			return nil, err
		}
		return t.Value(out)
	})
}

// identities identify values: a tensor by its expression, others by their text.
func identities(values starlark.Tuple) (ids []any) {
	for _, v := range values {
		if x, ok := v.(tensor.Tensor); ok {
			ids = append(ids, x.Node)
		} else {
			ids = append(ids, v.String())
		}
	}
	return ids
}

// run calls the function of a network, and records its table the first time.
func (t *tracer) run(p *trial.Player, args starlark.Tuple) (*expr.Node, error) {
	if !slices.ContainsFunc(t.tables, func(n *tensor.Network) bool { return n.Name == p.Name }) {
		table := &tensor.Network{Name: p.Name, Input: args[0].(tensor.Tensor).Shape}
		t.tables = append(t.tables, table)
		defer t.Record(table)()
	}
	v, err := starlark.Call(t.Thread, p.Network.Fn, args, nil)
	if err != nil {
		return nil, err
	}
	n, err := t.result(v, p.Network, "the network "+p.Name)
	if err != nil {
		return nil, err
	}
	want := t.Config.Image.With('b', t.Examples())
	if p.Image && n.Shape != want {
		return nil, t.blame(p.Network, "the network %s: got %v, want the shape of the data, %v", p.Name, n.Shape, want)
	}
	return n, nil
}

// required counts the parameters of a function that have no default; 1 for a builtin.
func required(f starlark.Callable) int {
	fn, ok := f.(*starlark.Function)
	if !ok {
		return 1
	}
	n := 0
	for i := range fn.NumParams() {
		if fn.ParamDefault(i) == nil {
			n++
		}
	}
	return n
}
