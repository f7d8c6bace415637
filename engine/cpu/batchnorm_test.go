package cpu

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// normalization is batch normalization along an axis by definition, in float64.
type normalization struct {
	s                    shapes.Shape
	axis                 int
	epsilon              float64
	x, dy, scale, offset []float64
	mean, variance       []float64
}

func (n *normalization) feature(i int) int { return i / strides(n.s)[n.axis] % n.s.Dimensions[n.axis] }

// means returns the mean of v by feature.
func (n *normalization) means(v func(i int) float64) []float64 {
	m := make([]float64, n.s.Dimensions[n.axis])
	for i := range n.x {
		m[n.feature(i)] += v(i) * float64(len(m)) / float64(len(n.x))
	}
	return m
}

// measure sets mean and variance to those of x.
func (n *normalization) measure() {
	n.mean = n.means(func(i int) float64 { return n.x[i] })
	n.variance = n.means(func(i int) float64 { d := n.x[i] - n.mean[n.feature(i)]; return d * d })
}

// z returns the i-th element of x minus the mean, divided by the standard deviation.
func (n *normalization) z(i int) float64 {
	k := n.feature(i)
	return (n.x[i] - n.mean[k]) / math.Sqrt(n.variance[k]+n.epsilon)
}

func (n *normalization) y() []float64 {
	y := make([]float64, len(n.x))
	for i := range y {
		y[i] = n.z(i)*n.scale[n.feature(i)] + n.offset[n.feature(i)]
	}
	return y
}

// gradients returns the gradients with respect to x, scale and offset.
func (n *normalization) gradients() (dx, dScale, dOffset []float64) {
	count := float64(len(n.x) / len(n.scale))
	dOffset = n.means(func(i int) float64 { return n.dy[i] })
	dScale = n.means(func(i int) float64 { return n.dy[i] * n.z(i) })
	for i, v := range n.dy {
		k := n.feature(i)
		dx = append(dx, n.scale[k]/math.Sqrt(n.variance[k]+n.epsilon)*(v-dOffset[k]-n.z(i)*dScale[k]))
	}
	for k := range dScale {
		dScale[k], dOffset[k] = dScale[k]*count, dOffset[k]*count
	}
	return dx, dScale, dOffset
}

// batchNormGraph is an operation on a tensor, its gradient, and vectors over a feature axis.
type batchNormGraph func(f compute.Function, x, dy, scale, offset, mean, variance compute.Value, axis int) []compute.Value

// batchNormProperty returns the property that graph computes what loops does.
func batchNormProperty(graph batchNormGraph, loops func(n *normalization) [][]float64) property {
	return property{takes: floats, draw: func(r *draw) trial {
		s := r.shape(1 + r.IntN(4))
		for i, n := range s.Dimensions {
			s.Dimensions[i] = max(1, n)
		}
		axis := r.IntN(s.Rank())
		v := shapes.Make(r.d, s.Dimensions[axis])
		c := trial{
			in:        []operand{r.filled(s), r.filled(s), r.filled(v), r.filled(v), r.filled(v), r.filled(v)},
			tolerance: 1e-3,
		}
		if r.d == dtypes.Float64 {
			c.tolerance = 1e-9
		}
		n := &normalization{s: s, axis: axis, epsilon: float64(float32(testEpsilon))}
		for i, to := range []*[]float64{&n.x, &n.dy, &n.scale, &n.offset, &n.mean, &n.variance} {
			flat := reflect.ValueOf(c.in[i].flat)
			for j := 0; j < flat.Len() && r.d.IsFloat(); j++ {
				if i == 5 {
					flat.Index(j).SetFloat(.5 + math.Abs(flat.Index(j).Float()))
				}
				*to = append(*to, flat.Index(j).Float())
			}
		}
		c.graph = func(f compute.Function, in []compute.Value) []compute.Value {
			return graph(f, in[0], in[1], in[2], in[3], in[4], in[5], axis)
		}
		c.loops = func() (want []any) {
			for _, v := range loops(n) {
				flat := reflect.ValueOf(dtypes.MakeAnySlice(r.d, len(v)))
				for i, x := range v {
					flat.Index(i).SetFloat(x)
				}
				want = append(want, flat.Interface())
			}
			return want
		}
		return c
	}}
}

const testEpsilon = 1e-3

func batchNormProperties() map[compute.OpType]property {
	inference := func(f compute.Function, x, _, scale, offset, mean, variance compute.Value, axis int) []compute.Value {
		return one(f.BatchNormForInference(x, scale, offset, mean, variance, testEpsilon, axis))
	}
	training := func(f compute.Function, x, _, scale, offset, _, _ compute.Value, axis int) []compute.Value {
		y, mean, variance, err := f.BatchNormForTraining(x, scale, offset, testEpsilon, axis)
		return []compute.Value{must(y, err), mean, variance}
	}
	gradient := func(f compute.Function, x, dy, scale, _, mean, variance compute.Value, axis int) []compute.Value {
		dx, dScale, dOffset, err := f.BatchNormGradient(x, scale, mean, variance, dy, testEpsilon, axis)
		return []compute.Value{must(dx, err), dScale, dOffset}
	}
	return map[compute.OpType]property{
		compute.OpTypeBatchNormForInference: batchNormProperty(inference, func(n *normalization) [][]float64 {
			return [][]float64{n.y()}
		}),
		compute.OpTypeBatchNormForTraining: batchNormProperty(training, func(n *normalization) [][]float64 {
			n.measure()
			return [][]float64{n.y(), n.mean, n.variance}
		}),
		compute.OpTypeBatchNormGradient: batchNormProperty(gradient, func(n *normalization) [][]float64 {
			dx, dScale, dOffset := n.gradients()
			return [][]float64{dx, dScale, dOffset}
		}),
	}
}

func TestTheGradientOfBatchNormAgreesWithFiniteDifferences(t *testing.T) {
	s, r := shapes.Make(dtypes.Float64, 3, 4, 5), rand.New(rand.NewPCG(1, 5)) // features in the middle
	draw := func(n int) []float64 { return values(r, dtypes.Float64, n).([]float64) }
	n := &normalization{s: s, axis: 1, epsilon: 1e-3, x: draw(60), dy: draw(60), scale: draw(4), offset: draw(4)}
	loss := func() (sum float64) {
		n.measure()
		for i, v := range n.y() {
			sum += v * n.dy[i]
		}
		return sum
	}
	loss()
	dx, dScale, dOffset := n.gradients()
	for k, c := range []struct{ p, slope []float64 }{{n.x, dx}, {n.scale, dScale}, {n.offset, dOffset}} {
		for i, old := range c.p {
			const h = 1e-5
			c.p[i] = old + h
			up := loss()
			c.p[i] = old - h
			down := loss()
			c.p[i] = old
			if want := (up - down) / (2 * h); math.Abs(c.slope[i]-want) > 1e-7*(1+math.Abs(want)) {
				t.Errorf("gradient %d, element %d is %g, want %g", k, i, c.slope[i], want)
			}
		}
	}
}
