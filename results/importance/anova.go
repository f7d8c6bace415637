package importance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
)

// resamplings is how many resamplings of a grid intervals come from.
const resamplings = 2000

// grid is the values of a full grid: every combination of levels, each with the same seeds.
type grid struct {
	factors []frame.Factor
	seeds   []int64
	values  [][]float64 // by cell, the last factor fastest, and seed
	left    int         // rows of seeds that some cell lacks
}

// gridOf arranges rows as a grid. It is nil, with the reason, if they are none.
func gridOf(rows []row, factors []frame.Factor) (*grid, string) {
	cells := 1
	for _, x := range factors {
		if cells *= len(x.Levels); cells > len(rows) {
			return nil, fmt.Sprintf("%d trials, which are fewer than the combinations of the levels of %s", len(rows), joined(factors))
		}
	}
	bySeed := make([]map[int64]float64, cells)
	count := map[int64]int{}
	for _, r := range rows {
		at := 0
		for _, x := range factors {
			at = at*len(x.Levels) + slices.Index(x.Levels, r.Point[x.Name])
		}
		if bySeed[at] == nil {
			bySeed[at] = map[int64]float64{}
		}
		if _, twice := bySeed[at][r.Seed]; twice {
			return nil, fmt.Sprintf("several trials have the hyperparameters and the seed of trial %s: they differ in something else", r.ID)
		}
		bySeed[at][r.Seed] = r.y
		count[r.Seed]++
	}
	g := &grid{factors: factors}
	for seed, n := range count {
		if n == cells {
			g.seeds = append(g.seeds, seed)
		} else {
			g.left += n
		}
	}
	if len(g.seeds) == 0 {
		return nil, fmt.Sprintf("no seed was measured at all %d combinations of the levels of %s", cells, joined(factors))
	}
	slices.Sort(g.seeds)
	for _, values := range bySeed {
		cell := make([]float64, len(g.seeds))
		for i, seed := range g.seeds {
			cell[i] = values[seed]
		}
		g.values = append(g.values, cell)
	}
	return g, ""
}

func joined(factors []frame.Factor) string {
	var names []string
	for _, x := range factors {
		names = append(names, x.Name)
	}
	return strings.Join(names, ", ")
}

// term is a main effect or an interaction of a grid.
type term struct {
	factors []int
	groups  []int // of each cell: the index of its levels of these factors
	n       int   // number of groups
	df      int
}

// terms are the main effects, then the pairs.
func (g *grid) terms() (list []term) {
	levels := make([][]int, len(g.factors)) // of each factor, by cell
	stride := 1
	for i, x := range slices.Backward(g.factors) {
		levels[i] = make([]int, len(g.values))
		for c := range g.values {
			levels[i][c] = c / stride % len(x.Levels)
		}
		stride *= len(x.Levels)
	}
	for i, x := range g.factors {
		list = append(list, term{[]int{i}, levels[i], len(x.Levels), len(x.Levels) - 1})
	}
	for i := range g.factors {
		for j := range g.factors[:i] {
			m, n := len(g.factors[j].Levels), len(g.factors[i].Levels)
			pair := term{[]int{j, i}, make([]int, len(g.values)), m * n, (m - 1) * (n - 1)}
			for c := range g.values {
				pair.groups[c] = levels[j][c]*n + levels[i][c]
			}
			list = append(list, pair)
		}
	}
	return list
}

// partition is how the sum of squares of a grid divides.
type partition struct {
	terms                  []float64
	cells, residual, total float64
	cellMeans, sums        []float64 // scratch
}

// divide computes the sums of squares of values by cell and seed. In a balanced grid the terms are orthogonal, and the sum of squares of a
// pair is that of its cells less those of its two factors.
func (p *partition) divide(terms []term, values [][]float64) {
	n := len(values[0])
	p.cellMeans = p.cellMeans[:0]
	p.residual = 0
	for _, cell := range values {
		mean := stat.Mean(cell, nil)
		p.cellMeans = append(p.cellMeans, mean)
		for _, y := range cell {
			p.residual += (y - mean) * (y - mean)
		}
	}
	all := stat.Mean(p.cellMeans, nil)
	p.cells = 0
	for _, mean := range p.cellMeans {
		p.cells += float64(n) * (mean - all) * (mean - all)
	}
	p.total = p.cells + p.residual
	p.terms = p.terms[:0]
	for _, t := range terms {
		p.sums = slices.Grow(p.sums[:0], t.n)[:t.n]
		clear(p.sums)
		for c, mean := range p.cellMeans {
			p.sums[t.groups[c]] += mean
		}
		per := float64(len(p.cellMeans) / t.n)
		squares := 0.0
		for _, sum := range p.sums {
			squares += (sum/per - all) * (sum/per - all)
		}
		squares *= per * float64(n)
		if len(t.factors) == 2 { // main effects come first, in the order of the factors
			squares -= p.terms[t.factors[0]] + p.terms[t.factors[1]]
		}
		p.terms = append(p.terms, max(0, squares))
	}
}

// byVariances fills in the analysis of a grid.
func (a *Analysis) byVariances(g *grid) {
	terms := g.terms()
	var p partition
	p.divide(terms, g.values)
	n := len(g.seeds)
	a.N, a.Cells, a.Seeds = n*len(g.values), len(g.values), g.seeds
	if g.left > 0 {
		a.Notes = append(a.Notes, fmt.Sprintf("%s left out: their seeds were not measured at every combination", plain.Count(g.left, "trial")))
	}
	a.Higher = p.cells
	higherDF := len(g.values) - 1
	var samples [][]float64
	residualDF := len(g.values) * (n - 1)
	if n > 1 {
		a.Residual = p.residual / p.total
		samples = g.resample(terms)
	} else {
		a.Notes = append(a.Notes, "with one seed, the variance over seeds and the intervals cannot be told")
	}
	for i, t := range terms {
		a.Higher -= p.terms[i]
		higherDF -= t.df
		e := Effect{Share: p.terms[i] / p.total, Low: math.NaN(), High: math.NaN(), Chance: math.NaN(), P: math.NaN()}
		for _, x := range t.factors {
			e.Factors = append(e.Factors, g.factors[x].Name)
		}
		if n > 1 {
			e.Low, e.High = around(e.Share, samples[i])
			noise := p.residual / float64(residualDF)
			e.Chance = noise * float64(t.df) / p.total
			e.P = tail(p.terms[i]/float64(t.df), noise, t.df, residualDF)
		}
		a.Effects = append(a.Effects, e)
	}
	if a.Higher /= p.total; higherDF == 0 {
		a.Higher = 0
	}
	order(a.Effects)
}

// tail is the probability that F is as great as the ratio of two mean squares.
func tail(effect, noise float64, df, noiseDF int) float64 {
	if noise == 0 {
		return 0
	}
	return distuv.F{D1: float64(df), D2: float64(noiseDF)}.Survival(effect / noise)
}

// resample draws the shares of the terms from grids as they might have come out with other seeds: each value is the mean of its cell and a
// deviation from it of a seed drawn at random, scaled by the root of n/(n-1) as deviations from a mean of n values are too small.
func (g *grid) resample(terms []term) (shares [][]float64) {
	n := len(g.seeds)
	random := rand.New(rand.NewPCG(Seed, 0))
	scale := math.Sqrt(float64(n) / float64(n-1))
	drawn := make([][]float64, len(g.values))
	for c := range drawn {
		drawn[c] = make([]float64, n)
	}
	shares = make([][]float64, len(terms))
	var p partition
	for range resamplings {
		for c, cell := range g.values {
			mean := stat.Mean(cell, nil)
			for i := range drawn[c] {
				drawn[c][i] = mean + scale*(cell[random.IntN(n)]-mean)
			}
		}
		p.divide(terms, drawn)
		for i, squares := range p.terms {
			shares[i] = append(shares[i], squares/p.total)
		}
	}
	return shares
}

// around is the interval of a share: the middle 95 % of the shares resampled, moved so that their mean is the share, since resampling
// adds the variance over seeds once more to every term.
func around(share float64, resampled []float64) (low, high float64) {
	moved := share - stat.Mean(resampled, nil)
	slices.Sort(resampled)
	return max(0, frame.Quantile(resampled, 0.025)+moved), min(1, frame.Quantile(resampled, 0.975)+moved)
}
