package feature

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/feature/small"
)

// declared is a network that its file declares layer by layer (package small). It reads images in [-1, 1], as in training.
// Images of another size are resized by half-pixel bilinear interpolation, and the channel of grey ones is repeated if it reads
// colour.
func declared(n *small.Network) network {
	return func(b *builder, x node) (feature, logits node) {
		if n.Channels == 3 {
			x = b.colour(x)
		}
		if got := x.Shape.Size('c'); got != n.Channels {
			b.fail("got images with %d channels, want %d", got, n.Channels)
			return x, nil
		}
		x = b.centre(expr.ResizeBilinear(x, n.Size, n.Size))
		for name, l := range n.Named() {
			x = b.layer(name, l, x)
			if name == n.Feature {
				feature = x
			}
		}
		return feature, x
	}
}

// layer is one layer; small.Layer defines the kinds.
func (b *builder) layer(name string, l small.Layer, x node) node {
	switch l.Kind {
	case "conv":
		return b.conv(name, x, l.Filters, window(x, func(in int) expr.Window { return expr.Same(in, l.Kernel, l.Stride) }))
	case "relu":
		return expr.Relu(x)
	case "max_pool":
		return expr.MaxPool(x, window(x, func(in int) expr.Window { return expr.Valid(in, l.Window, l.Window) }))
	case "global_avg_pool":
		return expr.Mean(x, "hw")
	case "dense":
		return b.dense(name, x, l.Units)
	}
	panic(fmt.Sprintf("feature: layer %s is of kind %s", name, l.Kind)) // small.Unmarshal accepts no other kind
}
