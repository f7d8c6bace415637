package nn

import (
	"math"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
)

// Activation is a function applied to every element.
type Activation struct {
	Doc     string
	Param   string  // the name of its number; "" if it has none
	Default float64 // of the number
	Of      func(x, a *expr.Node) *expr.Node
}

// Activations has the functions of x by their names in scripts. Of reads floats; a is the number, nil if there is none.
var Activations = map[string]Activation{
	"relu": {Doc: "max(x, 0)", Of: func(x, _ node) node { return expr.Relu(x) }},
	"leaky_relu": {Doc: "x, times the slope where negative (Maas et al. 2013; 0.3 is the default of Keras's layer)", Param: "slope",
		Default: .3, Of: expr.Leaky},
	"elu":          {Doc: "x, or alpha (e^x - 1) where negative (Clevert et al. 2016)", Param: "alpha", Default: 1, Of: elu},
	"selu":         {Doc: "scale elu(x, alpha) with the scale and alpha that keep mean 0 and variance 1 (Klambauer et al. 2017)", Of: selu},
	"gelu":         {Doc: "x Φ(x) in the tanh form (Hendrycks and Gimpel 2016, section 2)", Of: gelu},
	"silu":         {Doc: "x sigmoid(x) (Elfwing et al. 2018)", Of: silu},
	"swish":        {Doc: "silu by its other name (Ramachandran et al. 2017)", Of: silu},
	"mish":         {Doc: "x tanh(softplus(x)) (Misra 2020)", Of: func(x, _ node) node { return expr.Mul(x, expr.Tanh(expr.Softplus(x))) }},
	"softplus":     {Doc: "ln(1 + e^x)", Of: func(x, _ node) node { return expr.Softplus(x) }},
	"softsign":     {Doc: "x / (1 + |x|)", Of: func(x, _ node) node { return expr.Div(x, expr.Add(one(x), expr.Abs(x))) }},
	"sigmoid":      {Doc: "1 / (1 + e^-x)", Of: func(x, _ node) node { return expr.Sigmoid(x) }},
	"hard_sigmoid": {Doc: "x/6 + 1/2, within 0 and 1 (as in Keras 3 and PyTorch)", Of: hardSigmoid},
	"tanh":         {Doc: "hyperbolic tangent", Of: func(x, _ node) node { return expr.Tanh(x) }},
	"hard_tanh":    {Doc: "x, within -1 and 1", Of: func(x, _ node) node { return expr.Clamp(x, like(x, -1), one(x)) }},
	"softmax":      {Doc: "e^x / sum e^x over the channels", Of: overChannels("softmax", expr.Softmax)},
	"log_softmax":  {Doc: "ln softmax", Of: overChannels("log_softmax", expr.LogSoftmax)},
	"exp":          {Doc: "e^x", Of: func(x, _ node) node { return expr.Exp(x) }},
	"identity":     {Doc: "x", Of: func(x, _ node) node { return x }},
}

// overChannels makes an activation from a function over axes, which x must have.
func overChannels(name string, f func(x node, axes string) node) func(x, _ node) node {
	return func(x, _ node) node {
		wantAxes(name, x, features)
		want(x.Shape.Size('c') > 1, name,
			"x: got %v, want two channels or more: softmax of a single one is always 1; sigmoid is the probability of one logit", x.Shape)
		return f(x, "c")
	}
}

// like is the number v in the element type of x.
func like(x node, v float64) node { return x.Graph().Const(x.Shape.DType, v) }

func one(x node) node { return like(x, 1) }

func elu(x, alpha node) node {
	negative := expr.Sub(expr.Exp(expr.Min(x, like(x, 0))), one(x)) // min, so that e^x does not overflow where it is not used
	return expr.Where(expr.Less(like(x, 0), x), x, expr.Mul(alpha, negative))
}

func selu(x, _ node) node {
	return expr.Scale(elu(x, like(x, 1.6732632423543772)), 1.0507009873554805)
}

func gelu(x, _ node) node {
	inner := expr.Scale(expr.Add(x, expr.Scale(expr.Mul(x, expr.Square(x)), .044715)), math.Sqrt(2/math.Pi))
	return expr.Mul(expr.Scale(x, .5), expr.Add(one(x), expr.Tanh(inner)))
}

func silu(x, _ node) node { return expr.Mul(x, expr.Sigmoid(x)) }

func hardSigmoid(x, _ node) node {
	return expr.Clamp(expr.Add(expr.Scale(x, 1./6), like(x, .5)), like(x, 0), one(x))
}

// PReLU is leaky_relu with a trained slope per channel (He et al. 2015, eq. 1), initially 0.25: [.. c] -> [.. c].
func PReLU(t *model.Trace, x *expr.Node, init *model.Init) (*expr.Node, error) {
	return layer(t, "prelu", func(name string) node {
		wantAxes("prelu", x, features)
		s := x.Shape.Only("c")
		return expr.Leaky(x, t.Weight(name, "slope", s, initial(init, model.Constant(.25), s, s.Elems(), s.Elems())))
	})
}
