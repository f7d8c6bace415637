package importance

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results/frame"
)

const (
	fewest       = 20  // trials that PED-ANOVA is told from
	fewestBest   = 5   // of them, that count as the best
	bestQuantile = 0.1 // of many trials
	pedGrid      = 50  // points at which the densities of a number are compared
	redrawings   = 500 // fewer than of a grid: each takes longer
)

// byDensities fills in the analysis of any trials. The interval of a share is the middle 95 % of the shares of trials drawn anew,
// configuration by configuration, moved so that their mean is the share.
func (a *Analysis) byDensities(f *frame.Frame, rows []row, factors []frame.Factor) error {
	if len(rows) < fewest {
		return fmt.Errorf("importance of hyperparameters for %s: %d trials have it, and they are no full grid: want %d or more", a.Metric,
			len(rows), fewest)
	}
	direction, known := f.Better(a.Metric)
	if !known {
		return fmt.Errorf("importance of hyperparameters for %s: the trials are no full grid, and it is unknown whether a low or a high %s is "+
			"better: make it an objective", a.Metric, a.Metric)
	}
	values := make([]float64, len(rows))
	for i, r := range rows {
		if values[i] = r.y; direction == pareto.Max {
			values[i] = -r.y
		}
	}
	axes := make([]axis, len(factors))
	for i, x := range factors {
		axes[i] = axisOf(x, rows)
	}
	ranked := make([]int, len(rows))
	for i := range ranked {
		ranked[i] = i
	}
	slices.SortStableFunc(ranked, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	shares, best := pedShares(axes, values, ranked, slices.Repeat([]float64{1}, len(rows)))
	if best == len(rows) || math.IsNaN(stat.Mean(shares, nil)) {
		return fmt.Errorf("importance of hyperparameters for %s: the best %d of %d trials do not differ from all", a.Metric, best, len(rows))
	}
	a.N, a.Best = len(rows), best
	drawn := redraw(rows, axes, values, ranked)
	for i, x := range factors {
		e := Effect{Factors: []string{x.Name}, Share: shares[i], Chance: math.NaN(), P: math.NaN()}
		e.Low, e.High = around(e.Share, drawn[i])
		a.Effects = append(a.Effects, e)
	}
	order(a.Effects)
	return nil
}

// redraw draws the configurations anew, each with all its trials, and returns the shares of each axis.
func redraw(rows []row, axes []axis, values []float64, ranked []int) [][]float64 {
	configurations := map[string]int{}
	of := make([]int, len(rows)) // the number of each row's configuration
	for i, r := range rows {
		c, known := configurations[r.Configuration]
		if !known {
			c = len(configurations)
			configurations[r.Configuration] = c
		}
		of[i] = c
	}
	random := rand.New(rand.NewPCG(Seed, 0))
	drawn := make([][]float64, len(axes))
	times, weights := make([]float64, len(configurations)), make([]float64, len(rows))
	for range redrawings {
		clear(times)
		for range times {
			times[random.IntN(len(times))]++
		}
		for i, c := range of {
			weights[i] = times[c]
		}
		shares, _ := pedShares(axes, values, ranked, weights)
		for i, share := range shares {
			if !math.IsNaN(share) {
				drawn[i] = append(drawn[i], share)
			}
		}
	}
	return drawn
}

// pedShares are the shares of the axes in the variance of being among the best of some trials: for each axis the Pearson divergence of the
// density of the best trials from that of all, relative to the sum. Values are better if they are lower; trials with equal values are among
// the best together. Ranked is the trials by their values, and a trial counts as often as its weight says.
func pedShares(axes []axis, values []float64, ranked []int, weights []float64) (shares []float64, best int) {
	n := 0.0
	for _, w := range weights {
		n += w
	}
	want := max(math.Ceil(bestQuantile*n), min(fewestBest, n))
	top, among, cut := 0, 0.0, 0.0
	for _, t := range ranked {
		if among >= want && values[t] > cut {
			break
		}
		if among += weights[t]; weights[t] > 0 {
			cut = values[t]
		}
		top++
	}
	sum := 0.0
	for _, x := range axes {
		above, below := x.density(ranked[:top], weights), x.density(ranked, weights)
		divergence := 0.0
		for i := range below {
			ratio := (above[i]+tiny)/(below[i]+tiny) - 1
			divergence += (below[i] + tiny) * ratio * ratio
		}
		shares = append(shares, divergence)
		sum += divergence
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares, int(among)
}

const tiny = 1e-12

// axis is a factor whose levels lie on a grid of whole numbers.
type axis struct {
	at          []int // of each row
	size        int
	categorical bool
}

// axisOf lays the levels of a factor on a grid: categories one by one, numbers from the lowest to the highest, by their logarithms if
// they span more than a decade.
func axisOf(x frame.Factor, rows []row) axis {
	a := axis{at: make([]int, len(rows)), size: len(x.Levels), categorical: x.Kind == spec.String || x.Kind == spec.Bool}
	if a.categorical {
		for i, r := range rows {
			a.at[i] = slices.Index(x.Levels, r.Point[x.Name])
		}
		return a
	}
	scale := func(level any) float64 {
		if x.Log {
			return math.Log(frame.Number(level))
		}
		return frame.Number(level)
	}
	first, last := frame.Number(x.Levels[0]), frame.Number(x.Levels[len(x.Levels)-1])
	a.size = pedGrid
	switch {
	case x.Kind == spec.Int && x.Log:
		a.size = min(a.size, int(math.Ceil(math.Log2(last-first+1)))+1)
	case x.Kind == spec.Int:
		a.size = min(a.size, int(last-first)+1)
	}
	low, high := scale(x.Levels[0]), scale(x.Levels[len(x.Levels)-1])
	step := (high - low) / float64(a.size-1)
	for i, r := range rows {
		a.at[i] = min(max(int(math.Ceil((scale(r.Point[x.Name])-low)/step-0.5)), 0), a.size-1)
	}
	return a
}

// density is the Parzen estimate of the density of some trials on the grid, with a prior of the weight of one trial.
func (a axis) density(trials []int, weights []float64) []float64 {
	counts := make([]float64, a.size)
	n := 0.0
	for _, t := range trials {
		counts[a.at[t]] += weights[t]
		n += weights[t]
	}
	if a.categorical {
		return categoricalDensity(counts, n)
	}
	return numericDensity(counts, n)
}

// categoricalDensity gives each category that occurs a kernel which is uniform but for a weight of one at the category.
func categoricalDensity(counts []float64, n float64) []float64 {
	kernels := 1.0 // the prior
	for _, count := range counts {
		if count > 0 {
			kernels++
		}
	}
	size := float64(len(counts))
	rest := 1 / kernels // the weight of each category in a kernel, before it is normalized
	density := make([]float64, len(counts))
	for i, count := range counts {
		density[i] = (count*(1+rest) + (n-count)*rest) / (1 + size*rest) / (n + 1)
		density[i] += 1 / size / (n + 1)
	}
	return density
}

// numericDensity gives each point that occurs a normal kernel, truncated to the grid, with the width of Scott's rule.
func numericDensity(counts []float64, n float64) []float64 {
	var points, weights []float64
	mean := 0.0
	for i, count := range counts {
		if count > 0 {
			points, weights = append(points, float64(i)), append(weights, count)
			mean += float64(i) * count / n
		}
	}
	variance, cumulative := 0.0, 0.0
	q1, q3 := -1, len(points)-1
	for i, x := range points {
		variance += (x - mean) * (x - mean) * weights[i] / max(1, n-1)
		cumulative += weights[i]
		if q1 < 0 && cumulative >= math.Floor(n/4) {
			q1 = i
		}
		if q3 == len(points)-1 && cumulative > math.Floor(n*3/4) {
			q3 = i
		}
	}
	const least = 0.5 / 1.64 // nine tenths of a kernel are within its point of the grid
	width := max(least, 1.059*min((points[q3]-points[q1])/1.34, math.Sqrt(variance))*math.Pow(n, -0.2))
	high := float64(len(counts) - 1)
	density := make([]float64, len(counts))
	for i, x := range points {
		addKernel(density, x, width, weights[i]/(n+1))
	}
	addKernel(density, high/2, high+1, 1/(n+1))
	return density
}

// addKernel adds a weighted normal kernel, cut off at the ends of the grid.
func addKernel(density []float64, mean, width, weight float64) {
	below := func(x float64) float64 { return math.Erfc((mean-x)/width/math.Sqrt2) / 2 }
	high := float64(len(density) - 1)
	mass := below(high+0.5) - below(-0.5)
	last := below(-0.5)
	for i := range density {
		next := below(float64(i) + 0.5)
		density[i] += weight * (next - last) / mass
		last = next
	}
}
