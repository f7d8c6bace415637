package feature

import (
	"errors"
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/expr"
)

type node = *expr.Node

// network builds the features and logits (nil if there are none), [b c], of images [b h w c] of integers from 0 to 255.
type network func(b *builder, x node) (features, logits node)

// tensor is an array of numbers, row-major.
type tensor struct {
	shape []int
	data  []float32
}

// weights are named tensors. A layer has layer/kernel, [h w i o] or [c o], and layer/bias.
type weights map[string]tensor

// builder builds expressions that read weights.
type builder struct {
	g       *expr.Graph
	weights weights
	asked   []expr.Leaf // the weights that the network reads, in this order
	errs    []error     // about weights that are missing or do not fit
}

const imagesName = "images"

func imagesShape(size [4]int) expr.Shape { return expr.Of(expr.F32, "bhwc", size[:]...) }

// build builds a network for images of a size: batch, h, w, c.
func (b *builder) build(n network, size [4]int) (features, logits node, err error) {
	if slices.Min(size[:]) < 1 {
		return nil, nil, fmt.Errorf("got images of %d x %d x %d, want at least one pixel", size[1], size[2], size[3])
	}
	err = b.g.Try(func() {
		x := b.g.Input(imagesName, imagesShape(size))
		features, logits = n(b, b.quantize(x))
	})
	if len(b.errs) > 0 { // they may be the cause of err
		return nil, nil, b.err()
	}
	return features, logits, err
}

// err returns the first errors and the number of the others.
func (b *builder) err() error {
	const shown = 3
	errs := b.errs[:min(shown, len(b.errs))]
	if more := len(b.errs) - len(errs); more > 0 {
		errs = append(slices.Clone(errs), fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}

func (b *builder) fail(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf(format, args...))
}

// number makes a constant.
func (b *builder) number(v float64) node { return b.g.Const(expr.F32, v) }

// quantize maps [-1, 1] to 0 .. 255; see Extract.
func (b *builder) quantize(x node) node {
	levels := expr.Add(expr.Mul(x, b.number(127.5)), b.number(128))
	return expr.Floor(expr.Clamp(levels, b.number(0), b.number(255)))
}

// centre maps 0 .. 255 to [-1, 1].
func (b *builder) centre(x node) node { return expr.Sub(expr.Div(x, b.number(127.5)), b.number(1)) }

// colour repeats the single channel of grey images.
func (b *builder) colour(x node) node {
	switch c := x.Shape.Size('c'); c {
	case 1:
		return expr.Concat('c', x, x, x)
	case 3:
	default:
		b.fail("got images with %d channels, want 1 or 3", c)
	}
	return x
}

// has reports whether there are weights of a layer.
func (b *builder) has(layer string) bool { return has(b.weights, layer+"/kernel") }

// weight is the input for a weight of a shape. A weight that is missing or has another shape is an error.
func (b *builder) weight(name string, s expr.Shape) node {
	b.asked = append(b.asked, expr.Leaf{Name: name, Shape: s})
	switch w, ok := b.weights[name]; {
	case !ok:
		b.fail("%s is missing: want %v", name, s.Dims())
	case !slices.Equal(w.shape, s.Dims()):
		b.fail("%s: got %v, want %v", name, w.shape, s.Dims())
	}
	return b.g.Input(name, s)
}

// used returns the weights that the network reads.
func (b *builder) used() weights {
	w := weights{}
	for _, l := range b.asked {
		w[l.Name] = b.weights[l.Name]
	}
	return w
}

// conv is a convolution with a bias: [b h w c] -> [b h w c=filters].
func (b *builder) conv(layer string, x node, filters int, w expr.Window2) node {
	kernel := b.weight(layer+"/kernel", expr.Of(expr.F32, "hwio", w.H.Kernel, w.W.Kernel, x.Shape.Size('c'), filters))
	return expr.Add(expr.Conv(x, kernel, w), b.weight(layer+"/bias", expr.Of(expr.F32, "c", filters)))
}

// product is a dense layer without a bias: [b c] -> [b c=units].
func (b *builder) product(layer string, x node, units int) node {
	kernel := b.weight(layer+"/kernel", expr.Of(expr.F32, "co", x.Shape.Size('c'), units))
	return expr.Rename(expr.Dot(x, kernel, "c"), "o", "c")
}

// dense is a dense layer with a bias.
func (b *builder) dense(layer string, x node, units int) node {
	return expr.Add(b.product(layer, x, units), b.weight(layer+"/bias", expr.Of(expr.F32, "c", units)))
}

// window is a window over the pixels of x, the same along h and w.
func window(x node, along func(in int) expr.Window) expr.Window2 {
	return expr.Window2{H: along(x.Shape.Size('h')), W: along(x.Shape.Size('w'))}
}
