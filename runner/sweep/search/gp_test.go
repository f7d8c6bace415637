package search

import (
	"math"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/model"
)

// valued are points in the cube of d dimensions, the last of which may be absent, with values of a smooth function.
func valued(n, d int) (points [][]float64, values []float64) {
	draws := model.NewSource(2, "test")
	for range n {
		x := make([]float64, d)
		sum := 0.0
		for j := range x {
			x[j] = draws.Uniform()
			if j == d-1 && draws.Uniform() < .3 {
				x[j] = math.NaN()
				continue
			}
			sum += math.Sin(3*x[j]) / float64(j+1)
		}
		points, values = append(points, x), append(values, sum)
	}
	return points, standardized(values)
}

func TestTheGradientOfTheImprobability(t *testing.T) {
	points, values := valued(12, 3)
	var squares [][]float64
	for i := range points {
		for k := range i {
			squares = append(squares, distances(points[i], points[k]))
		}
	}
	theta := []float64{-1, 0.3, 0.5, 0.2, -3}
	_, gradient := improbability(theta, squares, values)
	for j := range theta {
		const h = 1e-5
		up, down := slices.Clone(theta), slices.Clone(theta)
		up[j] += h
		down[j] -= h
		a, _ := improbability(up, squares, values)
		b, _ := improbability(down, squares, values)
		if want := (a - b) / (2 * h); math.Abs(gradient[j]-want) > 1e-5*max(1, math.Abs(want)) {
			t.Errorf("%d: got %g, want %g", j, gradient[j], want)
		}
	}
}

// A process goes through its values, knows less away from them, and predicts others better than their mean.
func TestAProcessPredicts(t *testing.T) {
	points, values := valued(60, 2)
	p := fitted(points[:40], values[:40])
	for i := range 40 {
		mean, deviation := p.predict(points[i])
		if math.Abs(mean-values[i]) > .05 || deviation > .2 {
			t.Errorf("got %g ± %g at a point with the value %g", mean, deviation, values[i])
		}
	}
	errors, far := 0.0, 0.0
	for i := 40; i < 60; i++ {
		mean, deviation := p.predict(points[i])
		errors += (mean - values[i]) * (mean - values[i]) / 20
		far = max(far, deviation)
	}
	if errors > .05 || far > 1 {
		t.Errorf("got the mean squared error %g of values with the variance 1, and deviations up to %g", errors, far)
	}
	before, _ := p.predict(points[50])
	p.add(points[50], before+1)
	if after, _ := p.predict(points[50]); math.Abs(after-before-1) > .1 {
		t.Errorf("got %g after a value was added, want about %g", after, before+1)
	}
}

// The expected improvement is a mean over values at random: of the length below the best value, or of the hypervolume.
func TestTheExpectedImprovementIsAMean(t *testing.T) {
	draws := model.NewSource(4, "test")
	const n = 200_000
	front := [][]float64{{-1, 1}, {0, 0}, {0.5, 0.5}, {1, -0.5}}
	steps := staircase(front)
	reference := []float64{steps[len(steps)-1].end, steps[0].height}
	volume := func(points [][]float64) (v float64) {
		reached := reference[1]
		for _, p := range slices.SortedFunc(slices.Values(points), slices.Compare[[]float64]) {
			if p[0] < reference[0] && p[1] < reached {
				v += (reference[0] - p[0]) * (reached - p[1])
				reached = p[1]
			}
		}
		return v
	}
	for _, expected := range [][]normalDistribution{{{0, .5}, {-.2, .3}}, {{-1.5, .1}, {2, .5}}, {{0, 1}, {0, 1}}} {
		one, two := 0.0, 0.0
		for range n {
			a, b := expected[0].mean+expected[0].deviation*draws.Normal(), expected[1].mean+expected[1].deviation*draws.Normal()
			one += max(0, -1-a) / n
			two += (volume(append(front[:4:4], []float64{a, b})) - volume(front)) / n
		}
		if got := improvement(expected[:1], []step{{end: -1}}); math.Abs(got-one) > .01 {
			t.Errorf("%v: got %g of one objective, want %g", expected, got, one)
		}
		if got := improvement(expected, steps); math.Abs(got-two) > .02*max(1, two) {
			t.Errorf("%v: got %g of two objectives, want %g", expected, got, two)
		}
	}
	if got := (normalDistribution{2, 0}).below(5); got != 3 {
		t.Errorf("got %g without a deviation, want 3", got)
	}
}

// Where trials fail, no further one is tried, unless much is expected there.
func TestAProcessAvoidsFailures(t *testing.T) {
	space := cube(t, 2)
	seen := measured(space, 40, 1)
	for i := range seen {
		x := seen[i].x
		seen[i].costs = []float64{x[0] + x[1]}
		if x[0] < .5 { // where the best ones would be
			seen[i].costs = nil
		}
	}
	draws, failing := model.NewSource(6, "test"), 0
	for range 20 {
		if x := (&gp{space, axes(space)}).propose(seen, draws)[0]; x[0] < .4 {
			failing++
		}
	}
	if failing > 2 {
		t.Errorf("%d of 20 points are where trials fail", failing)
	}
}

// A value far above the others leaves their differences.
func TestStandardizedValues(t *testing.T) {
	got := standardized([]float64{1, 2, 3, 4, 1e9})
	if got[1]-got[0] < .3 || got[4] > 3 || !slices.IsSorted(got) {
		t.Errorf("got %v", got)
	}
	if got := standardized([]float64{7, 7, 7}); !slices.Equal(got, []float64{0, 0, 0}) {
		t.Errorf("got %v of equal values", got)
	}
}
