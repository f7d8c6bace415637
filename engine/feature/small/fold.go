package small

import "math"

// Norm is a trained batch norm: its moving averages, scale and shift, one number per channel each, and the Eps added to the variance.
type Norm struct {
	Mean, Variance, Gamma, Beta []float32
	Eps                         float64
}

// Fold returns the kernel and the bias of a convolution that equals a convolution with the given ones, followed by the batch norm:
// gamma (conv(x) + bias - mean) / sqrt(variance + eps) + beta. Output channels are the kernel's last axis.
func (n Norm) Fold(kernel, bias []float32) (k, b []float32) {
	k, b = make([]float32, len(kernel)), make([]float32, len(bias))
	scale := make([]float64, len(bias))
	for o := range bias {
		scale[o] = float64(n.Gamma[o]) / math.Sqrt(float64(n.Variance[o])+n.Eps)
		b[o] = float32((float64(bias[o])-float64(n.Mean[o]))*scale[o] + float64(n.Beta[o]))
	}
	for i, x := range kernel {
		k[i] = float32(float64(x) * scale[i%len(scale)])
	}
	return k, b
}
