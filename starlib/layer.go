package starlib

import (
	"cmp"
	"fmt"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// layer makes a builtin of a layer and records it in the table of the network.
func layer(kind string, f func(t *tracer, c kit.Call) (*expr.Node, error)) *starlark.Builtin {
	return tensors("nn."+kind, func(t *tracer, c kit.Call) (*expr.Node, error) {
		return t.noted(kind)(f(t, c))
	})
}

// initializer is how a weight starts, as a Starlark value.
type initializer struct {
	kit.Opaque
	model.Init
}

func (i initializer) Type() string { return "initializer" }

// initArg is an argument that is an initializer or None.
type initArg struct{ *model.Init }

func (a *initArg) Unpack(v starlark.Value) error {
	i, ok := v.(initializer)
	if !ok {
		return fmt.Errorf("got %s, want an initializer such as init.he_normal()", kit.Describe(v))
	}
	a.Init = &i.Init
	return nil
}

// initBy makes an initializer of the numbers named, with the standard values given.
func initBy(name string, kind model.InitKind, names []string, standard ...float64) *starlark.Builtin {
	return kit.Builtin("init."+name, func(c kit.Call) (starlark.Value, error) {
		var args [2]kit.Number
		var pairs []any
		for i, n := range names {
			if args[i] = kit.Number(standard[i]); n != "" {
				pairs = append(pairs, n+"?", &args[i])
			}
		}
		if err := c.Unpack(pairs...); err != nil {
			return nil, err
		}
		return initializer{Init: model.Init{Kind: kind, Args: [2]float64{float64(args[0]), float64(args[1])}}}, nil
	})
}

var initializers = module{&starlarkstruct.Module{Name: "init", Members: starlark.StringDict{
	"zeros":            initBy("zeros", model.ConstantInit, []string{""}, 0),
	"ones":             initBy("ones", model.ConstantInit, []string{""}, 1),
	"constant":         initBy("constant", model.ConstantInit, []string{"value"}, 0),
	"uniform":          initBy("uniform", model.UniformInit, []string{"lo", "hi"}, -.05, .05),
	"normal":           initBy("normal", model.NormalInit, []string{"mean", "std"}, 0, .05),
	"truncated_normal": initBy("truncated_normal", model.TruncatedInit, []string{"mean", "std"}, 0, .05),
	"glorot_uniform":   initBy("glorot_uniform", model.GlorotUniform, []string{"gain"}, 1),
	"glorot_normal":    initBy("glorot_normal", model.GlorotNormal, []string{"gain"}, 1),
	"he_uniform":       initBy("he_uniform", model.HeUniform, []string{"gain"}, 1),
	"he_normal":        initBy("he_normal", model.HeNormal, []string{"gain"}, 1),
	"orthogonal":       initBy("orthogonal", model.OrthogonalInit, []string{"gain"}, 1),
}}}

// padding is an argument: "same", "valid", zeros on all sides, or (h, w), or ((top, bottom), (left, right)).
type padding struct{ nn.Padding }

func (p *padding) Unpack(v starlark.Value) error {
	want := fmt.Errorf(`got %s, want "same", "valid", a number, (h, w) or ((top, bottom), (left, right))`, kit.Describe(v))
	switch v := v.(type) {
	case starlark.String:
		if v != "same" && v != "valid" {
			return want
		}
		p.Padding = nn.Padding{Mode: string(v)}
		return nil
	case starlark.Int:
		return p.explicit(starlark.Tuple{v, v}, want)
	case starlark.Tuple:
		return p.explicit(v, want)
	}
	return want
}

func (p *padding) explicit(sides starlark.Tuple, want error) error {
	if len(sides) != 2 {
		return want
	}
	p.Mode = "explicit"
	for i, side := range sides {
		ends, ok := side.(starlark.Tuple)
		if !ok {
			ends = starlark.Tuple{side, side}
		}
		if len(ends) != 2 {
			return want
		}
		var lo, hi kit.Natural
		if lo.Unpack(ends[0]) != nil || hi.Unpack(ends[1]) != nil {
			return want
		}
		p.Lo[i], p.Hi[i] = int(lo), int(hi)
	}
	return nil
}

func same() padding { return padding{nn.Padding{Mode: "same"}} }

func convolution(kind string, f func(*model.Trace, *expr.Node, nn.ConvOptions) (*expr.Node, error)) *starlark.Builtin {
	return layer(kind, func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		var filters kit.Count
		var kernelInit, biasInit initArg
		var extra kit.Pair
		o := nn.ConvOptions{Bias: true}
		kernel, stride, pad := kit.Pair{3, 3}, kit.Pair{1, 1}, same()
		pairs := []any{"x", &x, "filters", &filters, "kernel?", &kernel, "stride?", &stride, "padding?", &pad, "bias?", &o.Bias,
			"spectral_norm?", &o.Spectral, "init??", &kernelInit, "bias_init??", &biasInit}
		if kind == "conv_transpose" {
			pairs = append(pairs, "output_padding?", &extra)
		}
		if err := c.Unpack(pairs...); err != nil {
			return nil, err
		}
		o.Filters, o.Kernel, o.Stride, o.Padding, o.OutputPadding = int(filters), kernel, stride, pad.Padding, extra
		o.KernelInit, o.BiasInit = kernelInit.Init, biasInit.Init
		return f(t.Trace, x.Node, o)
	})
}

// normalisation binds a layer of NormOptions; more are its arguments of its own.
func normalisation(kind string, momentum bool, f func(t *tracer, x *expr.Node, o nn.NormOptions, axes string,
	groups int) (*expr.Node, error), more string) *starlark.Builtin {
	return layer(kind, func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		var m, eps number.Optional
		var groups kit.Count
		var axes axesArg
		o := nn.NormOptions{Scale: true, Center: true}
		pairs := []any{"x", &x}
		if more == "groups" {
			pairs = append(pairs, "groups", &groups)
		}
		if momentum {
			pairs = append(pairs, "momentum?", &m)
		}
		pairs = append(pairs, "eps?", &eps, "scale?", &o.Scale, "center?", &o.Center)
		if more == "axes" {
			pairs = append(pairs, "axes?", &axes)
		}
		if err := c.Unpack(pairs...); err != nil {
			return nil, err
		}
		if err := number.Fraction.Check(c, "momentum", m.Value()); err != nil {
			return nil, err
		}
		if err := number.AboveZero.Check(c, "eps", eps.Value()); err != nil {
			return nil, err
		}
		o.Momentum, o.Eps = real(t, m, kind+" momentum"), real(t, eps, kind+" eps")
		over, err := axes.of(c.Name, x, "")
		if err != nil {
			return nil, err
		}
		return f(t, x.Node, o, over, int(groups))
	})
}

// real is the input of the program for a number; nil if it was omitted. Several numbers may be at one place of the script: part tells
// them apart.
func real(t *tracer, r number.Optional, part string) *expr.Node {
	if r.Value() == nil {
		return nil
	}
	return t.Real(t.at()+" "+part, r.Schedule)
}

// pooling binds a layer of windows.
func pooling(kind string, f func(x *expr.Node, window, stride [2]int, p nn.Padding) (*expr.Node, error)) *starlark.Builtin {
	return layer(kind, func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		window, stride, pad := kit.Pair{2, 2}, kit.Pair{}, padding{nn.Padding{Mode: "valid"}}
		if err := c.Unpack("x", &x, "window?", &window, "stride?", &stride, "padding?", &pad); err != nil {
			return nil, err
		}
		return f(x.Node, window, cmp.Or(stride, window), pad.Padding)
	})
}

var layers = module{&starlarkstruct.Module{Name: "nn", Members: starlark.StringDict{
	"conv":           convolution("conv", nn.Conv),
	"conv_transpose": convolution("conv_transpose", nn.ConvTranspose),
	"dense": layer("dense", func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		var units kit.Count
		var kernelInit, biasInit initArg
		o := nn.DenseOptions{Bias: true}
		if err := c.Unpack("x", &x, "units", &units, "bias?", &o.Bias, "spectral_norm?", &o.Spectral, "init??", &kernelInit, "bias_init??",
			&biasInit); err != nil {
			return nil, err
		}
		o.Units, o.KernelInit, o.BiasInit = int(units), kernelInit.Init, biasInit.Init
		return nn.Dense(t.Trace, x.Node, o)
	}),
	"embedding": layer("embedding", func(t *tracer, c kit.Call) (*expr.Node, error) {
		var y Tensor
		var classes, units kit.Count
		var init initArg
		if err := c.Unpack("y", &y, "classes", &classes, "units", &units, "init??", &init); err != nil {
			return nil, err
		}
		if err := t.enough(c, "classes", int(classes)); err != nil {
			return nil, err
		}
		return nn.Embedding(t.Trace, y.Node, int(classes), int(units), init.Init)
	}),
	"one_hot": layer("one_hot", oneHot),
	"batch_norm": normalisation("batch_norm", true, func(t *tracer, x *expr.Node, o nn.NormOptions, _ string, _ int) (*expr.Node, error) {
		return nn.BatchNorm(t.Trace, x, o)
	}, ""),
	"layer_norm": normalisation("layer_norm", false, func(t *tracer, x *expr.Node, o nn.NormOptions, axes string, _ int) (*expr.Node, error) {
		o.Axes = axes
		return nn.LayerNorm(t.Trace, x, o)
	}, "axes"),
	"instance_norm": normalisation("instance_norm", false, func(t *tracer, x *expr.Node, o nn.NormOptions, _ string,
		_ int) (*expr.Node, error) {
		return nn.InstanceNorm(t.Trace, x, o)
	}, ""),
	"group_norm": normalisation("group_norm", false, func(t *tracer, x *expr.Node, o nn.NormOptions, _ string,
		groups int) (*expr.Node, error) {
		return nn.GroupNorm(t.Trace, x, groups, o)
	}, "groups"),
	"prelu": layer("prelu", func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		var init initArg
		if err := c.Unpack("x", &x, "init??", &init); err != nil {
			return nil, err
		}
		return nn.PReLU(t.Trace, x.Node, init.Init)
	}),
	"dropout": layer("dropout", func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		var rate number.Optional
		if err := c.Unpack("x", &x, "rate", &rate); err != nil {
			return nil, err
		}
		if err := number.Fraction.Check(c, "rate", &rate.Schedule); err != nil {
			return nil, err
		}
		return nn.Dropout(t.Trace, x.Node, real(t, rate, "rate"))
	}),
	"resize": layer("resize", func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
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
	}),
	"avg_pool": pooling("avg_pool", nn.AvgPool),
	"max_pool": pooling("max_pool", nn.MaxPool),
	"global_avg_pool": layer("global_avg_pool", func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		if err := c.Unpack("x", &x); err != nil {
			return nil, err
		}
		return nn.GlobalAvgPool(x.Node)
	}),
	"init": initializers,
}}}
