package nn_test

import (
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/internal/exprtest"
)

// Every pixel of an image, or every row, times the kernel, plus the bias.
func TestDenseIsAMatrixProductOverTheChannels(t *testing.T) {
	const in, units = 3, 4
	for _, s := range []expr.Shape{flat(in), image(2, 3, in)} {
		n := build(t, 2, s, func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.Dense(t, x, nn.DenseOptions{Units: units, Bias: true})
		})
		v := n.start()
		bias := []float64{1, -2, 3, .5}
		v["net/dense1/bias"] = bias
		x, kernel := v.Of(n.x), v["net/dense1/kernel"]
		var want []float64
		for row := 0; row < len(x); row += in {
			for o := range units {
				y := bias[o]
				for i := range in {
					y += x[row+i] * kernel[i*units+o]
				}
				want = append(want, y)
			}
		}
		exprtest.Close(t, s.String(), exprtest.Eval(t, v, n.train)[0], want, 1e-14)
	}
}

func TestPReLUHasASlopePerChannel(t *testing.T) {
	n := build(t, 2, flat(2), func(t *model.Trace, x *expr.Node) (*expr.Node, error) { return nn.PReLU(t, x, nil) })
	v := n.start()
	exprtest.Close(t, "slopes at first", v["net/prelu1/slope"], []float64{.25, .25}, 0)
	v["net/prelu1/slope"], v["x0"] = []float64{.5, 2}, []float64{-1, -1, 3, -4}
	exprtest.Close(t, "prelu", exprtest.Eval(t, v, n.train)[0], []float64{-.5, -2, 3, -8}, 0)
}
