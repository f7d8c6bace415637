package function

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"github.com/starsweep/starsweep/starlib/tensor"
)

// reduction is the builtin of f over the axes that a script names; over all axes except keep if it names none.
func reduction(name, keep string, f func(x *expr.Node, axes string) *expr.Node) *starlark.Builtin {
	return tensor.Builtin(name, func(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
		var x tensor.Tensor
		var given tensor.Axes
		if err := c.Unpack("x", &x, "axes?", &given); err != nil {
			return nil, err
		}
		axes, err := given.Of(name, x, x.Shape.Without(keep+"k").Axes())
		if err != nil {
			return nil, err
		}
		return f(t.Floats(x.Node), axes), nil
	})
}

// overBatch is the builtin of a measure of spread over the axes that a script names; over the batch if it names none. A single value
// has no spread: a loss or a network computed from it would be a constant. The last examples of a test split are an exception, since
// they come one by one.
func overBatch(name string, f func(x *expr.Node, axes string) *expr.Node) *starlark.Builtin {
	return tensor.Builtin(name, func(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
		var x tensor.Tensor
		var given tensor.Axes
		if err := c.Unpack("x", &x, "axes?", &given); err != nil {
			return nil, err
		}
		axes, err := given.Of(name, x, "b")
		if err != nil {
			return nil, err
		}
		if testing := t.HasData() && !t.Training; x.Shape.Only(axes).Elems() == 1 && !testing {
			return nil, fmt.Errorf("%s: got %v, one value over the axes %q, want two or more: one has no spread", name, x.Shape, axes)
		}
		return f(t.Floats(x.Node), axes), nil
	})
}

// extremum is max or min: over axes of a tensor; otherwise Starlark's own.
func extremum(name string, f func(x *expr.Node, axes string) *expr.Node) *starlark.Builtin {
	own := sandbox.Universe(name)
	return kit.Builtin(name, func(c kit.Call) (starlark.Value, error) {
		if len(c.Args) == 0 || c.Args[0].Type() != "tensor" {
			return own.CallInternal(c.Thread, c.Args, c.Kwargs)
		}
		if len(c.Args) > 1 && c.Args[1].Type() != "string" {
			return nil, fmt.Errorf("%s: got %d tensors, want one and its axes; %simum(a, b) compares two", name, len(c.Args), name)
		}
		return reduction(name, "", f).CallInternal(c.Thread, c.Args, c.Kwargs)
	})
}

// variance is the population variance: the sum is divided by n.
func variance(x *expr.Node, axes string) *expr.Node {
	return expr.Mean(expr.Square(expr.Sub(x, expr.Mean(x, axes))), axes)
}

// normEps is added under the roots of norm and std, which have no derivative at 0.
const normEps = 1e-12

func norm(x *expr.Node, axes string) *expr.Node { return expr.Norm(x, axes, normEps) }

func amin(x *expr.Node, axes string) *expr.Node { return expr.Neg(expr.Amax(expr.Neg(x), axes)) }

func std(x *expr.Node, axes string) *expr.Node {
	return expr.Sqrt(expr.Add(variance(x, axes), x.Graph().Const(x.Shape.DType, normEps)))
}
