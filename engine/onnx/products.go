package onnx

import (
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
)

// dot is a product of matrices where it has that form, and else an einsum, whose equation is the names of the axes.
func dot(g *graph, n *expr.Node) value {
	a, b, sum := n.Args[0], n.Args[1], n.Attr.(string)
	apart(n, sum)
	computes(n, n.Shape.DType)
	x, k := a.Shape.Axes(), b.Shape.Axes()
	if len(sum) == 1 && len(k) == 2 && k[:1] == sum && strings.HasSuffix(x, sum) && strings.TrimSuffix(x, sum)+k[1:] == n.Shape.Axes() {
		return g.add("MatMul", []value{g.value(a), g.value(b)})
	}
	return g.add("Einsum", []value{g.value(a), g.value(b)}, text{"equation", x + "," + k + "->" + n.Shape.Axes()})
}

// The axes of images and kernels in ONNX. A transposed convolution has the kernel of the convolution that it transposes.
const onnxImage, onnxKernel = "bchw", "oihw"

func conv(g *graph, n *expr.Node) value {
	w := n.Attr.(expr.Window2)
	x, k := g.images(n)
	y := g.add("Conv", []value{x, k}, list("kernel_shape", w.H.Kernel, w.W.Kernel), list("strides", w.H.Stride, w.W.Stride),
		list("pads", w.H.Lo, w.W.Lo, w.H.Hi, w.W.Hi))
	return g.permute(y, onnxImage, "bhwc")
}

func convTranspose(g *graph, n *expr.Node) value {
	w := n.Attr.(expr.Window2)
	x, k := g.images(n)
	hiH, moreH := end(w.H)
	hiW, moreW := end(w.W)
	y := g.add("ConvTranspose", []value{x, k}, list("kernel_shape", w.H.Kernel, w.W.Kernel), list("strides", w.H.Stride, w.W.Stride),
		list("pads", w.H.Lo, w.W.Lo, hiH, hiW), list("output_padding", moreH, moreW))
	return g.permute(y, onnxImage, "bhwc")
}

// end says how many elements a transposed convolution drops at the end of an axis, and how many it adds: those that no tap of the
// convolution reaches.
func end(w expr.Window) (drop, more int) {
	n := (w.Out()-1)*w.Stride + w.Kernel - w.Lo - w.In
	return max(0, n), max(0, -n)
}

// images are the operands of a convolution in the order of axes that ONNX wants.
func (g *graph) images(n *expr.Node) (x, kernel value) {
	if d := n.Shape.DType; d != expr.F32 {
		refuse(n, "got %v, want f32: ONNX Runtime has no convolution of other numbers", d)
	}
	if n.Args[1].Shape.Has('b') {
		refuse(n, "got a kernel for each example, want one for all")
	}
	return g.permute(g.arg(n, 0), "bhwc", onnxImage), g.permute(g.arg(n, 1), "hwio", onnxKernel)
}
