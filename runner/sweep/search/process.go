package search

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// process is a Gaussian process with mean 0, given values at some points (Rasmussen and Williams 2006, chapters 2 and 5). The kernel is
// Matérn's with ν = 5/2, of the distance in which each coordinate has a scale of its own. A coordinate that is NaN is at a distance of one
// from all others.
type process struct {
	kernel
	points [][]float64
	values []float64
	factor mat.Cholesky // of the covariance of the values
	weight *mat.VecDense
}

// kernel is the covariance of two points.
type kernel struct {
	scales   []float64 // by coordinate, of the distance
	variance float64
	noise    float64 // variance of a value at a point
}

// distances are the squared differences of two points, by coordinate.
func distances(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for j, x := range a {
		y := b[j]
		switch {
		case x == y || math.IsNaN(x) && math.IsNaN(y):
		case math.IsNaN(x) || math.IsNaN(y):
			d[j] = 1
		default:
			d[j] = min(1, (x-y)*(x-y))
		}
	}
	return d
}

// at is the covariance for squared differences, and its derivative in the square of the scaled distance.
func (k kernel) at(squares []float64) (value, slope float64) {
	r2 := 0.0
	for j, s := range squares {
		r2 += s / (k.scales[j] * k.scales[j])
	}
	r := math.Sqrt(5 * r2)
	e := k.variance * math.Exp(-r)
	return e * (1 + r + r*r/3), -e * 5. / 6 * (1 + r)
}

// The scales, for coordinates from 0 to 1, are log-normal (Hvarfner, Hellsten and Nardi 2024, with a sixth of their median), so that a
// process of many coordinates does not forget what is not near; the variance is near 1, and that of the noise small.
const (
	meanNoise  = -7 // of the logarithm
	sdNoise    = 2
	sdVariance = 1
)

var sdScale = math.Sqrt(3)

func meanScale(d int) float64 { return math.Sqrt2 + math.Log(float64(d))/2 - math.Log(6) }

// fitted returns the process whose kernel is the most probable one, given the values.
func fitted(points [][]float64, values []float64) *process {
	d := len(points[0])
	squares := make([][]float64, 0, len(points)*(len(points)-1)/2)
	for i := range points {
		for k := range i {
			squares = append(squares, distances(points[i], points[k]))
		}
	}
	start := make([]float64, d+2)
	for j := range d {
		start[j] = meanScale(d) - 1
	}
	start[d+1] = meanNoise
	var at, gradient []float64
	var value float64
	both := func(theta []float64) { // the method asks for the gradient where it has asked for the value
		if !slices.Equal(at, theta) {
			at = append(at[:0], theta...)
			value, gradient = improbability(theta, squares, values)
		}
	}
	problem := optimize.Problem{
		Func: func(theta []float64) float64 { both(theta); return value },
		Grad: func(grad, theta []float64) { both(theta); copy(grad, gradient) },
	}
	best := start
	limits := &optimize.Settings{MajorIterations: 50, FuncEvaluations: 100}
	if result, _ := optimize.Minimize(problem, start, limits, &optimize.LBFGS{}); result != nil && !math.IsInf(result.F, 0) {
		best = result.X // also where an error says that rounding ended the search
	}
	p := &process{kernel: kernelOf(best), points: slices.Clone(points), values: slices.Clone(values)}
	p.solve()
	return p
}

// kernelOf is the kernel of the logarithms of the scales, the variance and the noise.
func kernelOf(theta []float64) kernel {
	d := len(theta) - 2
	k := kernel{scales: make([]float64, d), variance: math.Exp(theta[d]), noise: math.Exp(theta[d+1]) + leastNoise}
	for j := range d {
		k.scales[j] = math.Exp(theta[j])
	}
	return k
}

// leastNoise keeps covariances of near points positive definite.
const leastNoise = 1e-6

// improbability is minus the logarithm of the density of the values and of the kernel, up to a constant, and its gradient in theta.
func improbability(theta []float64, squares [][]float64, values []float64) (value float64, gradient []float64) {
	n, d := len(values), len(theta)-2
	k := kernelOf(theta)
	covariance := mat.NewSymDense(n, nil)
	slopes := make([]float64, len(squares))
	at := 0
	for i := range n {
		covariance.SetSym(i, i, k.variance+k.noise)
		for l := range i {
			v, s := k.at(squares[at])
			covariance.SetSym(i, l, v)
			slopes[at] = s
			at++
		}
	}
	gradient = make([]float64, len(theta))
	prior := func(j int, mean, sd float64) {
		z := (theta[j] - mean) / sd
		value += z * z / 2
		gradient[j] += z / sd
	}
	for j := range d {
		prior(j, meanScale(d), sdScale)
	}
	prior(d, 0, sdVariance)
	prior(d+1, meanNoise, sdNoise)
	var factor mat.Cholesky
	if !factor.Factorize(covariance) {
		return math.Inf(1), gradient
	}
	y := mat.NewVecDense(n, values)
	weight := mat.NewVecDense(n, nil)
	if err := factor.SolveVecTo(weight, y); err != nil {
		return math.Inf(1), gradient
	}
	value += mat.Dot(y, weight)/2 + factor.LogDet()/2
	inverse := mat.NewSymDense(n, nil)
	if err := factor.InverseTo(inverse); err != nil {
		return math.Inf(1), gradient
	}
	// d value / d K = (K⁻¹ − w wᵀ) / 2
	at = 0
	for i := range n {
		w := weight.AtVec(i)
		diagonal := (inverse.At(i, i) - w*w) / 2
		gradient[d] += diagonal * k.variance
		gradient[d+1] += diagonal * (k.noise - leastNoise)
		for l := range i {
			both := inverse.At(i, l) - w*weight.AtVec(l)
			gradient[d] += both * covariance.At(i, l)
			for j, s := range squares[at] {
				if s > 0 {
					gradient[j] += both * slopes[at] * -2 * s / (k.scales[j] * k.scales[j])
				}
			}
			at++
		}
	}
	return value, gradient
}

// solve prepares predictions.
func (p *process) solve() {
	n := len(p.points)
	covariance := mat.NewSymDense(n, nil)
	for i := range n {
		covariance.SetSym(i, i, p.variance+p.noise)
		for l := range i {
			v, _ := p.at(distances(p.points[i], p.points[l]))
			covariance.SetSym(i, l, v)
		}
	}
	for !p.factor.Factorize(covariance) { // by rounding
		p.noise *= 10
		for i := range n {
			covariance.SetSym(i, i, p.variance+p.noise)
		}
	}
	p.weight = mat.NewVecDense(n, nil)
	if err := p.factor.SolveVecTo(p.weight, mat.NewVecDense(n, p.values)); err != nil {
		panic(err) // of a matrix that was factorized
	}
}

// add adds a value at a point; the kernel stays.
func (p *process) add(x []float64, value float64) {
	p.points, p.values = append(p.points, x), append(p.values, value)
	p.solve()
}

// predict is the mean and the standard deviation of the process at a point, without noise.
func (p *process) predict(x []float64) (mean, deviation float64) {
	n := len(p.points)
	c := mat.NewVecDense(n, nil)
	for i, q := range p.points {
		v, _ := p.at(distances(x, q))
		c.SetVec(i, v)
	}
	mean = mat.Dot(c, p.weight)
	var solved mat.VecDense
	if err := p.factor.SolveVecTo(&solved, c); err != nil {
		panic(err)
	}
	return mean, math.Sqrt(max(0, p.variance-mat.Dot(c, &solved)))
}
