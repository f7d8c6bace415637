package nn

import (
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
)

// NormOptions are the options of the normalization layers.
type NormOptions struct {
	Momentum, Eps *expr.Node // nil: Keras's 0.99 and 1e-3
	Scale, Center bool       // multiply by gamma, add beta: one number per channel
	Axes          string     // LayerNorm: the axes of one mean; "" is c, as in Keras
}

// BatchNorm normalizes every channel (Ioffe and Szegedy 2015): [.. c] -> [.. c]. Training uses the mean and variance of the
// batch, and every call updates averages of both, moving = momentum moving + (1-momentum) batch; sampling uses the averages.
// The variance is divided by n, in the averages as well, as in Keras.
func BatchNorm(t *model.Trace, x *expr.Node, o NormOptions) (*expr.Node, error) {
	return layer(t, "batch_norm", func(name string) node {
		wantAxes("batch_norm", x, features)
		s := x.Shape.Only("c")
		mean := t.Buffer(name, "mean", s, model.Constant(0))
		variance := t.Buffer(name, "variance", s, model.Constant(1))
		if !t.Training {
			return o.normalize(t, name, expr.Sub(x, mean), variance)
		}
		over := x.Shape.Without("kc").Axes()
		several("batch_norm", x, x.Shape.Only(over), "per channel in training: raise the batch, or leave the layer out")
		m := expr.Mean(x, over)
		d := expr.Sub(x, m)
		v := expr.Mean(expr.Square(d), over) // not E[x²] - E[x]², which cancels
		momentum := number(t, o.Momentum, .99)
		keep := func(what string, moving, batch node) {
			t.SetBuffer(name, what, expr.Add(expr.Mul(momentum, moving), expr.Mul(expr.Sub(t.Number(1), momentum), batch)))
		}
		keep("mean", mean, m)
		keep("variance", variance, v)
		return o.normalize(t, name, d, v)
	})
}

// LayerNorm normalizes every example over its channels, or over the axes of the options: Gulrajani et al. (2017) use "hwc" in
// critics. [.. c] -> [.. c] (Ba, Kiros and Hinton 2016).
func LayerNorm(t *model.Trace, x *expr.Node, o NormOptions) (*expr.Node, error) {
	if o.Axes == "" {
		o.Axes = "c"
	}
	return layer(t, "layer_norm", func(name string) node {
		wantAxes("layer_norm", x, features)
		own := x.Shape.Without("kb")
		want(o.Axes == own.Only(o.Axes).Axes(), "layer_norm", "axes: got %q, want some of the axes %s of x, in this order", o.Axes, own.Axes())
		several("layer_norm", x, x.Shape.Only(o.Axes), "over the axes "+o.Axes)
		return o.over(t, name, x, o.Axes)
	})
}

// InstanceNorm normalizes every channel of every image: [b h w c] -> [b h w c] (Ulyanov, Vedaldi and Lempitsky 2016).
func InstanceNorm(t *model.Trace, x *expr.Node, o NormOptions) (*expr.Node, error) {
	return layer(t, "instance_norm", func(name string) node {
		wantAxes("instance_norm", x, images)
		several("instance_norm", x, x.Shape.Only("hw"), "per channel of an image")
		return o.over(t, name, x, "hw")
	})
}

// GroupNorm normalizes groups of adjacent channels of every image: [b h w c] -> [b h w c] (Wu and He 2018).
func GroupNorm(t *model.Trace, x *expr.Node, groups int, o NormOptions) (*expr.Node, error) {
	return layer(t, "group_norm", func(name string) node {
		wantAxes("group_norm", x, images)
		c := x.Shape.Size('c')
		want(groups > 0 && c%groups == 0, "group_norm", "groups: got %d, want a divisor of the %d channels", groups, c)
		several("group_norm", x, x.Shape.Only("hw").With('c', c/groups), "per group of channels of an image")
		d, v := deviation(expr.Split(x, 'c', "ci", groups, c/groups), "hwi")
		perChannel := expr.Merge(expr.Expand(v, d.Shape.Only("i")), "ci", 'c')
		return o.normalize(t, name, expr.Merge(d, "ci", 'c'), perChannel)
	})
}

// several reports an error if a single value would be normalized: it is its own mean, so the result would be beta for every x.
// PyTorch rejects it as well, except in layer norm.
func several(layer string, x node, over expr.Shape, what string) {
	want(over.Elems() > 1, layer, "x: got %v, want more than one value %s", x.Shape, what)
}

// over normalizes x by its own mean and variance over axes, in training and in sampling.
func (o NormOptions) over(t *model.Trace, name string, x node, axes string) node {
	d, v := deviation(x, axes)
	return o.normalize(t, name, d, v)
}

// deviation returns x minus its mean, and its variance (divided by n).
func deviation(x node, axes string) (d, variance node) {
	d = expr.Sub(x, expr.Mean(x, axes))
	return d, expr.Mean(expr.Square(d), axes)
}

// normalize is gamma d / sqrt(variance + eps) + beta.
func (o NormOptions) normalize(t *model.Trace, name string, d, variance node) node {
	s := d.Shape.Only("c")
	r := expr.Rsqrt(expr.Add(variance, number(t, o.Eps, 1e-3)))
	if o.Scale { // multiply the factors first: they are smaller than d
		r = expr.Mul(r, t.Weight(name, "gamma", s, model.Constant(1)))
	}
	y := expr.Mul(d, r)
	if o.Center {
		y = expr.Add(y, t.Weight(name, "beta", s, model.Constant(0)))
	}
	return y
}

// number is n, or the default if n is nil.
func number(t *model.Trace, n node, standard float64) node {
	if n == nil {
		return t.Number(standard)
	}
	return n
}

// spectral divides a kernel by its largest singular value as a matrix from its other axes to units (Miyato et al. 2018, algorithm 1).
// The singular vector u persists, and is updated by one power iteration for every value that the kernel has within an iteration of
// the players, independently of the number of calls of the network. The gradient treats u and v as constants and flows through
// sigma = u' W v.
func spectral(t *model.Trace, layer string, kernel node, start model.Init, units string) node {
	kind := strings.TrimRight(layer[strings.IndexByte(layer, '/')+1:], "0123456789")
	want(!start.IsZero(), kind, "init: got a kernel of zeros with spectral_norm, want one that is not zero: it is divided by its norm")
	return t.Once(kernel, func() node {
		s := kernel.Shape.Only(units)
		u := t.Buffer(layer, "u", s, model.Init{Kind: model.NormalInit, Args: [2]float64{0, 1}})
		w, inputs := expr.Stop(kernel), kernel.Shape.Without(units).Axes()
		v := unit(expr.Dot(w, u, units))
		u = unit(expr.Dot(w, v, inputs))
		t.SetBuffer(layer, "u", u)
		return expr.Div(kernel, expr.Dot(expr.Dot(kernel, v, inputs), u, units))
	})
}

// unit is the vector of length 1 along x.
func unit(x node) node { return expr.Div(x, expr.Norm(x, x.Shape.Axes(), 1e-24)) }

// Dropout sets elements to zero with probability rate and divides the others by 1-rate, which keeps the mean (Srivastava et
// al. 2014, section 10): any axes. It has no effect while sampling.
func Dropout(t *model.Trace, x, rate *expr.Node) (*expr.Node, error) {
	return try(t.Graph, func() node {
		want(x.Shape.DType.Float(), "dropout", "x: got %v, want floats", x.Shape)
		if !t.Training {
			return x
		}
		kept := expr.Less(rate, t.Uniform("dropout", x.Shape))
		return expr.Mul(x, expr.Where(kept, expr.Div(t.Number(1), expr.Sub(t.Number(1), rate)), t.Number(0)))
	})
}
