package feature

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// affine names the tensors of a convolution or a dense layer in a file, and of the batch norm that follows it. "" is a tensor
// that there is not.
type affine struct {
	kernel, bias                string // the kernel has its outputs last
	mean, variance, gamma, beta string // moving averages, scale and shift
	eps                         float64
}

// fold writes layer/kernel and layer/bias to out: with k = gamma / sqrt(variance + eps), the kernel times k and
// beta + k (bias - mean).
func (a affine) fold(raw, out weights, layer string) error {
	kernel, err := a.get(raw, a.kernel, 0)
	if err != nil {
		return err
	}
	if len(kernel.data) == 0 || len(kernel.shape) == 0 {
		return fmt.Errorf("%s: got %v, want a kernel", a.kernel, kernel.shape)
	}
	n := kernel.shape[len(kernel.shape)-1]
	var errs []error
	vector := func(name string, missing float32) []float32 {
		if name == "" {
			return slices.Repeat([]float32{missing}, n)
		}
		t, err := a.get(raw, name, n)
		if err != nil {
			errs = append(errs, err)
			return make([]float32, n)
		}
		return t.data
	}
	bias, mean, variance := vector(a.bias, 0), vector(a.mean, 0), vector(a.variance, 1)
	gamma, beta := vector(a.gamma, 1), vector(a.beta, 0)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	folded := tensor{kernel.shape, make([]float32, len(kernel.data))}
	shift := tensor{[]int{n}, make([]float32, n)}
	scale := make([]float64, n)
	for o := range n {
		scale[o] = float64(gamma[o]) / math.Sqrt(float64(variance[o])+a.eps)
		shift.data[o] = float32(float64(beta[o]) + scale[o]*(float64(bias[o])-float64(mean[o])))
	}
	for row := 0; row < len(kernel.data); row += n {
		for o, v := range kernel.data[row : row+n] {
			folded.data[row+o] = float32(float64(v) * scale[o])
		}
	}
	out[layer+"/kernel"], out[layer+"/bias"] = folded, shift
	return nil
}

// get is a tensor of the file; n > 0 says how long a vector it must be.
func (a affine) get(raw weights, name string, n int) (tensor, error) {
	t, ok := raw[name]
	switch {
	case !ok && n > 0:
		return t, fmt.Errorf("%s is missing: want [%d]", name, n)
	case !ok:
		return t, fmt.Errorf("%s is missing", name)
	case n > 0 && !slices.Equal(t.shape, []int{n}):
		return t, fmt.Errorf("%s: got %v, want [%d]", name, t.shape, n)
	}
	return t, nil
}
