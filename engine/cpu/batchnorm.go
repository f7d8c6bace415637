package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Batch normalization is composed of other operations, which fuse: S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep
// network training by reducing internal covariate shift", 2015, algorithm 1 and section 3.

// batchNorm builds values over the tensor x, and vectors over its feature axis. It keeps the first error.
type batchNorm struct {
	f    *Function
	x    shapes.Shape
	axis int
	err  error
}

func (f *Function) batchNorm(op compute.OpType, x compute.Value, axis int, vectors ...compute.Value) (*batchNorm, error) {
	in, err := f.operands(op, append(vectors, x)...)
	if err != nil {
		return nil, err
	}
	s := in[len(vectors)].shape
	if axis < 0 || axis >= s.Rank() || !s.DType.IsFloat() {
		return nil, fmt.Errorf("backend cpu: %s of %s along axis %d: want floats, and one of the axes", op, s, axis)
	}
	for _, v := range in[:len(vectors)] {
		if want := shapes.Make(s.DType, s.Dimensions[axis]); !v.shape.Equal(want) {
			return nil, fmt.Errorf("backend cpu: %s of %s along axis %d: got a %s, want a %s", op, s, axis, v.shape, want)
		}
	}
	return &batchNorm{f: f, x: s, axis: axis}, nil
}

func (b *batchNorm) do(op func(x, y compute.Value) (compute.Value, error), x, y compute.Value) compute.Value {
	if b.err != nil {
		return nil
	}
	v, err := op(x, y)
	b.err = err
	return v
}

func (b *batchNorm) add(x, y compute.Value) compute.Value { return b.do(b.f.Add, x, y) }
func (b *batchNorm) sub(x, y compute.Value) compute.Value { return b.do(b.f.Sub, x, y) }
func (b *batchNorm) mul(x, y compute.Value) compute.Value { return b.do(b.f.Mul, x, y) }

func (b *batchNorm) number(x float64) compute.Value {
	var flat any = []float32{float32(x)}
	if b.x.DType == dtypes.Float64 {
		flat = []float64{x}
	}
	return b.do(func(_, _ compute.Value) (compute.Value, error) { return b.f.Constant(flat) }, nil, nil)
}

// spread broadcasts a vector over x.
func (b *batchNorm) spread(v compute.Value) compute.Value {
	return b.do(func(v, _ compute.Value) (compute.Value, error) { return b.f.BroadcastInDim(v, b.x, []int{b.axis}) }, v, nil)
}

// sum is the vector of sums over all axes except that of features.
func (b *batchNorm) sum(v compute.Value) compute.Value {
	over := others(b.x.Rank(), []int{b.axis})
	if len(over) == 0 { // to ReduceSum, none means all axes
		return v
	}
	return b.do(func(v, _ compute.Value) (compute.Value, error) { return b.f.ReduceSum(v, over...) }, v, nil)
}

// mean is the sum divided by the number of elements per feature.
func (b *batchNorm) mean(v compute.Value) compute.Value {
	return b.mul(b.sum(v), b.number(float64(b.x.Dimensions[b.axis])/float64(b.x.Size())))
}

// inverse is one over the standard deviation.
func (b *batchNorm) inverse(variance compute.Value, epsilon float32) compute.Value {
	return b.do(func(v, _ compute.Value) (compute.Value, error) { return b.f.Rsqrt(v) }, b.add(variance, b.number(float64(epsilon))), nil)
}

func (b *batchNorm) normalized(x, scale, offset, mean, variance compute.Value, epsilon float32) compute.Value {
	y := b.mul(b.sub(x, b.spread(mean)), b.spread(b.mul(scale, b.inverse(variance, epsilon))))
	return b.add(y, b.spread(offset))
}

// BatchNormForInference normalizes with a given mean and variance.
func (f *Function) BatchNormForInference(x, scale, offset, mean, variance compute.Value, epsilon float32, axis int) (compute.Value, error) {
	b, err := f.batchNorm(compute.OpTypeBatchNormForInference, x, axis, scale, offset, mean, variance)
	if err != nil {
		return nil, err
	}
	y := b.normalized(x, scale, offset, mean, variance, epsilon)
	return y, b.err
}

// BatchNormForTraining normalizes with the mean and variance of x, and returns them. The variance is that of the population: it divides
// by the number of elements.
func (f *Function) BatchNormForTraining(x, scale, offset compute.Value, epsilon float32, axis int) (
	y, mean, variance compute.Value, err error) {
	b, err := f.batchNorm(compute.OpTypeBatchNormForTraining, x, axis, scale, offset)
	if err != nil {
		return nil, nil, nil, err
	}
	mean = b.mean(x)
	centred := b.sub(x, b.spread(mean))
	variance = b.mean(b.mul(centred, centred))
	y = b.normalized(x, scale, offset, mean, variance, epsilon)
	return y, mean, variance, b.err
}

// BatchNormGradient returns the gradients with respect to x, scale and offset of BatchNormForTraining, given the gradient dy of its
// result.
func (f *Function) BatchNormGradient(x, scale, mean, variance, dy compute.Value, epsilon float32, axis int) (
	dx, dScale, dOffset compute.Value, err error) {
	b, err := f.batchNorm(compute.OpTypeBatchNormGradient, x, axis, scale, mean, variance)
	if err != nil {
		return nil, nil, nil, err
	}
	inverse := b.inverse(variance, epsilon)
	z := b.mul(b.sub(x, b.spread(mean)), b.spread(inverse))
	along := b.mul(dy, z)
	dOffset, dScale = b.sum(dy), b.sum(along)
	dx = b.sub(b.sub(dy, b.spread(b.mean(dy))), b.mul(z, b.spread(b.mean(along))))
	return b.mul(dx, b.spread(b.mul(scale, inverse))), dScale, dOffset, b.err
}
