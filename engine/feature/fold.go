package feature

import (
	"errors"
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/feature/small"
)

// affine names the tensors of a convolution or a dense layer in a file, and of the batch norm that follows it. "" is a tensor that
// the layer does not have.
type affine struct {
	kernel, bias                string // the kernel has its outputs last
	mean, variance, gamma, beta string // moving averages, scale and shift
	eps                         float64
}

// fold writes layer/kernel and layer/bias to out: see small.Norm.
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
	k, b := small.Norm{Mean: mean, Variance: variance, Gamma: gamma, Beta: beta, Eps: a.eps}.Fold(kernel.data, bias)
	out[layer+"/kernel"], out[layer+"/bias"] = tensor{kernel.shape, k}, tensor{[]int{n}, b}
	return nil
}

// get returns a tensor of the file. If n > 0, it must be a vector of that length.
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
