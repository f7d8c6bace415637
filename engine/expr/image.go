package expr

import "math"

// Resizing and pooling of images [b h w c]. The two axes are independent, so each function works along h, then along w.

// ResizeNearest is an h x w image of the pixels below the centres of its own pixels, as tf.image.resize(method="nearest") of
// TensorFlow 2 (half-pixel centres).
func ResizeNearest(x *Node, h, w int) *Node { return nearest(nearest(x, 'h', h), 'w', w) }

func nearest(x *Node, a byte, out int) *Node {
	in := x.Shape.Size(a)
	if in == out {
		return x
	}
	// floor((p + 1/2) * in/out) = floor((2p+1)*in / 2out). Adding 1/2 keeps the quotient off the integers, where an inexact division
	// could fall short, and is too little to reach the next.
	p := Convert(x.g.Iota(a, out), F64)
	at := Floor(Div(Add(Scale(p, 2*float64(in)), p.lit(float64(in)+.5)), p.lit(2*float64(out))))
	return Take(x, Convert(at, I32), a)
}

// ResizeBilinear interpolates between the pixel centres, as tf.image.resize(method="bilinear", antialias=False) of TensorFlow
// 2: half-pixel centres, edges repeated.
func ResizeBilinear(x *Node, h, w int) *Node { return bilinear(bilinear(x, 'h', h, .5), 'w', w, .5) }

// ResizeBilinearTF1 interpolates between the pixels' first corners, as tf.image.resize_bilinear(align_corners=False) of
// TensorFlow 1, which the original FID code uses: pixel p is at p * in/out, and the last one repeats.
func ResizeBilinearTF1(x *Node, h, w int) *Node { return bilinear(bilinear(x, 'h', h, 0), 'w', w, 0) }

// bilinear resizes along axis a. origin is the position within a pixel, from 0 to 1, of its value.
func bilinear(x *Node, a byte, out int, origin float64) *Node {
	in := x.Shape.Size(a)
	if in == out {
		return x
	}
	// A product with the matrix [i o] of weights max(0, 1 - |i - at(o)|), o being the new axis.
	g, num := x.g, func(v float64) *Node { return x.g.Const(x.Shape.DType, v) }
	at := Scale(Add(Convert(g.Iota(a, out), x.Shape.DType), num(origin)), float64(in)/float64(out))
	at = Clamp(Sub(at, num(origin)), num(0), num(float64(in-1)))
	weight := Max(Sub(num(1), Abs(Sub(Convert(g.Iota('i', in), x.Shape.DType), at))), num(0))
	return Dot(Rename(x, string(rune(a)), "i"), weight, "i")
}

// MaxPool is the maximum over windows without padding. Of equal pixels, the first gets the derivative.
func MaxPool(x *Node, win Window2) *Node {
	return pool(x, win, math.Inf(-1), func(first, next *Node) *Node { return Max(next, first) })
}

// AvgPool is the mean over windows without padding, as in Keras.
func AvgPool(x *Node, win Window2) *Node {
	sums := pool(x, win, 0, Add)
	ones := x.lit(1).expandTo(x.Shape.Only("hw"))
	return Div(sums, pool(ones, win, 0, Add))
}

// pool folds the taps of the windows, each a strided slice of the padded image: first along h, where slices are whole rows and
// cheapest.
func pool(x *Node, win Window2, padding float64, fold func(first, next *Node) *Node) *Node {
	if x.Shape.Size('h') != win.H.In || x.Shape.Size('w') != win.W.In {
		x.g.Fail("pool", []*Node{x}, "window: got %v, want one of the size of the image", win)
	}
	for _, along := range [2]struct {
		a byte
		w Window
	}{{'h', win.H}, {'w', win.W}} {
		a, w := along.a, along.w
		if w.Out() < 1 || w.Stride < 1 || w.Lo >= w.Kernel || w.Hi >= w.Kernel {
			x.g.Fail("pool", []*Node{x}, "window: got %v, want one that fits the image and always covers part of it", w)
		}
		border := func(n int) *Node { return x.lit(padding).expandTo(x.Shape.With(a, n)) }
		padded := []*Node{x}
		if w.Lo > 0 {
			padded = []*Node{border(w.Lo), x}
		}
		if w.Hi > 0 {
			padded = append(padded, border(w.Hi))
		}
		x = Concat(a, padded...)
		var y *Node
		for t := range w.Kernel {
			tap := Slice(x, a, t, t+(w.Out()-1)*w.Stride+1, w.Stride)
			if y == nil {
				y = tap
			} else {
				y = fold(y, tap)
			}
		}
		x = y
	}
	return x
}
