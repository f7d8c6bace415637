package nn_test

import (
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
)

// invalid is a network that cannot be built, and its error.
type invalid struct {
	want  string
	image expr.Shape
	net   body
}

func dense(units int) body {
	return func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.Dense(t, x, nn.DenseOptions{Units: units})
	}
}

// conv is a convolution with options that differ from conv3's.
func conv(change func(o *nn.ConvOptions)) body {
	o := conv3
	change(&o)
	return func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.Conv(t, x, o) }
}

// up is a transposed convolution with options that differ from up4's.
func up(change func(o *nn.ConvOptions)) body {
	o := up4
	change(&o)
	return func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.ConvTranspose(t, x, o) }
}

var invalidConvolutions = []invalid{
	{"nn.dense: units: got 0, want at least 1", flat(3), dense(0)},
	{"nn.conv: x: got f64[b2 c3], want floats of axes [b h w c]", flat(3), conv(func(o *nn.ConvOptions) {})},
	{"nn.conv: filters: got -1, want at least 1", image(4, 4, 1), conv(func(o *nn.ConvOptions) { o.Filters = -1 })},
	{"nn.conv: stride: got 0 along w, want at least 1", image(4, 4, 1), conv(func(o *nn.ConvOptions) { o.Stride[1] = 0 })},
	{"nn.conv: kernel: got 0 along h, want at least 1", image(4, 4, 1), conv(func(o *nn.ConvOptions) { o.Kernel[0] = 0 })},
	{`nn.conv: padding: got "full", want same, valid or numbers`, image(4, 4, 1), conv(func(o *nn.ConvOptions) { o.Padding.Mode = "full" })},
	{"nn.conv: padding: got -1 and 0 along h, want no negative numbers", image(4, 4, 1), conv(func(o *nn.ConvOptions) {
		o.Padding = nn.Padding{Mode: "explicit", Lo: [2]int{-1, 0}}
	})},
	{"nn.conv: output_padding: got [1 1], want none: only conv_transpose has it", image(4, 4, 1),
		conv(func(o *nn.ConvOptions) { o.OutputPadding = [2]int{1, 1} })},
	{"nn.conv: x: got f64[b2 h2 w4 c1], want at least the 3 x 3 pixels of the kernel, with padding", image(2, 4, 1),
		conv(func(o *nn.ConvOptions) { o.Padding.Mode = "valid" })},
	{"nn.conv_transpose: output_padding: got 1 with padding same, want it only with explicit padding", image(4, 4, 1),
		up(func(o *nn.ConvOptions) {
			o.Padding, o.OutputPadding = nn.Padding{Mode: "same"}, [2]int{1, 0}
		})},
	{"nn.conv_transpose: output_padding: got 1 along w, want less than the stride 1", image(4, 4, 1),
		up(func(o *nn.ConvOptions) { o.OutputPadding = [2]int{0, 1} })},
	{"nn.conv_transpose: padding: got [9 9] and [9 9], want less: nothing of f64[b2 h4 w4 c1] would be left", image(4, 4, 1),
		up(func(o *nn.ConvOptions) {
			o.Padding.Lo, o.Padding.Hi = [2]int{9, 9}, [2]int{9, 9}
		})},
	{"nn.conv: kernel: got 100000 along h, want at most 31: the others would meet none of the 4 pixels", image(4, 4, 1),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.Conv(t, x, nn.ConvOptions{Filters: 1, Kernel: [2]int{100000, 3}, Stride: [2]int{1, 1}, Padding: nn.Padding{Mode: "same"}})
		}},
	{"nn.conv_transpose: kernel: got 100000 along h, want at most 31: the others would meet none of the 8 pixels", image(4, 4, 1),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.ConvTranspose(t, x, nn.ConvOptions{Filters: 1, Kernel: [2]int{100000, 3}, Stride: [2]int{2, 2},
				Padding: nn.Padding{Mode: "same"}})
		}},
	{"nn.max_pool: window: got 200 along w, want at most 79: the others would meet none of the 40 pixels", image(40, 40, 1),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.MaxPool(x, [2]int{79, 200}, [2]int{1, 1}, nn.Padding{Mode: "same"})
		}},
	{"nn.conv: stride: got 1000000000 along h, want at most 40: there are 40 pixels", image(40, 40, 1),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.Conv(t, x, nn.ConvOptions{Filters: 1, Kernel: [2]int{3, 3}, Stride: [2]int{1e9, 1}, Padding: nn.Padding{Mode: "same"}})
		}},
	{"nn.conv: padding: got 1 and 1000000 along w, want at most 7: more would make empty windows", image(4, 4, 1),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.Conv(t, x, nn.ConvOptions{Filters: 1, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1},
				Padding: nn.Padding{Mode: "explicit", Lo: [2]int{1, 1}, Hi: [2]int{1, 1e6}}})
		}},
}

var invalidLayers = []invalid{
	{"nn.layer_norm: axes: got \"wh\", want some of the axes hwc of x, in this order", image(4, 4, 1),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.LayerNorm(t, x, nn.NormOptions{Axes: "wh"})
		}},
	{"nn.group_norm: groups: got 2, want a divisor of the 3 channels", image(4, 4, 3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.GroupNorm(t, x, 2, keras)
	}},
	{"nn.instance_norm: x: got f64[b2 c3], want floats of axes [b h w c]", flat(3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.InstanceNorm(t, x, keras)
	}},
	{"nn.layer_norm: x: got f64[b2 c1], want more than one value over the axes c", flat(1),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.LayerNorm(t, x, keras)
		}},
	{"nn.instance_norm: x: got f64[b2 h1 w1 c4], want more than one value per channel of an image", image(1, 1, 4),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.InstanceNorm(t, x, keras)
		}},
	{"nn.group_norm: x: got f64[b2 h1 w1 c4], want more than one value per group of channels of an image", image(1, 1, 4),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.GroupNorm(t, x, 4, keras)
		}},
	{"nn.softmax: x: got f64[b2 c1], want two channels or more: softmax of a single one is always 1; " +
		"sigmoid is the probability of one logit", flat(1),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nil, t.Graph.Try(func() { nn.Activations["softmax"].Of(x, nil) })
		}},
	{"nn.dense: init: got a kernel of zeros with spectral_norm, want one that is not zero: it is divided by its norm", flat(3),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.Dense(t, x, nn.DenseOptions{Units: 2, Spectral: true, KernelInit: &model.Init{Kind: model.HeNormal}})
		}},
	{"nn.embedding: y: got f64[b2 c3], want labels, i32 of axes [b]", flat(3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.Embedding(t, x, 3, 3, nil)
	}},
	{"nn.one_hot: classes: got 0, want at least 1", flat(3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		l, _ := t.Y()
		return nn.OneHot(t, l, 0)
	}},
	{"nn.dropout: x: got i32[b2], want floats", flat(3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		l, _ := t.Y()
		return nn.Dropout(t, l, t.Number(.5))
	}},
	{"nn.reshape: got f64[b2 c3] and 2 x 2 x 1 = 4 elements, want equal numbers", flat(3),
		func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.Reshape(x, 2, 2, 1) }},
	{"nn.resize: size: got 0 x 4, want at least 1 x 1", image(2, 2, 1), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.ResizeNearest(x, 0, 4)
	}},
	{"nn.concat: got no tensors, want at least one", flat(3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		return nn.Concat('c')
	}},
	{"net/dense1/kernel: the network was called with another shape before: its parameter would be f64[c2 o4] and is f64[c3 o4]",
		flat(3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			if _, err := dense(4)(t, x); err != nil {
				return nil, err
			}
			return t.Call("net", x, func() (*expr.Node, error) { return dense(4)(t, expr.Slice(x, 'c', 0, 2, 1)) })
		}},
}

// Errors name the layer, what it got and what it wants.
func TestErrorsSayWhatWasGotAndWanted(t *testing.T) {
	for _, c := range append(invalidConvolutions, invalidLayers...) {
		_, err := tryBuild(2, c.image, c.net)
		if err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestALayerWithParametersOutsideANetworkIsAnError(t *testing.T) {
	player := model.Player{Name: "net", Steps: 1, Loss: func(t *model.Trace) (*expr.Node, error) {
		return nn.Dense(t, t.X(), nn.DenseOptions{Units: 1})
	}}
	_, _, err := model.Build(model.Config{DType: expr.F32, Batch: 2, Image: expr.Of(expr.F32, "c", 3)}, []model.Player{player}, nil, nil)
	if want := "dense has parameters, so it can only be used inside a network"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
