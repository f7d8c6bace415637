package function

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/tensor"
)

// pointwise is the builtin of an elementwise function of one tensor.
func pointwise(name string, f func(*expr.Node) *expr.Node) *starlark.Builtin {
	return tensor.Builtin(name, func(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
		var x tensor.Tensor
		if err := t.Timed(c).Unpack("x", &x); err != nil {
			return nil, err
		}
		return f(t.Floats(x.Node)), nil
	})
}

// activation is the builtin of one of nn.Activations. Its number is an input of the program.
func activation(name string, a nn.Activation) *starlark.Builtin {
	return tensor.Builtin(name, func(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
		var x tensor.Tensor
		var param *expr.Node
		pairs := []any{"x", &x}
		arg := starlark.Value(starlark.Float(a.Default))
		if a.Param != "" {
			pairs = append(pairs, a.Param+"?", &arg)
		}
		if err := t.Timed(c).Unpack(pairs...); err != nil {
			return nil, err
		}
		if a.Param != "" {
			var s number.Real
			if err := s.Unpack(arg); err != nil {
				return nil, fmt.Errorf("%s: for parameter %s: %w", name, a.Param, err)
			}
			param = t.Real(t.At(), s.Schedule)
		}
		y := a.Of(t.Floats(x.Node), param)
		t.Row(name, y)
		return y, nil
	})
}

// pairwise is the builtin of an elementwise function of two tensors or numbers, at least one of them a tensor, which are aligned by axis
// name.
func pairwise(name string, f func(a, b *expr.Node) *expr.Node) *starlark.Builtin {
	return tensor.Builtin(name, func(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
		var a, b starlark.Value
		if err := c.Unpack("a", &a, "b", &b); err != nil {
			return nil, err
		}
		x, err := t.Operand(a)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		y, err := t.Operand(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return f(t.Floats(x), t.Floats(y)), nil
	})
}

// where is where(condition, a, b): a where the condition holds, b elsewhere.
func where(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var p tensor.Tensor
	var a, b starlark.Value
	if err := c.Unpack("condition", &p, "a", &a, "b", &b); err != nil {
		return nil, err
	}
	if p.Shape.DType != expr.Bool {
		return nil, fmt.Errorf("where: for parameter condition: got %v, want truth values, as from less(a, b)", p.Shape)
	}
	x, err := t.Operand(a)
	if err != nil {
		return nil, fmt.Errorf("where: %w", err)
	}
	y, err := t.Operand(b)
	if err != nil {
		return nil, fmt.Errorf("where: %w", err)
	}
	return expr.Where(p.Node, t.Floats(x), t.Floats(y)), nil
}

// clamp is clamp(x, lo, hi).
func clamp(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var x tensor.Tensor
	var lo, hi starlark.Value
	if err := c.Unpack("x", &x, "lo", &lo, "hi", &hi); err != nil {
		return nil, err
	}
	a, err := t.Operand(lo)
	if err != nil {
		return nil, fmt.Errorf("clamp: for parameter lo: %w", err)
	}
	b, err := t.Operand(hi)
	if err != nil {
		return nil, fmt.Errorf("clamp: for parameter hi: %w", err)
	}
	return expr.Max(expr.Min(t.Floats(x.Node), b), a), nil
}

// grad is grad(y, x): the derivative of the number y.
func grad(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var y, x tensor.Tensor
	if err := c.Unpack("y", &y, "x", &x); err != nil {
		return nil, err
	}
	if y.Shape.Axes() != "" {
		return nil, fmt.Errorf("grad: for parameter y: got %v, want one number: use sum(...) or mean(...)", y.Shape)
	}
	d := expr.Grad(t.Floats(y.Node), x.Node)[0]
	if d.IsZero() {
		kit.Note(c.Thread, "grad: y does not depend on x here, or only through stop_gradient "+
			"and functions without a derivative, so it is 0 everywhere")
	}
	return d, nil
}

// abs is abs(x) of a tensor, or Starlark's own abs of a number.
func abs() *starlark.Builtin {
	ofTensor, own := pointwise("abs", expr.Abs), starlark.Universe["abs"].(*starlark.Builtin)
	return kit.Builtin("abs", func(c kit.Call) (starlark.Value, error) {
		if len(c.Args) == 1 && c.Args[0].Type() == "tensor" {
			return ofTensor.CallInternal(c.Thread, c.Args, c.Kwargs)
		}
		return own.CallInternal(c.Thread, c.Args, c.Kwargs)
	})
}
