package feature

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/spec"
)

// Extractors that need no training.
var (
	pixelFeatures = row{spec.Extractor{Name: "pixels", Builtin: "pixels", Doc: "the pixels themselves, from 0 to 1", Raw: true}, smallBatch,
		func(Store) (content, error) { return content{network: pixels, probe: anySize}, nil }, memory{}}
	randomFeatures = row{spec.Extractor{Name: "random", Builtin: "random_features", Doc: "an untrained convolutional network; 256 features",
		Width: 256}, smallBatch,
		func(Store) (content, error) {
			return content{network: random, weights: randomWeights(1), probe: anySize}, nil
		},
		memory{fixed: 1400 << 10, pixel: 440}}
)

// pixels are the pixels themselves, from 0 to 1.
func pixels(b *builder, x node) (features, logits node) {
	return expr.Merge(expr.Div(x, b.number(255)), "hwc", 'c'), nil
}

// randomFilters lists the channels of random's layers: 3 x 3 convolutions, the first with stride 1, the others with 2.
var randomFilters = []int{64, 128, 256}

// random is an untrained convolutional network, averaged over the image: features that are independent of any data set. Images may
// have any size.
func random(b *builder, x node) (features, logits node) {
	x = b.centre(b.colour(x))
	for i, filters := range randomFilters {
		x = expr.Relu(b.conv(randomLayer(i), x, filters, window(x, func(in int) expr.Window { return expr.Same(in, 3, min(i+1, 2)) })))
	}
	return expr.Mean(x, "hw"), nil
}

func randomLayer(i int) string { return fmt.Sprint("conv", i+1) }

// randomWeights draws the kernels from a seed, uniformly with the variance 2 / inputs (He et al. 2015). Biases are drawn as well, so
// that the units have different thresholds.
func randomWeights(seed uint64) weights {
	w := weights{}
	r := rand.NewPCG(seed, 0)
	draw := func(name string, limit float64, shape ...int) {
		t := tensor{shape, make([]float32, product(shape))}
		for i := range t.data {
			t.data[i] = float32(limit * (math.Ldexp(float64(r.Uint64()>>11), -52) - 1))
		}
		w[name] = t
	}
	in := 3
	for i, filters := range randomFilters {
		draw(randomLayer(i)+"/kernel", math.Sqrt(6/float64(9*in)), 3, 3, in, filters)
		draw(randomLayer(i)+"/bias", .1, filters)
		in = filters
	}
	return w
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
