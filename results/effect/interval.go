package effect

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/starsweep/starsweep/results/frame"
)

// Estimate is a number with its interval of 95 %. What cannot be told is NaN.
type Estimate struct {
	Value, Low, High float64
	DF               float64 // degrees of freedom of an interval over seeds
	P                float64 // of a pair: that seeds alone give so great a difference, by Holm's method over all pairs
}

// Share is a share of trials with its interval of 95 %.
type Share struct {
	Count     float64
	Of        int
	Low, High float64
}

// Value is the share.
func (s Share) Value() float64 { return s.Count / float64(s.Of) }

// design is the values of some levels by block, seed and level: what is drawn again is the seed within a block, for all levels at once.
type design [][][]float64

// replicate is a run of every configuration: that of the r-th seed of each block, by level and block.
func (d design) replicate(r int) [][]float64 {
	values := make([][]float64, len(d[0][0]))
	for _, b := range d {
		for l, y := range b[r%len(b)] {
			values[l] = append(values[l], y)
		}
	}
	return values
}

// seeds is the number of seeds of the block that has most.
func (d design) seeds() (n int) {
	for _, b := range d {
		n = max(n, len(b))
	}
	return n
}

// estimate estimates what one run of every configuration gives on average over seeds: the mean over seeds of each statistic.
func (a *Analysis) estimate(d design, contrast func(k int, samples []sample) float64) []Estimate {
	list := make([]Estimate, len(Statistics))
	nan := math.NaN()
	if len(d) == 0 {
		return slices.Repeat([]Estimate{{nan, nan, nan, nan, nan}}, len(Statistics))
	}
	at := func(d design) []float64 { // the statistics
		values := make([]float64, len(Statistics))
		n := d.seeds()
		for r := range n {
			samples := []sample{}
			for _, x := range d.replicate(r) {
				samples = append(samples, sample{base: newBase(x)})
			}
			for k := range values {
				values[k] += contrast(k, samples) / float64(n)
			}
		}
		return values
	}
	values := at(d)
	for k := range list {
		list[k] = Estimate{values[k], nan, nan, nan, nan}
	}
	if a.Over == Configurations {
		return a.bootstrap(list, d, at)
	}
	variances := a.variances(d, contrast)
	for k := range list {
		list[k].over(variances[k])
	}
	return list
}

// component is the part of the variance of an estimate that one block tells, with its degrees of freedom.
type component struct{ variance, df float64 }

// over sets the interval, and the probability that the value is 0 but for the seeds: t with the degrees of freedom of Satterthwaite
// (1946). Seeds that all agree tell neither.
func (e *Estimate) over(components []component) {
	total, squares := 0.0, 0.0
	for _, c := range components {
		total += c.variance
		squares += c.variance * c.variance / c.df
	}
	if len(components) == 0 || total == 0 || math.IsNaN(total) || math.IsInf(total, 0) {
		return
	}
	e.DF = total * total / squares
	t := distuv.StudentsT{Sigma: 1, Nu: e.DF}
	half := t.Quantile(0.975) * math.Sqrt(total)
	e.Low, e.High = e.Value-half, e.Value+half
	e.P = 2 * t.Survival(math.Abs(e.Value)/math.Sqrt(total))
}

// variances are the components of the variance of each statistic. The component of a block is the variance of the statistic over the
// seeds of that block while the others stay at seeds drawn at random. The sum bounds the variance from above (Efron and Stein 1981), and
// is exact for means. A block with one seed gets the mean of the others.
func (a *Analysis) variances(d design, contrast func(k int, samples []sample) float64) [][]component {
	sums := make([][]float64, len(Statistics)) // of variances, by block
	for k := range sums {
		sums[k] = make([]float64, len(d))
	}
	draws := draws(len(d) * d.seeds())
	random := rand.New(rand.NewPCG(a.Seed, 0))
	levels := len(d[0][0])
	drawn := make([][]float64, levels)
	samples := make([]sample, levels)
	values := make([][]float64, len(Statistics))
	for range draws {
		for l := range drawn {
			drawn[l] = drawn[l][:0]
		}
		for _, b := range d {
			for l, y := range b[random.IntN(len(b))] {
				drawn[l] = append(drawn[l], y)
			}
		}
		bases := make([]*base, levels)
		for l, x := range drawn {
			bases[l] = newBase(x)
		}
		for c, b := range d {
			if len(b) < 2 {
				continue
			}
			for k := range values {
				values[k] = values[k][:0]
			}
			for _, row := range b {
				for l, y := range row {
					samples[l] = bases[l].with(c, y)
				}
				for k := range values {
					values[k] = append(values[k], contrast(k, samples))
				}
			}
			for k := range values {
				sums[k][c] += stat.Variance(values[k], nil) / float64(draws)
			}
		}
	}
	list := make([][]component, len(Statistics))
	for k := range list {
		list[k] = components(d, sums[k])
	}
	return list
}

// draws is how often blocks are drawn: more where it takes little time.
func draws(values int) int { return min(200, max(4, 400_000/values)) }

// components are those of the blocks with several seeds: the variance of their mean, and of the blocks with one seed, which are taken to
// vary like the mean of the others. They are independent, so what is borrowed is as uncertain as the blocks that it is borrowed from.
func components(d design, variances []float64) (list []component) {
	single := 0
	for _, b := range d {
		if len(b) == 1 {
			single++
		}
	}
	lent := float64(single) / float64(len(d)-single) // to each block with one seed, by all others together
	for c, b := range d {
		if n := float64(len(b)); n > 1 {
			list = append(list, component{variances[c] * (1/n + lent), n - 1})
		}
	}
	return list
}

// resamplings of the configurations.
const resamplings = 2000

// bootstrap sets intervals over configurations: the middle 95 % of the estimates from blocks drawn with replacement, each with all its
// seeds. An extreme value has none: no draw has a better one.
func (a *Analysis) bootstrap(list []Estimate, d design, at func(design) []float64) []Estimate {
	random := rand.New(rand.NewPCG(a.Seed, 0))
	again := make([][]float64, len(list))
	for range resamplings {
		drawn := make(design, len(d))
		for c := range drawn {
			drawn[c] = d[random.IntN(len(d))]
		}
		for k, y := range at(drawn) {
			again[k] = append(again[k], y)
		}
	}
	for k := range list {
		if len(d) > 1 && !Statistics[k].extreme && !slices.ContainsFunc(again[k], math.IsNaN) {
			slices.Sort(again[k])
			list[k].Low, list[k].High = frame.Quantile(again[k], 0.025), frame.Quantile(again[k], 0.975)
		}
	}
	return list
}

// z is the quantile of the normal distribution for 95 %.
const z = 1.959963984540054

// Wilson is a share with the score interval of Wilson (1927). Trials are independent. Where some collapse more often than others, the
// variance of their number is at most that of equal ones (Hoeffding 1956), so the interval is rather too wide than too narrow.
func Wilson(count float64, of int) Share {
	s := Share{count, of, math.NaN(), math.NaN()}
	if of == 0 {
		return s
	}
	n, p := float64(of), count/float64(of)
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	s.Low, s.High = max(0, middle-half), min(1, middle+half)
	return s
}

// newcombe is the difference of two shares with the interval of Newcombe (1998), method 10, from the intervals of the shares.
func newcombe(from, to Share) Estimate {
	p, q := from.Value(), to.Value()
	return Estimate{Value: q - p, DF: math.NaN(), P: math.NaN(),
		Low:  q - p - math.Hypot(q-to.Low, from.High-p),
		High: q - p + math.Hypot(to.High-q, p-from.Low)}
}

// adjust makes the probabilities of estimates those of Holm, for each statistic.
func adjust(all [][]Estimate) {
	for k := range Statistics {
		var known []*Estimate
		var list []float64
		for _, values := range all {
			if e := &values[k]; !math.IsNaN(e.P) {
				known, list = append(known, e), append(list, e.P)
			}
		}
		for i, p := range Holm(list) {
			known[i].P = p
		}
	}
}

// Holm adjusts probabilities of several tests: the least is multiplied by their number, the next by one less, and so on (Holm 1979).
func Holm(list []float64) []float64 {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(list[i], list[j]) })
	adjusted := make([]float64, len(list))
	least := 0.0
	for place, i := range order {
		least = max(least, min(1, list[i]*float64(len(list)-place)))
		adjusted[i] = least
	}
	return adjusted
}
