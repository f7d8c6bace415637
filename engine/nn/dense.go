package nn

import (
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
)

// DenseOptions are the options of Dense.
type DenseOptions struct {
	Units                int
	Bias, Spectral       bool
	KernelInit, BiasInit *model.Init // nil: Keras's glorot_uniform and zeros
}

// Dense multiplies the channels by a kernel [c o] and adds a bias: [.. c] -> [.. c=units].
func Dense(t *model.Trace, x *expr.Node, o DenseOptions) (*expr.Node, error) {
	return layer(t, "dense", func(name string) node {
		wantAxes("dense", x, features)
		want(o.Units > 0, "dense", "units: got %d, want at least 1", o.Units)
		in := x.Shape.Size('c')
		s := expr.Of(t.Config.DType, "co", in, o.Units)
		start := initial(o.KernelInit, glorotUniform, s, in, o.Units)
		kernel := t.Weight(name, "kernel", s, start)
		if o.Spectral {
			kernel = spectral(t, name, kernel, start, "o")
		}
		y := expr.Rename(expr.Dot(x, kernel, "c"), "o", "c")
		if o.Bias {
			y = bias(t, name, y, o.BiasInit)
		}
		return y
	})
}

// Embedding is one trained vector per class: labels i32 [b] -> [b c=units]. Its table is [j c], j the class. The default initializer is
// uniform on ±0.05, as in Keras.
func Embedding(t *model.Trace, labels *expr.Node, classes, units int, init *model.Init) (*expr.Node, error) {
	return layer(t, "embedding", func(name string) node {
		wantLabels("embedding", labels, classes)
		want(units > 0, "embedding", "units: got %d, want at least 1", units)
		s := expr.Of(t.Config.DType, "jc", classes, units)
		standard := model.Init{Kind: model.UniformInit, Args: [2]float64{-.05, .05}}
		return expr.Take(t.Weight(name, "table", s, initial(init, standard, s, classes, units)), labels, 'j')
	})
}

// OneHot is 1 at the label's class and 0 elsewhere: labels i32 [b] -> [b c=classes].
func OneHot(t *model.Trace, labels *expr.Node, classes int) (*expr.Node, error) {
	return try(t.Graph, func() node {
		wantLabels("one_hot", labels, classes)
		return expr.OneHot(labels, 'c', classes, t.Config.DType)
	})
}

func wantLabels(layer string, labels node, classes int) {
	want(labels.Shape.DType == expr.I32 && labels.Shape.Without("k").Axes() == "b", layer, "y: got %v, want labels, i32 of axes [b]",
		labels.Shape)
	want(classes > 0, layer, "classes: got %d, want at least 1", classes)
}
