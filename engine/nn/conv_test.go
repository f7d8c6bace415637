package nn_test

import (
	"fmt"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/internal/exprtest"
)

func explicit(p int) nn.Padding {
	return nn.Padding{Mode: "explicit", Lo: [2]int{p, p}, Hi: [2]int{p, p}}
}

// The lengths are those that Keras (same, valid) and PyTorch (numbers) document and return.
func TestConvHasTheSizesOfKerasAndPyTorch(t *testing.T) {
	same, valid := nn.Padding{Mode: "same"}, nn.Padding{Mode: "valid"}
	for _, c := range []struct {
		transpose                    bool
		padding                      nn.Padding
		in, kernel, stride, out, end int // end: output padding
	}{
		{false, same, 32, 5, 2, 16, 0}, {false, same, 28, 5, 2, 14, 0}, {false, same, 7, 5, 2, 4, 0}, {false, same, 5, 3, 3, 2, 0},
		{false, same, 1, 5, 2, 1, 0},
		{false, valid, 32, 5, 2, 14, 0}, {false, valid, 7, 3, 2, 3, 0}, {false, valid, 28, 4, 1, 25, 0}, {false, valid, 4, 4, 1, 1, 0},
		{false, explicit(1), 32, 4, 2, 16, 0}, {false, explicit(1), 28, 3, 2, 14, 0}, {false, explicit(1), 7, 4, 2, 3, 0},
		{false, explicit(2), 64, 5, 2, 32, 0},
		{true, same, 4, 5, 2, 8, 0}, {true, same, 7, 4, 2, 14, 0}, {true, same, 8, 3, 1, 8, 0}, {true, same, 3, 2, 3, 9, 0},
		{true, valid, 4, 5, 2, 11, 0}, {true, valid, 4, 2, 3, 12, 0}, {true, valid, 1, 4, 1, 4, 0},
		{true, explicit(1), 4, 4, 2, 8, 0}, {true, explicit(2), 4, 5, 2, 8, 1}, {true, explicit(1), 4, 3, 2, 8, 1},
		{true, explicit(0), 1, 4, 1, 4, 0}, {true, explicit(2), 7, 5, 2, 13, 0},
	} {
		layer, name := nn.Conv, "conv"
		if c.transpose {
			layer, name = nn.ConvTranspose, "conv_transpose"
		}
		n := build(t, 2, image(c.in, c.in, 2), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return layer(t, x, nn.ConvOptions{Filters: 3, Kernel: [2]int{c.kernel, c.kernel}, Stride: [2]int{c.stride, c.stride},
				Padding: c.padding, OutputPadding: [2]int{c.end, c.end}})
		})
		if want := expr.Of(expr.F64, "bhwc", 2, c.out, c.out, 3); n.train.Shape != want {
			t.Errorf("%s, %+v: got %v, want %v", name, c, n.train.Shape, want)
		}
	}
}

// tensor is a flat image [b h w c] or kernel [h w i o] with its sizes.
type tensor struct {
	d [4]int
	v []float64
}

func zeros(d ...int) tensor {
	return tensor{[4]int(d), make([]float64, d[0]*d[1]*d[2]*d[3])}
}

// at returns an element, nil in the padding.
func (t tensor) at(a, b, c, e int) *float64 {
	if b < 0 || b >= t.d[1] || c < 0 || c >= t.d[2] {
		return nil
	}
	return &t.v[((a*t.d[1]+b)*t.d[2]+c)*t.d[3]+e]
}

// eachTap calls f for every pair of a small pixel (of g, the result of a convolution) and a kernel tap, with the pixel of
// the large image (x) under the tap: row y*stride + tap - lo.
func eachTap(x, kernel, g tensor, stride, lo [2]int, f func(x, k, g *float64)) {
	for b := range g.d[0] {
		for y := range g.d[1] {
			for w := range g.d[2] {
				for ky := range kernel.d[0] {
					for kw := range kernel.d[1] {
						for i := range kernel.d[2] {
							for o := range kernel.d[3] {
								if p := x.at(b, y*stride[0]+ky-lo[0], w*stride[1]+kw-lo[1], i); p != nil {
									f(p, kernel.at(ky, kw, i, o), g.at(b, y, w, o))
								}
							}
						}
					}
				}
			}
		}
	}
}

// Values against seven nested loops. lo is the padding before, computed by hand since the size does not determine it.
func TestConvIsTheSumOverItsTaps(t *testing.T) {
	for _, c := range []struct {
		padding        nn.Padding
		h, w           int // of the large image
		kernel, stride [2]int
		lo             [2]int
		outH, outW     int
		end            [2]int
	}{
		{nn.Padding{Mode: "same"}, 8, 8, [2]int{5, 5}, [2]int{2, 2}, [2]int{1, 1}, 4, 4, [2]int{}},
		{nn.Padding{Mode: "same"}, 6, 8, [2]int{3, 4}, [2]int{3, 1}, [2]int{0, 1}, 2, 8, [2]int{}},
		{nn.Padding{Mode: "valid"}, 7, 5, [2]int{3, 2}, [2]int{2, 1}, [2]int{0, 0}, 3, 4, [2]int{}},
		{nn.Padding{Mode: "explicit", Lo: [2]int{1, 2}, Hi: [2]int{1, 0}}, 6, 6, [2]int{4, 3}, [2]int{2, 1}, [2]int{1, 2}, 3, 6, [2]int{}},
		{explicit(2), 8, 8, [2]int{5, 5}, [2]int{2, 2}, [2]int{2, 2}, 4, 4, [2]int{1, 1}},
	} {
		t.Run(fmt.Sprintf("%v %dx%d", c.padding.Mode, c.h, c.w), func(t *testing.T) {
			o := nn.ConvOptions{Kernel: c.kernel, Stride: c.stride, Padding: c.padding, Bias: true, Filters: 3,
				BiasInit: &model.Init{Kind: model.ConstantInit, Args: [2]float64{.25}}}
			down := build(t, 2, image(c.h, c.w, 2), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.Conv(t, x, o) })
			v := down.start()
			x := tensor{[4]int{2, c.h, c.w, 2}, v.Of(down.x)}
			k := tensor{[4]int{c.kernel[0], c.kernel[1], 2, 3}, v["net/conv1/kernel"]}
			y := zeros(2, c.outH, c.outW, 3)
			eachTap(x, k, y, c.stride, c.lo, func(x, k, g *float64) { *g += *x * *k })
			for i := range y.v {
				y.v[i] += .25
			}
			exprtest.Close(t, "conv", exprtest.Eval(t, v, down.train)[0], y.v, 1e-13)

			o.Filters, o.OutputPadding = 2, c.end
			up := build(t, 2, image(c.outH, c.outW, 3), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.ConvTranspose(t, x, o) })
			v = up.start()
			g := tensor{[4]int{2, c.outH, c.outW, 3}, v.Of(up.x)}
			k.v = v["net/conv_transpose1/kernel"]
			x = zeros(2, c.h, c.w, 2)
			eachTap(x, k, g, c.stride, c.lo, func(x, k, g *float64) { *x += *g * *k })
			for i := range x.v {
				x.v[i] += .25
			}
			exprtest.Close(t, "conv_transpose", exprtest.Eval(t, v, up.train)[0], x.v, 1e-13)
		})
	}
}

// Keras's conv2d_transpose is the gradient of its conv2d with the same kernel.
func TestConvTransposeIsTheGradientOfConv(t *testing.T) {
	o := nn.ConvOptions{Filters: 2, Kernel: [2]int{5, 4}, Stride: [2]int{2, 3}, Padding: nn.Padding{Mode: "same"}}
	n := build(t, 2, image(3, 2, 4), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.ConvTranspose(t, x, o) })
	g := n.x.Graph()
	large := g.Input("large", n.train.Shape)
	kernel := g.Input("net/conv_transpose1/kernel", expr.Of(expr.F64, "hwio", 5, 4, 2, 4))
	product := expr.Mul(expr.Conv(large, kernel, expr.Window2{H: expr.Same(6, 5, 2), W: expr.Same(6, 4, 3)}), n.x)
	out := exprtest.Eval(t, n.start(), n.train, expr.Grad(expr.Sum(product, "bhwc"), large)[0])
	exprtest.Close(t, "conv_transpose", out[0], out[1], 1e-14)
}

// Glorot's rule counts taps times channels. Keras counts the axes of the kernel, so the two directions swap their fans.
func TestKernelsStartWithTheFansOfKeras(t *testing.T) {
	o := nn.ConvOptions{Filters: 8, Kernel: [2]int{5, 3}, Stride: [2]int{1, 1}, Padding: nn.Padding{Mode: "same"}}
	n := build(t, 2, image(4, 4, 2), func(t *model.Trace, x *expr.Node) (h *expr.Node, err error) {
		if h, err = nn.Conv(t, x, o); err != nil { // [5 3 2 8]
			return nil, err
		}
		up := o
		up.Filters = 3
		if h, err = nn.ConvTranspose(t, h, up); err != nil { // [5 3 3 8]
			return nil, err
		}
		return nn.Dense(t, h, nn.DenseOptions{Units: 7}) // [3 7]
	})
	want := map[string][3]int{"net/conv1/kernel": {30, 120, 30}, "net/conv_transpose1/kernel": {45, 120, 45}, "net/dense1/kernel": {3, 7, 3}}
	for _, v := range n.Vars {
		if w, ok := want[v.Name]; ok {
			if got := [3]int{v.Init.FanIn, v.Init.FanOut, v.Init.Rows}; got != w || v.Init.Kind != model.GlorotUniform || v.Init.Args[0] != 1 {
				t.Errorf("%s: got fans and rows %v of %v, want %v", v.Name, got, v.Init, w)
			}
		}
	}
}
