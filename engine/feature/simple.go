package feature

import (
	"math"
	"math/rand/v2"

	"github.com/starsweep/starsweep/engine/expr"
)

// pixels is the pixels themselves, from 0 to 1.
func pixels(b *builder, x node) (features, logits node) {
	return expr.Merge(expr.Div(x, b.number(255)), "hwc", 'c'), nil
}

// random is an untrained convolutional network: features of textures and edges that owe nothing to any data set.
var random = Description{
	Name:  "random",
	Input: [3]int{0, 0, 3},
	Layers: []Layer{
		{Op: "conv", Name: "conv1", Stride: 1}, {Op: "relu"},
		{Op: "conv", Name: "conv2", Stride: 2}, {Op: "relu"},
		{Op: "conv", Name: "conv3", Stride: 2}, {Op: "relu"},
		{Op: "mean"}, {Op: "features"},
	},
}

// randomWeights draws the kernels uniformly with the variance 2 / inputs (He et al. 2015), from the seed; biases too, so
// that the layers bend at different places.
func randomWeights(seed uint64) weights {
	w := weights{}
	r := rand.NewPCG(seed, 0)
	draw := func(name string, limit float64, shape ...int) {
		t := tensor{shape, make([]float32, product(shape))}
		for i := range t.data {
			t.data[i] = float32(limit * (float64(r.Uint64()>>11)/(1<<52) - 1))
		}
		w[name] = t
	}
	in := 3
	for i, filters := range []int{64, 128, 256} {
		name := random.Layers[2*i].Name
		draw(name+"/kernel", math.Sqrt(6/float64(9*in)), 3, 3, in, filters)
		draw(name+"/bias", .1, filters)
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
