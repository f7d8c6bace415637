package cpu_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	_ "github.com/starsweep/starsweep/engine/cpu"
)

// A model of GoMLX's own layers, with their initializers, dropout and Adam, trains on this backend when it is selected by name.
func Example() {
	backend, err := compute.NewWithConfig("cpu") // or "cpu:threads=2,kernels=avx2"
	if err != nil {
		fmt.Println(err)
		return
	}
	classifier := func(scope *model.Scope, _ any, inputs []*Node) []*Node {
		x := layers.Convolution(scope.In("conv"), inputs[0]).Channels(8).KernelSize(3).PadSame().Done()
		x = activation.Relu(norm.BatchNorm(scope.In("norm"), x, -1).Done())
		x = MaxPool(x).Window(2).Done()
		x = layers.DropoutStatic(scope, Reshape(x, x.Shape().Dimensions[0], -1), 0.1)
		return []*Node{layers.DenseWithBias(scope.In("dense"), x, 1)}
	}
	store := model.NewStore()
	store.SetParam(model.ParamInitialSeed, int64(1))
	adam := optimizer.Adam().LearningRate(0.01).Done()
	trainer := train.NewTrainer(backend, store, classifier, loss.BinaryCrossentropyLogits, adam, nil, nil)

	r := rand.New(rand.NewPCG(1, 2))
	var first, last float32
	for step := range 60 {
		images, labels := bars(r, 32)
		metrics, err := trainer.TrainStep(train.Batch{Inputs: []*tensors.Tensor{images}, Labels: []*tensors.Tensor{labels}})
		if err != nil {
			fmt.Println(err)
			return
		}
		last = metrics[0].Value().(float32)
		if step == 0 {
			first = last
		}
	}
	fmt.Printf("the loss fell below a tenth: %v\n", last < first/10)
	// Output: the loss fell below a tenth: true
}

// bars returns noisy images of 8 x 8 pixels with one bar, which is vertical (label 1) or horizontal (0).
func bars(r *rand.Rand, n int) (images, labels *tensors.Tensor) {
	x, y := make([]float32, n*8*8), make([]float32, n)
	for i := range n {
		image, place := x[i*8*8:][:8*8], r.IntN(8)
		for p := range image {
			image[p] = 0.2 * float32(r.NormFloat64())
		}
		y[i] = float32(r.IntN(2))
		for k := range 8 {
			if y[i] == 1 {
				image[k*8+place]++
			} else {
				image[place*8+k]++
			}
		}
	}
	return tensors.FromFlatDataAndDimensions(x, n, 8, 8, 1), tensors.FromFlatDataAndDimensions(y, n, 1)
}
