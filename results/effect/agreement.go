package effect

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// Ranking is the values by which something orders the trials of a frame.
type Ranking struct {
	Name, Measure string
	Direction     pareto.Direction           // of better values
	Values        map[string]map[int]float64 // by trial and epoch
}

// Rankings are those by a metric: as it was measured during the runs, then by each measure that the command measure recorded; then those
// of other metrics, as they were measured during the runs. It is an error if it is unknown which values of one are better.
func Rankings(v *results.View, f *frame.Frame, metric string, others ...string) ([]Ranking, error) {
	run := func(name string) (Ranking, error) {
		direction, known := f.Better(name)
		if !known {
			return Ranking{}, fmt.Errorf("%s: it is unknown which values are better", name)
		}
		r := Ranking{Name: name, Measure: f.Measures[name], Direction: direction, Values: map[string]map[int]float64{}}
		for _, row := range f.Rows {
			course, err := f.Course(v, row.ID)
			if err != nil {
				return r, err
			}
			for _, p := range course {
				r.set(row.ID, p.Epoch, p.Values, name)
			}
		}
		return r, nil
	}
	first, err := run(metric)
	if err != nil {
		return nil, err
	}
	list := []Ranking{first}
	for _, row := range f.Rows {
		again, err := v.Measurements(row.ID)
		if err != nil {
			return nil, err
		}
		for _, x := range again {
			if _, measured := x.Metrics[metric]; !measured {
				continue
			}
			measure := frame.Part(x.Measure, metric)
			i := slices.IndexFunc(list[1:], func(r Ranking) bool { return r.Measure == measure }) + 1
			if i == 0 {
				i = len(list)
				list = append(list, Ranking{Name: metric, Measure: measure, Direction: first.Direction, Values: map[string]map[int]float64{}})
			}
			list[i].set(row.ID, x.Epoch, x.Metrics, metric)
		}
	}
	for _, name := range others {
		r, err := run(name)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return slices.DeleteFunc(list, func(r Ranking) bool { return len(r.Values) == 0 }), nil
}

func (r *Ranking) set(id string, epoch int, values map[string]float64, name string) {
	y, measured := values[name]
	if !measured || math.IsNaN(y) || math.IsInf(y, 0) {
		return
	}
	if r.Values[id] == nil {
		r.Values[id] = map[int]float64{}
	}
	r.Values[id][epoch] = y
}

// Agreement says how far two rankings order trials alike.
type Agreement struct {
	First, Second  int // of the rankings
	Trials         int // that both rank, at the last epoch of which both have a value
	Configurations int
	Spearman       Estimate // of good with good: 1 if both order alike
	Kendall        Estimate // tau-b
	Found          [2]Share // of the runs of all configurations with one seed: the best by one is among the best Top by the other
	Top            int
}

// Agree compares rankings of the trials of a frame. Intervals are the middle 95 % of the correlations of configurations drawn with
// replacement, each with its trials.
func Agree(f *frame.Frame, rankings []Ranking, i, j, top int, seed uint64) Agreement {
	a := Agreement{First: i, Second: j, Top: top}
	var x, y []float64
	at := map[string][]int{} // trials by configuration
	var configurations []string
	bySeed := map[int64][]int{}
	for _, r := range f.Rows {
		u, w, both := common(rankings[i].Values[r.ID], rankings[j].Values[r.ID])
		if !both {
			continue
		}
		if at[r.Configuration] == nil {
			configurations = append(configurations, r.Configuration)
		}
		at[r.Configuration] = append(at[r.Configuration], len(x))
		bySeed[r.Seed] = append(bySeed[r.Seed], len(x))
		x, y = append(x, rankings[i].loss(u)), append(y, rankings[j].loss(w))
	}
	a.Trials, a.Configurations = len(x), len(configurations)
	nan := math.NaN()
	a.Spearman, a.Kendall = Estimate{nan, nan, nan, nan, nan}, Estimate{nan, nan, nan, nan, nan}
	a.Found = [2]Share{{Of: 0}, {Of: 0}}
	if a.Trials < 3 { // the correlation of two is 1 or -1
		return a
	}
	a.Spearman.Value, a.Kendall.Value = Spearman(x, y), Kendall(x, y)
	trials := func(drawn []int) (list []int) {
		for _, c := range drawn {
			list = append(list, at[configurations[c]]...)
		}
		return list
	}
	if a.Configurations > 3 {
		a.Spearman.Low, a.Spearman.High = resampled(rand.New(rand.NewPCG(seed, 2)), a.Configurations, func(drawn []int) float64 {
			t := trials(drawn)
			return Spearman(picked(x, t), picked(y, t))
		})
		a.Kendall.Low, a.Kendall.High = resampled(rand.New(rand.NewPCG(seed, 2)), a.Configurations, func(drawn []int) float64 {
			t := trials(drawn)
			return Kendall(picked(x, t), picked(y, t))
		})
	}
	for _, t := range bySeed {
		if len(t) <= top || constant(picked(x, t)) || constant(picked(y, t)) { // which has no best
			continue
		}
		a.Found[0].add(bestAmong(picked(x, t), picked(y, t), top))
		a.Found[1].add(bestAmong(picked(y, t), picked(x, t), top))
	}
	return a
}

// loss is a value of which low is good.
func (r Ranking) loss(y float64) float64 {
	if r.Direction == pareto.Max {
		return -y
	}
	return y
}

// common are the values of the last epoch that both have.
func common(a, b map[int]float64) (x, y float64, both bool) {
	last := -1
	for epoch := range a {
		if _, has := b[epoch]; has {
			last = max(last, epoch)
		}
	}
	return a[last], b[last], last >= 0
}

func (s *Share) add(found bool) {
	s.Of++
	if found {
		s.Count++
	}
}

func constant(values []float64) bool { return slices.Min(values) == slices.Max(values) }

// bestAmong reports whether the best by x, the first of equals, is among the best so many by y, and not only one of more equals.
func bestAmong(x, y []float64, top int) bool {
	best := slices.Index(x, slices.Min(x))
	asGood := 0
	for _, v := range y {
		if v <= y[best] {
			asGood++
		}
	}
	return asGood <= top
}

// Kendall is Kendall's rank correlation tau-b, NaN if one of the variables is constant. It takes the time of sorting (Knight 1966).
func Kendall(x, y []float64) float64 {
	n := len(x)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(cmp.Compare(x[i], x[j]), cmp.Compare(y[i], y[j])) })
	sorted := picked(y, order)
	both, inX := 0, 0 // pairs of ties
	for i := 0; i < n; {
		j := i
		for j < n && x[order[j]] == x[order[i]] {
			j++
		}
		inX += (j - i) * (j - i - 1) / 2
		for k := i; k < j; {
			l := k
			for l < j && sorted[l] == sorted[k] {
				l++
			}
			both += (l - k) * (l - k - 1) / 2
			k = l
		}
		i = j
	}
	swaps := exchanges(sorted, make([]float64, n))
	inY := 0
	for i := 0; i < n; { // now in order
		j := i
		for j < n && sorted[j] == sorted[i] {
			j++
		}
		inY += (j - i) * (j - i - 1) / 2
		i = j
	}
	all := n * (n - 1) / 2
	return float64(all-inX-inY+both-2*swaps) / math.Sqrt(float64(all-inX)*float64(all-inY))
}

// exchanges sorts values and counts the pairs that were in the wrong order.
func exchanges(values, scratch []float64) (count int) {
	n := len(values)
	if n < 2 {
		return 0
	}
	left, right := values[:n/2], values[n/2:]
	count = exchanges(left, scratch[:n/2]) + exchanges(right, scratch[n/2:])
	i, j := 0, 0
	for k := range n {
		if j == len(right) || i < len(left) && left[i] <= right[j] {
			scratch[k] = left[i]
			i++
			continue
		}
		scratch[k] = right[j]
		j++
		count += len(left) - i
	}
	copy(values, scratch)
	return count
}
