package nn

import (
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
)

// Padding is the padding of windows at the borders of an image.
type Padding struct {
	Mode   string // "same", "valid" (Keras and TensorFlow) or "explicit" (PyTorch)
	Lo, Hi [2]int // explicit: zeros before and after, along h and w
}

// smallWindow is a length that "same" windows and strides may have on images of any size: the last layers of a network read few pixels.
const smallWindow = 31

// window is the geometry along axis i (0: h, 1: w) over in elements.
func (p Padding) window(layer string, i, in, kernel, stride int) expr.Window {
	p.check(layer, i, kernel, stride)
	most := max(2*in-1, smallWindow)
	want(p.Mode != "same" || kernel <= most, layer, "%s: got %d along %c, want at most %d: the others would meet none of the %d pixels",
		p.taps(layer), kernel, "hw"[i], most, in)
	reach := max(in+p.Lo[i]+p.Hi[i], smallWindow)
	want(stride <= reach, layer, "stride: got %d along %c, want at most %d: there are %d pixels", stride, "hw"[i], reach, in)
	want(max(p.Lo[i], p.Hi[i]) <= in+kernel, layer, "padding: got %d and %d along %c, want at most %d: more would make empty windows",
		p.Lo[i], p.Hi[i], "hw"[i], in+kernel)
	switch p.Mode {
	case "same":
		return expr.Same(in, kernel, stride)
	case "valid":
		return expr.Valid(in, kernel, stride)
	}
	return expr.Explicit(in, kernel, stride, p.Lo[i], p.Hi[i])
}

// transposed is the geometry of a transposed convolution of in elements, with extra rows at the end.
func (p Padding) transposed(layer string, i, in, kernel, stride, extra int) expr.Window {
	p.check(layer, i, kernel, stride)
	most := max(2*in*stride-1, smallWindow)
	want(p.Mode != "same" || kernel <= most, layer, "kernel: got %d along %c, want at most %d: the others would meet none of the %d pixels",
		kernel, "hw"[i], most, in*stride)
	switch p.Mode {
	case "same":
		return expr.SameTransposed(in, kernel, stride)
	case "valid":
		return expr.ValidTransposed(in, kernel, stride)
	}
	w := expr.ExplicitTransposed(in, kernel, stride, p.Lo[i], p.Hi[i])
	w.In += extra
	return w
}

// taps is the name of a window's length in a layer's errors.
func (Padding) taps(layer string) string {
	if strings.HasSuffix(layer, "_pool") {
		return "window"
	}
	return "kernel"
}

func (p Padding) check(layer string, i, kernel, stride int) {
	want(kernel > 0, layer, "kernel: got %d along %c, want at least 1", kernel, "hw"[i])
	want(stride > 0, layer, "stride: got %d along %c, want at least 1", stride, "hw"[i])
	want(p.Mode == "same" || p.Mode == "valid" || p.Mode == "explicit", layer, "padding: got %q, want same, valid or numbers", p.Mode)
	want(p.Lo[i] >= 0 && p.Hi[i] >= 0, layer, "padding: got %d and %d along %c, want no negative numbers", p.Lo[i], p.Hi[i], "hw"[i])
}

// ConvOptions are the options of Conv and ConvTranspose. Pairs are along h and w.
type ConvOptions struct {
	Filters              int
	Kernel, Stride       [2]int
	Padding              Padding
	Bias, Spectral       bool
	KernelInit, BiasInit *model.Init // nil: Keras's glorot_uniform and zeros
	// OutputPadding adds rows and columns at the end of the result of ConvTranspose with explicit padding: a convolution rounds
	// down, so it maps several sizes to one, and this selects which (as in PyTorch).
	OutputPadding [2]int
}

// Conv convolves images with a kernel [h w i o] and adds a bias: [b h w c] -> [b h w c=filters].
func Conv(t *model.Trace, x *expr.Node, o ConvOptions) (*expr.Node, error) {
	return layer(t, "conv", func(name string) node {
		o.check("conv", x)
		want(o.OutputPadding == [2]int{}, "conv", "output_padding: got %v, want none: only conv_transpose has it", o.OutputPadding)
		win := expr.Window2{
			H: o.Padding.window("conv", 0, x.Shape.Size('h'), o.Kernel[0], o.Stride[0]),
			W: o.Padding.window("conv", 1, x.Shape.Size('w'), o.Kernel[1], o.Stride[1]),
		}
		want(win.H.Out() > 0 && win.W.Out() > 0, "conv", "x: got %v, want at least the %d x %d pixels of the kernel, with padding", x.Shape,
			o.Kernel[0], o.Kernel[1])
		return o.bias(t, name, expr.Conv(x, o.kernel(t, name, x.Shape.Size('c'), o.Filters, "o"), win))
	})
}

// ConvTranspose is the transpose of a convolution, from its results to its images, with a kernel [h w i o] whose o are the channels
// of x and whose i are the filters (Keras's order), and a bias: [b h w c] -> [b h w c=filters]. n pixels along an axis become
// n stride with "same" padding, (n-1) stride + max(kernel, stride) with "valid", and (n-1) stride + kernel - lo - hi + output
// padding with explicit padding.
func ConvTranspose(t *model.Trace, x *expr.Node, o ConvOptions) (*expr.Node, error) {
	return layer(t, "conv_transpose", func(name string) node {
		o.check("conv_transpose", x)
		for i, extra := range o.OutputPadding {
			want(extra == 0 || o.Padding.Mode == "explicit", "conv_transpose",
				"output_padding: got %d with padding %s, want it only with explicit padding", extra, o.Padding.Mode)
			want(0 <= extra && extra < max(1, o.Stride[i]), "conv_transpose",
				"output_padding: got %d along %c, want less than the stride %d", extra, "hw"[i], o.Stride[i])
		}
		win := expr.Window2{
			H: o.Padding.transposed("conv_transpose", 0, x.Shape.Size('h'), o.Kernel[0], o.Stride[0], o.OutputPadding[0]),
			W: o.Padding.transposed("conv_transpose", 1, x.Shape.Size('w'), o.Kernel[1], o.Stride[1], o.OutputPadding[1]),
		}
		want(win.H.In > 0 && win.W.In > 0, "conv_transpose", "padding: got %v and %v, want less: nothing of %v would be left", o.Padding.Lo,
			o.Padding.Hi, x.Shape)
		return o.bias(t, name, expr.ConvInput(x, o.kernel(t, name, o.Filters, x.Shape.Size('c'), "i"), win))
	})
}

func (o ConvOptions) check(layer string, x node) {
	wantAxes(layer, x, images)
	want(o.Filters > 0, layer, "filters: got %d, want at least 1", o.Filters)
}

// kernel declares a kernel [h w i o]; units is the axis of the layer's outputs.
func (o ConvOptions) kernel(t *model.Trace, layer string, in, out int, units string) node {
	s := expr.Of(t.Config.DType, "hwio", o.Kernel[0], o.Kernel[1], in, out)
	taps := o.Kernel[0] * o.Kernel[1]
	// Keras computes fans from the kernel's axes, in both directions.
	start := initial(o.KernelInit, glorotUniform, s, taps*in, taps*out)
	k := t.Weight(layer, "kernel", s, start)
	if o.Spectral {
		k = spectral(t, layer, k, start, units)
	}
	return k
}

func (o ConvOptions) bias(t *model.Trace, layer string, y node) node {
	if o.Bias {
		return bias(t, layer, y, o.BiasInit)
	}
	return y
}
