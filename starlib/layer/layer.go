// Package layer is the family nn of scripts, layers of networks, with init, the distributions of their weights. It binds engine/nn
// to arguments of scripts and records each layer in its network's table. The loader of starlib composes its two modules.
package layer

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/starlib/function"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/tensor"
)

// layer is a builtin of nn, which is recorded in the table of the network.
func layer(kind string, f func(t *tensor.Tracer, c kit.Call) (*expr.Node, error)) *starlark.Builtin {
	return tensor.Builtin("nn."+kind, func(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
		return t.Noted(kind)(f(t, c))
	})
}

// Module is the module nn.
var Module = &starlarkstruct.Module{Name: "nn", Members: starlark.StringDict{
	"conv":            convolution("conv", nn.Conv),
	"conv_transpose":  convolution("conv_transpose", nn.ConvTranspose),
	"dense":           layer("dense", dense),
	"embedding":       layer("embedding", embedding),
	"one_hot":         layer("one_hot", function.OneHot),
	"batch_norm":      norms["batch_norm"].builtin("batch_norm"),
	"layer_norm":      norms["layer_norm"].builtin("layer_norm"),
	"instance_norm":   norms["instance_norm"].builtin("instance_norm"),
	"group_norm":      norms["group_norm"].builtin("group_norm"),
	"prelu":           layer("prelu", prelu),
	"dropout":         layer("dropout", dropout),
	"resize":          layer("resize", resize),
	"avg_pool":        pooling("avg_pool", nn.AvgPool),
	"max_pool":        pooling("max_pool", nn.MaxPool),
	"global_avg_pool": layer("global_avg_pool", globalAvgPool),
	"init":            Initializers,
}}

// dense is nn.dense: a matrix over the channels.
func dense(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var x tensor.Tensor
	var units kit.Count
	var kernelInit, biasInit initArg
	o := nn.DenseOptions{Bias: true}
	if err := c.Unpack("x", &x, "units", &units, "bias?", &o.Bias, "spectral_norm?", &o.Spectral, "init??", &kernelInit, "bias_init??",
		&biasInit); err != nil {
		return nil, err
	}
	o.Units, o.KernelInit, o.BiasInit = int(units), kernelInit.Init, biasInit.Init
	return nn.Dense(t.Trace, x.Node, o)
}

// embedding is nn.embedding: a trained vector for each class.
func embedding(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var y tensor.Tensor
	var classes, units kit.Count
	var init initArg
	if err := c.Unpack("y", &y, "classes", &classes, "units", &units, "init??", &init); err != nil {
		return nil, err
	}
	if err := t.EnoughClasses(c, "classes", int(classes)); err != nil {
		return nil, err
	}
	return nn.Embedding(t.Trace, y.Node, int(classes), int(units), init.Init)
}

// prelu is nn.prelu: a leaky ReLU with trained slopes.
func prelu(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var x tensor.Tensor
	var init initArg
	if err := c.Unpack("x", &x, "init??", &init); err != nil {
		return nil, err
	}
	return nn.PReLU(t.Trace, x.Node, init.Init)
}

// dropout is nn.dropout. Its rate is an input of the program.
func dropout(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var x tensor.Tensor
	var rate number.Optional
	if err := c.Unpack("x", &x, "rate", &rate); err != nil {
		return nil, err
	}
	if err := number.Fraction.Check(c, "rate", &rate.Schedule); err != nil {
		return nil, err
	}
	return nn.Dropout(t.Trace, x.Node, real(t, rate, "rate"))
}

// resize is nn.resize: images of another size, by copies of pixels or between them.
func resize(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var x tensor.Tensor
	var size kit.Pair
	method := "nearest"
	if err := c.Unpack("x", &x, "size", &size, "method?", &method); err != nil {
		return nil, err
	}
	switch method {
	case "nearest":
		return nn.ResizeNearest(x.Node, size[0], size[1])
	case "bilinear":
		return nn.ResizeBilinear(x.Node, size[0], size[1])
	}
	return nil, fmt.Errorf(`%s: for parameter method: got %q, want "nearest" or "bilinear"`, c.Name, method)
}

// globalAvgPool is nn.global_avg_pool: the mean of each channel.
func globalAvgPool(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var x tensor.Tensor
	if err := c.Unpack("x", &x); err != nil {
		return nil, err
	}
	return nn.GlobalAvgPool(x.Node)
}

// real is the input of the program for a number; nil if it was omitted. Several numbers may be at one place of the script: part
// distinguishes them.
func real(t *tensor.Tracer, r number.Optional, part string) *expr.Node {
	if r.Value() == nil {
		return nil
	}
	return t.Real(t.At()+" "+part, r.Schedule)
}
