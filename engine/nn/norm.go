package nn

import (
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
)

// NormOptions of the normalising layers.
type NormOptions struct {
	Momentum, Eps *expr.Node // nil: Keras's 0.99 and 1e-3
	Scale, Center bool       // multiply by gamma, add beta: one number per channel
	Axes          string     // LayerNorm: the axes of one mean; "" is c, as in Keras
}

// BatchNorm normalises every channel (Ioffe and Szegedy 2015): [.. c] -> [.. c]. Training uses the mean and variance of the
// batch and moves averages of both, moving = momentum moving + (1-momentum) batch, by every call; sampling uses the averages.
// The variance is divided by n, also in the average, as in Keras.
func BatchNorm(t *model.Trace, x *expr.Node, o NormOptions) (*expr.Node, error) {
	return layer(t, "batch_norm", func(name string) node {
		wantAxes("batch_norm", x, features)
		s := x.Shape.Only("c")
		mean := t.Buffer(name, "mean", s, model.Constant(0))
		variance := t.Buffer(name, "variance", s, model.Constant(1))
		if !t.Training {
			return o.normalise(t, name, expr.Sub(x, mean), variance)
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
		return o.normalise(t, name, d, v)
	})
}

// LayerNorm normalises every example over its channels, or over the axes of the options: "hwc" is that of Gulrajani et al.
// (2017) for critics. [.. c] -> [.. c] (Ba, Kiros and Hinton 2016).
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

// InstanceNorm normalises every channel of every image: [b h w c] -> [b h w c] (Ulyanov, Vedaldi and Lempitsky 2016).
func InstanceNorm(t *model.Trace, x *expr.Node, o NormOptions) (*expr.Node, error) {
	return layer(t, "instance_norm", func(name string) node {
		wantAxes("instance_norm", x, images)
		several("instance_norm", x, x.Shape.Only("hw"), "per channel of an image")
		return o.over(t, name, x, "hw")
	})
}

// GroupNorm normalises groups of neighbouring channels of every image: [b h w c] -> [b h w c] (Wu and He 2018).
func GroupNorm(t *model.Trace, x *expr.Node, groups int, o NormOptions) (*expr.Node, error) {
	return layer(t, "group_norm", func(name string) node {
		wantAxes("group_norm", x, images)
		c := x.Shape.Size('c')
		want(groups > 0 && c%groups == 0, "group_norm", "groups: got %d, want a divisor of the %d channels", groups, c)
		several("group_norm", x, x.Shape.Only("hw").With('c', c/groups), "per group of channels of an image")
		d, v := deviation(expr.Split(x, 'c', "ci", groups, c/groups), "hwi")
		perChannel := expr.Merge(expr.Expand(v, d.Shape.Only("i")), "ci", 'c')
		return o.normalise(t, name, expr.Merge(d, "ci", 'c'), perChannel)
	})
}

// several refuses to normalise a single value: it is its own mean, so that the layer would give beta whatever x is. PyTorch
// refuses it, too, but for layer norm.
func several(layer string, x node, over expr.Shape, what string) {
	want(over.Elems() > 1, layer, "x: got %v, want more than one value %s", x.Shape, what)
}

// over normalises by the mean and variance over axes of x itself, in training and in sampling.
func (o NormOptions) over(t *model.Trace, name string, x node, axes string) node {
	d, v := deviation(x, axes)
	return o.normalise(t, name, d, v)
}

// deviation is x less its mean, and its variance (divided by n).
func deviation(x node, axes string) (d, variance node) {
	d = expr.Sub(x, expr.Mean(x, axes))
	return d, expr.Mean(expr.Square(d), axes)
}

// normalise is gamma d / sqrt(variance + eps) + beta.
func (o NormOptions) normalise(t *model.Trace, name string, d, variance node) node {
	s := d.Shape.Only("c")
	r := expr.Rsqrt(expr.Add(variance, number(t, o.Eps, 1e-3)))
	if o.Scale { // of the factors first, which are smaller than d
		r = expr.Mul(r, t.Weight(name, "gamma", s, model.Constant(1)))
	}
	y := expr.Mul(d, r)
	if o.Center {
		y = expr.Add(y, t.Weight(name, "beta", s, model.Constant(0)))
	}
	return y
}

// number is n, or the standard value.
func number(t *model.Trace, n node, standard float64) node {
	if n == nil {
		return t.Number(standard)
	}
	return n
}

// spectral divides a kernel by its largest singular value, seen as a matrix from its other axes to units (Miyato et al. 2018,
// algorithm 1). The singular vector u, which persists, follows the kernel by one power iteration for every value that the kernel
// has within an iteration of the players, however often the network is called. The gradient holds u and v constant and flows
// through sigma = u' W v.
func spectral(t *model.Trace, layer string, kernel node, start model.Init, units string) node {
	kind := strings.TrimRight(layer[strings.IndexByte(layer, '/')+1:], "0123456789")
	want(!start.IsZero(), kind, "init: got a kernel of zeros with spectral_norm, want another: it is divided by its norm")
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
// al. 2014, section 10): any axes. While sampling it does nothing.
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
