package expr

// Functions of the primitives, which need no derivative rules.

// Square is x*x.
func Square(x *Node) *Node { return Mul(x, x) }

// Scale multiplies by a number that is part of the structure.
func Scale(x *Node, v float64) *Node { return Mul(x, x.lit(v)) }

// count is the number of elements that a reduction combines.
func count(x *Node, axes string) float64 { return float64(x.Shape.Only(axes).Elems()) }

// Mean is the average over the given axes.
func Mean(x *Node, axes string) *Node { return Scale(Sum(x, axes), 1/count(x, axes)) }

// Norm is the Euclidean length over the axes; eps, under the root, keeps the derivative finite at 0.
func Norm(x *Node, axes string, eps float64) *Node {
	return Sqrt(Add(Sum(Square(x), axes), x.lit(eps)))
}

// Relu is max(x, 0), with derivative 0 at 0.
func Relu(x *Node) *Node { return Max(x, x.lit(0)) }

// Leaky multiplies elements that are not positive by slope.
func Leaky(x, slope *Node) *Node { return Mul(x, Where(Less(x.lit(0), x), x.lit(1), slope)) }

// Clamp limits x to lo .. hi; the derivative is 0 where x reaches a limit.
func Clamp(x, lo, hi *Node) *Node { return Min(Max(x, lo), hi) }

// Softmax is e^x / sum e^x over the axes.
func Softmax(x *Node, axes string) *Node {
	e := Exp(Sub(x, Stop(Amax(x, axes))))
	return Div(e, Sum(e, axes))
}

// LogSoftmax is ln Softmax, exact where Softmax underflows.
func LogSoftmax(x *Node, axes string) *Node {
	d := Sub(x, Stop(Amax(x, axes)))
	return Sub(d, Log(Sum(Exp(d), axes)))
}

// OneHot has a 1 at the label (I32) along the new axis a of n classes; a label out of range has zeros.
func OneHot(labels *Node, a byte, n int, d DType) *Node {
	return Convert(Equal(labels, labels.g.Iota(a, n)), d)
}
