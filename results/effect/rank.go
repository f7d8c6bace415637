package effect

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/starsweep/starsweep/results/frame"
)

// rank is Spearman's correlation of the metric with the factor over all configurations, averaged over seeds. What is drawn again is the
// seed of a configuration, or the configurations.
func (a *Analysis) rank(t *table) Estimate {
	var d design
	var x []float64
	for i, level := range t.levels {
		for _, b := range t.having(i) {
			d, x = append(d, b), append(x, frame.Number(level))
		}
	}
	xRanks := Ranks(x)
	nan := math.NaN()
	e := Estimate{0, nan, nan, nan, nan}
	n := d.seeds()
	for r := range n {
		e.Value += Spearman(x, d.replicate(r)[0]) / float64(n)
	}
	if len(d) < 4 || math.IsNaN(e.Value) {
		return e
	}
	random := rand.New(rand.NewPCG(a.Seed, 1))
	if a.Over == Configurations {
		y := make([][]float64, n)
		for r := range y {
			y[r] = d.replicate(r)[0]
		}
		e.Low, e.High = resampled(random, len(x), func(drawn []int) float64 {
			sum := 0.0
			for r := range y {
				sum += Spearman(picked(x, drawn), picked(y[r], drawn)) / float64(n)
			}
			return sum
		})
		return e
	}
	e.over(components(d, rankVariances(d, xRanks, random)))
	e.Low, e.High = max(-1, e.Low), min(1, e.High)
	return e
}

// rankVariances are the variances of the correlation over the seeds of each configuration; see variances. All ranks change with one value,
// so of a large study one configuration stands for several.
func rankVariances(d design, xRanks []float64, random *rand.Rand) []float64 {
	const most = 300
	variances := make([]float64, len(d))
	step := (len(d) + most - 1) / most
	draws := max(1, draws(len(d)*len(d)/step*d.seeds())/4)
	y := make([]float64, len(d))
	var values []float64
	for range draws {
		for c, b := range d {
			y[c] = b[random.IntN(len(b))][0]
		}
		for c := 0; c < len(d); c += step {
			b, was := d[c], y[c]
			if len(b) < 2 {
				continue
			}
			values = values[:0]
			for _, row := range b {
				y[c] = row[0]
				values = append(values, stat.Correlation(xRanks, Ranks(y), nil))
			}
			y[c] = was
			variances[c] += stat.Variance(values, nil) / float64(draws)
		}
	}
	sum, several := 0.0, 0
	for c := 0; c < len(d); c += step {
		if len(d[c]) > 1 {
			sum += variances[c]
			several++
		}
	}
	for c := range variances {
		if c%step != 0 && several > 0 {
			variances[c] = sum / float64(several)
		}
	}
	return variances
}

// Spearman is Spearman's rank correlation, NaN if one of the variables is constant.
func Spearman(x, y []float64) float64 { return stat.Correlation(Ranks(x), Ranks(y), nil) }

// Ranks are the ranks of values from 1, ties sharing the mean of theirs.
func Ranks(values []float64) []float64 {
	b := newBase(values)
	shared := make([]float64, len(values)) // by place
	for i := 0; i < len(values); {
		j := i
		for j < len(values) && b.values[j] == b.values[i] {
			j++
		}
		for k := i; k < j; k++ {
			shared[k] = float64(i+1+j) / 2
		}
		i = j
	}
	ranks := make([]float64, len(values))
	for i, place := range b.place {
		ranks[i] = shared[place]
	}
	return ranks
}

// dependence is the probability that the seeds rank as differently over the configurations as they do if trials of one seed have nothing
// in common: Friedman's test. It is NaN if fewer than two configurations have all seeds.
func (t *table) dependence() float64 {
	all := map[int64]bool{}
	var configurations []map[int64]float64
	for _, b := range t.blocks {
		for _, values := range b.values {
			configurations = append(configurations, values)
			for seed := range values {
				all[seed] = true
			}
		}
	}
	var rows [][]float64
	for _, values := range configurations {
		var row []float64
		for _, seed := range slices.Sorted(maps.Keys(all)) {
			if y, has := values[seed]; has {
				row = append(row, y)
			}
		}
		if len(row) == len(all) {
			rows = append(rows, row)
		}
	}
	return Friedman(rows)
}

// Friedman is the probability of Friedman's test (1937), with the correction for ties, that columns differ as much by chance.
func Friedman(rows [][]float64) float64 {
	if len(rows) < 2 || len(rows[0]) < 2 {
		return math.NaN()
	}
	n, k := float64(len(rows)), float64(len(rows[0]))
	sums := make([]float64, len(rows[0]))
	squares := 0.0
	for _, row := range rows {
		for j, r := range Ranks(row) {
			sums[j] += r
			squares += r * r
		}
	}
	middle := n * k * (k + 1) * (k + 1) / 4
	between := 0.0
	for _, sum := range sums {
		between += sum * sum / n
	}
	if squares == middle { // all are ties
		return math.NaN()
	}
	return distuv.ChiSquared{K: k - 1}.Survival(n * (k - 1) * (between - middle) / (squares - middle))
}

// resampled is the middle 95 % of a statistic of n things drawn with replacement. Draws without one are left out.
func resampled(random *rand.Rand, n int, statistic func(drawn []int) float64) (low, high float64) {
	drawn := make([]int, n)
	var values []float64
	for range resamplings {
		for i := range drawn {
			drawn[i] = random.IntN(n)
		}
		if y := statistic(drawn); !math.IsNaN(y) {
			values = append(values, y)
		}
	}
	if len(values) < resamplings/2 {
		return math.NaN(), math.NaN()
	}
	slices.Sort(values)
	return frame.Quantile(values, 0.025), frame.Quantile(values, 0.975)
}

func picked(x []float64, drawn []int) []float64 {
	y := make([]float64, len(drawn))
	for i, j := range drawn {
		y[i] = x[j]
	}
	return y
}
