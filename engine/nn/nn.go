// Package nn provides the layers of networks: functions over a model.Trace that declare parameters and compose expressions. It
// imports expr and model; starlib binds it as nn in scripts, and the networks of the standard library use it. Comments show the
// axes that a layer reads and returns; [.. c] is c and any other axes.
//
// Invalid arguments are reported as an *expr.Error that names the layer, what it got and what it wants.
package nn

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
)

// node shortens signatures.
type node = *expr.Node

// try runs the body of a layer and returns its result, or the *expr.Error that it panicked with.
func try(g *expr.Graph, body func() node) (y node, err error) {
	err = g.Try(func() { y = body() })
	return y, err
}

// layer runs the body of a layer with parameters, under its name in the network that is running.
func layer(t *model.Trace, kind string, body func(name string) node) (node, error) {
	name, err := t.Layer(kind)
	if err != nil {
		return nil, err
	}
	return try(t.Graph, func() node { return body(name) })
}

// want panics with an *expr.Error unless ok.
func want(ok bool, layer, format string, a ...any) {
	if !ok {
		panic(&expr.Error{Op: "nn." + layer, Why: fmt.Sprintf(format, a...)})
	}
}

// wantAxes checks that x has floats and, apart from trials, the axes of one of the forms. "..c" is any axes with c.
func wantAxes(layer string, x node, form string) {
	axes := x.Shape.Without("k").Axes()
	ok := axes == form || form == features && x.Shape.Has('c')
	want(ok && x.Shape.DType.Float(), layer, "x: got %v, want floats of axes %s", x.Shape, forms[form])
}

const (
	features = "..c"
	images   = "bhwc"
)

var forms = map[string]string{features: "[.. c]", images: "[b h w c]", "bc": "[b c]"}

// initial is the given initializer, or else the default, for a tensor whose units read fanIn values each and whose inputs are
// read by fanOut units each.
func initial(given *model.Init, standard model.Init, s expr.Shape, fanIn, fanOut int) model.Init {
	i := standard
	if given != nil {
		i = *given
	}
	i.FanIn, i.FanOut = fanIn, fanOut
	dims := s.Dims()
	i.Rows = s.Elems() / dims[len(dims)-1] // Keras flattens all axes but the last for an orthogonal matrix
	return i
}

// glorotUniform is Keras's default for kernels.
var glorotUniform = model.Init{Kind: model.GlorotUniform, Args: [2]float64{1}}

// bias adds one number per channel.
func bias(t *model.Trace, layer string, x node, given *model.Init) node {
	s := x.Shape.Only("c")
	return expr.Add(x, t.Weight(layer, "bias", s, initial(given, model.Constant(0), s, s.Elems(), s.Elems())))
}
