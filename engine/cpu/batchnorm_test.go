package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func TestBatchNormFollowsItsDefinition(t *testing.T) {
	const n, c, pixels, epsilon = 3, 4, 5, 1e-3
	r := rand.New(rand.NewPCG(1, 5))
	s, v := shapes.Make(dtypes.Float64, n, c, pixels), shapes.Make(dtypes.Float64, c) // features in the middle
	x, dy := values(r, dtypes.Float64, s.Size()).([]float64), values(r, dtypes.Float64, s.Size()).([]float64)
	scale, offset := values(r, dtypes.Float64, c).([]float64), values(r, dtypes.Float64, c).([]float64)
	// training is the definition, and the loss of which dy is the gradient.
	training := func(x, scale, offset []float64) (y, mean, variance []float64, loss float64) {
		y, mean, variance = make([]float64, len(x)), make([]float64, c), make([]float64, c)
		feature := func(i int) int { return i / pixels % c }
		for i, e := range x {
			mean[feature(i)] += e / (n * pixels)
		}
		for i, e := range x {
			variance[feature(i)] += (e - mean[feature(i)]) * (e - mean[feature(i)]) / (n * pixels)
		}
		for i, e := range x {
			k := feature(i)
			y[i] = (e-mean[k])/math.Sqrt(variance[k]+float64(float32(epsilon)))*scale[k] + offset[k]
			loss += y[i] * dy[i]
		}
		return y, mean, variance, loss
	}
	y, mean, variance, _ := training(x, scale, offset)
	slope := func(p []float64) []float64 { // by finite differences
		g := make([]float64, len(p))
		for i, old := range p {
			const h = 1e-5
			p[i] = old + h
			_, _, _, up := training(x, scale, offset)
			p[i] = old - h
			_, _, _, down := training(x, scale, offset)
			p[i], g[i] = old, (up-down)/(2*h)
		}
		return g
	}
	want := []any{y, mean, variance, slope(x), slope(scale), slope(offset), y}
	for _, b := range ours() {
		f := func(f compute.Function, in []compute.Value) []compute.Value {
			y, m, v, err := f.BatchNormForTraining(in[0], in[1], in[2], epsilon, 1)
			dx, ds, do := must(y, err), must(m, err), must(v, err)
			dx, ds, do, err = f.BatchNormGradient(in[0], in[1], m, v, in[3], epsilon, 1)
			return []compute.Value{y, m, v, must(dx, err), ds, do, must(f.BatchNormForInference(in[0], in[1], in[2], m, v, epsilon, 1))}
		}
		for k, got := range execute(b, compiled(b, f, s, v, v, s), x, scale, offset, dy) {
			if err := similar(got, want[k], 1e-7); err != nil {
				t.Errorf("result %d: %s: %v", k, b.Description(), err)
			}
		}
	}
}
