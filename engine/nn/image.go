package nn

import "github.com/starsweep/starsweep/engine/expr"

// ResizeNearest makes images h x w by repeating pixels, as TensorFlow 2 does: [b h w c] -> [b h w c].
func ResizeNearest(x *expr.Node, h, w int) (*expr.Node, error) {
	return resize(expr.ResizeNearest, x, h, w)
}

// ResizeBilinear makes images h x w by interpolation, as TensorFlow 2 does: [b h w c] -> [b h w c].
func ResizeBilinear(x *expr.Node, h, w int) (*expr.Node, error) {
	return resize(expr.ResizeBilinear, x, h, w)
}

func resize(f func(x node, h, w int) node, x node, h, w int) (node, error) {
	return try(x.Graph(), func() node {
		wantAxes("resize", x, images)
		want(h > 0 && w > 0, "resize", "size: got %d x %d, want at least 1 x 1", h, w)
		return f(x, h, w)
	})
}

// AvgPool is the mean over windows, without padding: [b h w c] -> [b h w c].
func AvgPool(x *expr.Node, window, stride [2]int, p Padding) (*expr.Node, error) {
	return pool("avg_pool", expr.AvgPool, x, window, stride, p)
}

// MaxPool is the maximum over windows, without padding: [b h w c] -> [b h w c].
func MaxPool(x *expr.Node, window, stride [2]int, p Padding) (*expr.Node, error) {
	return pool("max_pool", expr.MaxPool, x, window, stride, p)
}

func pool(layer string, f func(x node, w expr.Window2) node, x node, window, stride [2]int, p Padding) (node, error) {
	return try(x.Graph(), func() node {
		wantAxes(layer, x, images)
		return f(x, expr.Window2{
			H: p.window(layer, 0, x.Shape.Size('h'), window[0], stride[0]),
			W: p.window(layer, 1, x.Shape.Size('w'), window[1], stride[1]),
		})
	})
}

// GlobalAvgPool is the mean over the pixels: [b h w c] -> [b c].
func GlobalAvgPool(x *expr.Node) (*expr.Node, error) {
	return try(x.Graph(), func() node {
		wantAxes("global_avg_pool", x, images)
		return expr.Mean(x, "hw")
	})
}

// Flatten merges h, w and c into one axis, c varying fastest: [b h w c] -> [b c]. Flat tensors are returned unchanged.
func Flatten(x *expr.Node) (*expr.Node, error) {
	return try(x.Graph(), func() node {
		if x.Shape.Without("k").Axes() == "bc" {
			return x
		}
		wantAxes("flatten", x, images)
		return expr.Merge(x, "hwc", 'c')
	})
}

// Reshape undoes Flatten: [b c] -> [b h w c], where h w c is the old c.
func Reshape(x *expr.Node, h, w, c int) (*expr.Node, error) {
	return try(x.Graph(), func() node {
		wantAxes("reshape", x, "bc")
		want(h > 0 && w > 0 && c > 0 && h*w*c == x.Shape.Size('c'), "reshape",
			"got %v and %d x %d x %d = %d elements, want equal numbers", x.Shape, h, w, c, h*w*c)
		return expr.Split(x, 'c', "hwc", h, w, c)
	})
}

// Concat joins tensors end to end along an axis; their other axes are matched by name.
func Concat(axis byte, xs ...*expr.Node) (*expr.Node, error) {
	if len(xs) == 0 {
		return nil, &expr.Error{Op: "nn.concat", Why: "got no tensors, want at least one"}
	}
	return try(xs[0].Graph(), func() node { return expr.Concat(axis, xs...) })
}

// Slice is every step-th element of lo:hi along an axis.
func Slice(x *expr.Node, axis byte, lo, hi, step int) (*expr.Node, error) {
	return try(x.Graph(), func() node { return expr.Slice(x, axis, lo, hi, step) })
}
