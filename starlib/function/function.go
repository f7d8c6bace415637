// Package function is the family of functions of tensors that scripts see without a module: elementwise functions, reductions,
// changes of shape, grad, and functions of labels. It binds engine/expr and engine/nn to arguments of scripts. The loader of
// starlib composes its builtins; package layer shares one_hot.
package function

import (
	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/tensor"
)

// Builtins returns the functions of tensors by name, except those that draw random numbers.
func Builtins() starlark.StringDict {
	d := starlark.StringDict{
		"abs":      abs(),
		"max":      extremum("max", expr.Amax),
		"min":      extremum("min", amin),
		"sum":      reduction("sum", "", expr.Sum),
		"mean":     reduction("mean", "", expr.Mean),
		"norm":     reduction("norm", "b", norm), // per example, unless axes say otherwise
		"std":      overBatch("std", std),
		"variance": overBatch("variance", variance),
	}
	for name, f := range ofTrace {
		d[name] = tensor.Builtin(name, f)
	}
	for name, f := range ofOne {
		d[name] = pointwise(name, f)
	}
	for name, f := range ofTwo {
		d[name] = pairwise(name, f)
	}
	for name, a := range nn.Activations {
		d[name] = activation(name, a)
	}
	return d
}

// ofTrace lists the functions that unpack their own arguments.
var ofTrace = map[string]func(t *tensor.Tracer, c kit.Call) (*expr.Node, error){
	"where": where, "clamp": clamp, "grad": grad, // elementwise
	"flatten": flatten, "reshape": reshape, "concat": concat, "slice": slice, "flip": flip, // of shapes
	"one_hot": OneHot, "softmax_cross_entropy": softmaxCrossEntropy, "accuracy": accuracy, // of labels
}

// ofOne lists the elementwise functions of one tensor.
var ofOne = map[string]func(*expr.Node) *expr.Node{
	"square": expr.Square, "sqrt": expr.Sqrt, "rsqrt": expr.Rsqrt, "log": expr.Log, "log1p": expr.Log1p, "sign": expr.Sign,
	"floor": expr.Floor, "sin": expr.Sin, "cos": expr.Cos, "stop_gradient": expr.Stop,
	"log_sigmoid": func(x *expr.Node) *expr.Node { return expr.Neg(expr.Softplus(expr.Neg(x))) },
}

// ofTwo lists the elementwise functions of two.
var ofTwo = map[string]func(a, b *expr.Node) *expr.Node{
	"minimum": expr.Min, "maximum": expr.Max, "less": expr.Less, "power": expr.Pow, "equal": expr.Equal,
	"greater": func(a, b *expr.Node) *expr.Node { return expr.Less(b, a) },
}
