package nn_test

import (
	"math"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/internal/exprtest"
)

// Numbers computed by hand, on the image 0 1 2 / 3 4 5 / 6 7 8 of one channel.
func TestImageLayersOnASmallImage(t *testing.T) {
	g := expr.New()
	x := g.Input("x", expr.Of(expr.F64, "bhwc", 1, 3, 3, 1))
	two, one := [2]int{2, 2}, [2]int{1, 1}
	same, valid := nn.Padding{Mode: "same"}, nn.Padding{Mode: "valid"}
	for _, c := range []struct {
		name string
		make func() (*expr.Node, error)
		want []float64
	}{
		{"avg_pool valid", func() (*expr.Node, error) { return nn.AvgPool(x, two, one, valid) }, []float64{2, 3, 5, 6}},
		{"avg_pool same", func() (*expr.Node, error) { return nn.AvgPool(x, two, two, same) }, []float64{2, 3.5, 6.5, 8}},
		{"max_pool valid", func() (*expr.Node, error) { return nn.MaxPool(x, two, two, valid) }, []float64{4}},
		{"max_pool same", func() (*expr.Node, error) { return nn.MaxPool(expr.Neg(x), two, two, same) }, []float64{0, -2, -6, -8}},
		{"max_pool explicit", func() (*expr.Node, error) { return nn.MaxPool(x, two, two, explicit(1)) }, []float64{0, 2, 6, 8}},
		{"global_avg_pool", func() (*expr.Node, error) { return nn.GlobalAvgPool(x) }, []float64{4}},
		{"resize_nearest", func() (*expr.Node, error) { return nn.ResizeNearest(x, 1, 6) }, []float64{3, 3, 4, 4, 5, 5}},
		{"resize_bilinear", func() (*expr.Node, error) { return nn.ResizeBilinear(x, 1, 6) }, []float64{3, 3.25, 3.75, 4.25, 4.75, 5}},
		{"slice", func() (*expr.Node, error) { return nn.Slice(x, 'w', 0, 3, 2) }, []float64{0, 2, 3, 5, 6, 8}},
		{"concat", func() (*expr.Node, error) {
			return nn.Concat('w', expr.Slice(x, 'w', 2, 3, 1), expr.Slice(x, 'w', 0, 1, 1))
		}, []float64{2, 0, 5, 3, 8, 6}},
	} {
		y, err := c.make()
		if err != nil {
			t.Fatal(err)
		}
		exprtest.Close(t, c.name, exprtest.Eval(t, exprtest.Values{"x": {0, 1, 2, 3, 4, 5, 6, 7, 8}}, y)[0], c.want, 1e-14)
	}
}

func TestReshapeUndoesFlatten(t *testing.T) {
	g := expr.New()
	x := g.Input("x", expr.Of(expr.F64, "bhwc", 2, 3, 2, 4))
	flat, err := nn.Flatten(x)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := nn.Flatten(flat); again != flat {
		t.Error("flattening what is flat changed it")
	}
	back, err := nn.Reshape(flat, 3, 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	if flat.Shape != expr.Of(expr.F64, "bc", 2, 24) || back.Shape != x.Shape {
		t.Errorf("got %v and %v, want [b2 c24] and %v", flat.Shape, back.Shape, x.Shape)
	}
	v := exprtest.Values{}
	out := exprtest.Eval(t, v, flat, back)
	exprtest.Close(t, "flat", out[0], v.Of(x), 0) // memory order is unchanged
	exprtest.Close(t, "back", out[1], v.Of(x), 0)
}

func TestLabelsBecomeVectors(t *testing.T) {
	var hot *expr.Node
	n := build(t, 4, flat(2), func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
		y, err := t.Y()
		if err != nil {
			return nil, err
		}
		if hot, err = nn.OneHot(t, y, 3); err != nil {
			return nil, err
		}
		return nn.Embedding(t, y, 3, 2, nil)
	})
	v := n.start()
	v["y0"] = []float64{1, 0, 2, 1}
	table := v["net/embedding1/table"]
	out := exprtest.Eval(t, v, n.train, hot)
	exprtest.Close(t, "embedding", out[0], []float64{table[2], table[3], table[0], table[1], table[4], table[5], table[2], table[3]}, 0)
	exprtest.Close(t, "one_hot", out[1], []float64{0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0}, 0)
	for _, w := range table {
		if math.Abs(w) > .05 {
			t.Errorf("got %g in a new table, want numbers within 0.05", w)
		}
	}
}
