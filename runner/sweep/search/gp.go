package search

import (
	"cmp"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
)

// gp is Bayesian optimization with Gaussian processes: each objective is one, given what was measured, and the point is suggested of which
// most is expected: improvement on the best value (Jones, Schonlau and Welch 1998), or on the hypervolume of the front of two objectives
// (Emmerich, Deutz and Klinkenberg 2011). A point whose trials have not ended counts as if it had the value that is expected of it
// (Ginsbourger, Le Riche and Carraro 2010), so that several workers try different points; one without results, since its trials failed
// or diverged, as if it had the worst of all.
type gp struct {
	space spec.Space // as far as it is free
	axes  []axis
}

// The observations of a process are bounded, since its time grows with the cube of their number: the fittest stay, and the last without
// results.
const (
	mostObserved = 300
	mostFailed   = 50
)

func (g *gp) propose(seen []observation, draws *model.Source) [][]float64 {
	fit := fittest(seen, mostObserved)
	if len(fit) < 2 {
		return [][]float64{uniform(g.axes, draws)}
	}
	points := make([][]float64, len(fit))
	for k, i := range fit {
		points[k] = g.features(seen[i].x)
	}
	for _, o := range slices.Backward(seen) {
		if o.ended && o.costs == nil && len(points) < len(fit)+mostFailed {
			points = append(points, g.features(o.x))
		}
	}
	models := make([]*process, len(seen[fit[0]].costs))
	measured := make([][]float64, len(fit)) // standardized costs
	for j := range models {
		costs := make([]float64, len(fit))
		for k, i := range fit {
			costs[k] = seen[i].costs[j]
		}
		costs = standardized(costs)
		for k, c := range costs {
			measured[k] = append(measured[k], c)
		}
		worst := slices.Max(costs)
		models[j] = fitted(points, append(costs, slices.Repeat([]float64{worst}, len(points)-len(fit))...))
	}
	for _, o := range seen {
		if o.ended {
			continue
		}
		x := g.features(o.x)
		for _, m := range models {
			mean, _ := m.predict(x)
			m.add(x, mean)
		}
	}
	steps := staircase(measured)
	return g.maximize(func(x []float64) float64 {
		f := g.features(x)
		expected := make([]normalDistribution, len(models))
		for j, m := range models {
			expected[j].mean, expected[j].deviation = m.predict(f)
		}
		return improvement(expected, steps)
	}, seen, fit, draws)
}

// features are the coordinates of a point for the kernel: from 0 to 1 on ordered axes; values without an order, and hyperparameters that do
// not apply, are as far from all others.
func (g *gp) features(x []float64) []float64 {
	f := make([]float64, len(x))
	for j, a := range g.axes {
		switch {
		case x[j] == absent:
			f[j] = math.NaN()
		case a.values != nil && !a.ordered:
			f[j] = x[j]
		default:
			f[j] = a.unit(x[j])
		}
	}
	return f
}

// standardized are values with mean 0 and variance 1. A value far above the others, of a trial that did not learn, counts no more than
// the upper fence of a box plot (Tukey 1977): it would flatten all differences between good ones.
func standardized(values []float64) []float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	lower, upper := sorted[n/4], sorted[min(3*n/4, n-1)]
	fence := upper + 1.5*(upper-lower)
	out := make([]float64, n)
	mean, sum := 0.0, 0.0
	for i, v := range values {
		out[i] = min(v, fence)
		mean += out[i] / float64(n)
	}
	for _, v := range out {
		sum += (v - mean) * (v - mean) / float64(n)
	}
	deviation := math.Sqrt(sum)
	if deviation == 0 {
		deviation = 1
	}
	for i := range out {
		out[i] = (out[i] - mean) / deviation
	}
	return out
}

// normalDistribution is what is expected of an objective at a point.
type normalDistribution struct{ mean, deviation float64 }

// below is the integral up to t of the probability that a value is smaller: the expected improvement on t.
func (n normalDistribution) below(t float64) float64 {
	if n.deviation == 0 {
		return max(0, t-n.mean)
	}
	z := (t - n.mean) / n.deviation
	return n.deviation * (z*normalCDF(z) + math.Exp(-z*z/2)/math.Sqrt(2*math.Pi))
}

// step is a part of what no point dominates: below a height of the second objective, up to an end of the first.
type step struct{ end, height float64 }

// staircase is what no point dominates, up to a bit beyond the worst values: one step without a height for one objective.
func staircase(points [][]float64) (steps []step) {
	if len(points[0]) == 1 {
		best := math.Inf(1)
		for _, p := range points {
			best = min(best, p[0])
		}
		return []step{{end: best}}
	}
	sorted := slices.SortedFunc(slices.Values(points), func(a, b []float64) int { return slices.Compare(a, b) })
	front := sorted[:0:0]
	for _, p := range sorted {
		if len(front) == 0 || p[1] < front[len(front)-1][1] {
			front = append(front, p)
		}
	}
	beyond := func(j int) float64 {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, p := range points {
			lo, hi = min(lo, p[j]), max(hi, p[j])
		}
		return hi + 0.1*max(hi-lo, 0.1)
	}
	height := beyond(1)
	for _, p := range front {
		steps = append(steps, step{p[0], height})
		height = p[1]
	}
	return append(steps, step{beyond(0), height})
}

// improvement is what is expected of a point: the area that it takes from the steps, or the length from the one step of one objective. A
// place of the objectives is taken if the values of the point are both below it, so that the area is an integral of the product of
// two probabilities.
func improvement(expected []normalDistribution, steps []step) (sum float64) {
	if len(expected) == 1 {
		return expected[0].below(steps[0].end)
	}
	before := 0.0
	for _, s := range steps {
		upTo := expected[0].below(s.end)
		sum += (upTo - before) * expected[1].below(s.height)
		before = upTo
	}
	return sum
}

// How the best point is found: the value is taken at points all over the space, near each of the fittest, and then near the best of these,
// nearer and nearer.
const (
	everywhere  = 500
	nearFittest = 20 // points, at as many distances as each
	each        = 5
	refinements = 40 // of as many points as each
)

// maximize returns points, those with the largest values first.
func (g *gp) maximize(value func([]float64) float64, seen []observation, fit []int, draws *model.Source) [][]float64 {
	type candidate struct {
		x     []float64
		value float64
	}
	var all []candidate
	try := func(x []float64) candidate {
		point(g.space, g.axes, x)
		c := candidate{x, value(x)}
		all = append(all, c)
		return c
	}
	for range everywhere {
		try(uniform(g.axes, draws))
	}
	for _, i := range fit[:min(len(fit), nearFittest)] {
		for k := range each {
			try(g.near(seen[i].x, math.Pow(10, -1-float64(k)/2), draws))
		}
	}
	best := slices.MaxFunc(all, func(a, b candidate) int { return cmp.Compare(a.value, b.value) })
	for k := range refinements {
		for range each {
			if c := try(g.near(best.x, 0.2*math.Pow(0.85, float64(k)), draws)); c.value > best.value {
				best = c
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.value, a.value) })
	points := make([][]float64, 0, len(all))
	for _, c := range all {
		points = append(points, c.x)
	}
	return points
}

// near is a point near another one: coordinates change by a number of some deviation, values without an order rarely to another one.
func (g *gp) near(x []float64, deviation float64, draws *model.Source) []float64 {
	y := make([]float64, len(x))
	for j, a := range g.axes {
		u, by := draws.Uniform(), draws.Normal()*deviation
		switch {
		case x[j] == absent || a.values != nil && !a.ordered && u < deviation:
			y[j] = a.uniform(draws.Uniform())
		case a.values != nil && !a.ordered:
			y[j] = x[j]
		default:
			if a.values != nil && u < deviation { // at least a step
				by = math.Copysign(max(math.Abs(by), 1/float64(len(a.values))), by)
			}
			y[j] = a.uniform(min(max(a.unit(x[j])+by, 0), 1))
		}
	}
	return y
}
