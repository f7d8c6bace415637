package layer

import (
	"cmp"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/tensor"
)

func same() padding { return padding{nn.Padding{Mode: "same"}} }

// convolution is the builtin of a layer of windows with a trained kernel.
func convolution(kind string, f func(*model.Trace, *expr.Node, nn.ConvOptions) (*expr.Node, error)) *starlark.Builtin {
	return layer(kind, func(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
		var x tensor.Tensor
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

// pooling is the builtin of a layer of windows without one.
func pooling(kind string, f func(x *expr.Node, window, stride [2]int, p nn.Padding) (*expr.Node, error)) *starlark.Builtin {
	return layer(kind, func(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
		var x tensor.Tensor
		window, stride, pad := kit.Pair{2, 2}, kit.Pair{}, padding{nn.Padding{Mode: "valid"}}
		if err := c.Unpack("x", &x, "window?", &window, "stride?", &stride, "padding?", &pad); err != nil {
			return nil, err
		}
		return f(x.Node, window, cmp.Or(stride, window), pad.Padding)
	})
}

// padding is a variable: "same", "valid", zeros on all sides, or (h, w), or ((top, bottom), (left, right)).
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
