// Package effect says what a hyperparameter does to a metric: statistics of each of its levels and of each pair of levels, with intervals
// over seeds. It also says how far measures of one metric rank trials alike. It computes on frames and knows neither files nor scripts;
// the command effect shows its results, and docs/effect.md says how they are computed.
package effect

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
)

// Handling says what a trial counts as that collapsed or diverged.
type Handling string

// The handlings.
const (
	Worst Handling = "worst" // the worst value of any trial
	Keep  Handling = "keep"  // its own value, if it has one: a diverged trial has none
	Drop  Handling = "drop"  // nothing
)

// Handlings returns all handlings, the default first.
func Handlings() []Handling { return []Handling{Worst, Keep, Drop} }

// Over says what intervals are over.
type Over string

// What intervals are over: what would be different if the study were repeated.
const (
	Seeds          Over = "seeds"          // the configurations are the ones asked about; other seeds would be drawn
	Configurations Over = "configurations" // they are a sample; others would be drawn as well
)

// Options of an analysis.
type Options struct {
	Factor, Metric string
	Direction      pareto.Direction // of better values; empty: as the study or the definition of the metric says
	Baseline       string           // the level that others are compared with, as frame.Text writes it, or an equal number; empty: all pairs
	Collapsed      Handling         // empty: Worst
	Ratio          bool             // compare locations by their ratio, not by their difference
	Over           Over             // empty: Seeds
	Seed           uint64           // of what is drawn at random

	worst *float64 // instead of that of the frame
}

// Analysis is what was found.
type Analysis struct {
	Options
	Matched []string // the hyperparameters that are equal within a pair of trials, besides the seed
	Tied    []string // those that have one value at each level, and belong to the factor
	Levels  []Level  // none of a factor with too many
	Pairs   []Pair
	Rank    *Estimate // Spearman's correlation with a factor of numbers, over all configurations; nil for others
	Worst   float64   // what a collapsed trial counts as, with Handling Worst; NaN if there is none
	Seeds   int       // of the configuration that has most
	Notes   []string  // what to know before relying on it
}

// Level is what trials of one level have in common.
type Level struct {
	Level          any // nil where the factor does not apply
	Configurations int
	Trials         int        // with a value
	Values         []Estimate // by Statistics
	Lost           Share      // trials that collapsed or diverged, of those that did not fail
	Failed         int
}

// Pair compares two levels over the configurations that have both, seed by seed.
type Pair struct {
	From, To       any
	Configurations int
	Trials         int        // pairs of trials
	Values         []Estimate // To compared with From, by Statistics: a difference or a ratio
	Better         Share      // of the pairs of trials in which To is better, ties counted half
	Lost           Estimate   // difference of the shares lost
}

// Most levels that are compared. A hyperparameter drawn at random has as many as there are trials.
const mostLevels = 12

// Of analyses a metric by a factor. It is an error if it is unknown which values are better, or if nothing can be compared.
func Of(f *frame.Frame, o Options) (*Analysis, error) {
	if o.Collapsed == "" {
		o.Collapsed = Worst
	}
	if o.Over == "" {
		o.Over = Seeds
	}
	if o.Direction == "" {
		direction, known := f.Better(o.Metric)
		if !known {
			return nil, UnknownDirection(o.Metric)
		}
		o.Direction = direction
	}
	a := &Analysis{Options: o}
	t, err := a.arrange(f)
	if err != nil {
		return nil, err
	}
	single := 0
	for _, b := range t.blocks {
		for _, values := range b.values {
			if a.Seeds = max(a.Seeds, len(values)); len(values) == 1 {
				single++
			}
		}
	}
	switch {
	case o.Over != Seeds:
	case a.Seeds > 1 && single > 0:
		a.note("%s with one seed, of values taken to vary over seeds like those of the others", plain.Count(single, "configuration"))
	case a.Seeds < 2:
		a.note("every configuration has one seed: how much another seed would change these numbers cannot be told")
	}
	if p := t.dependence(); p < 0.01 && o.Over == Seeds {
		a.note("some seeds are better than others at most configurations (Friedman's test, p = %.2g): trials of one seed are not "+
			"independent, and the intervals over seeds are too narrow", p)
	}
	if len(t.levels) <= mostLevels {
		if err := a.compare(t); err != nil {
			return nil, err
		}
	} else if o.Baseline != "" || !t.numeric() {
		return nil, fmt.Errorf("%s: got %d levels, want at most %d: leave some out by a condition", o.Factor, len(t.levels), mostLevels)
	} else {
		a.note("%s has %d levels: only its rank correlation is shown", o.Factor, len(t.levels))
	}
	if t.numeric() && len(t.levels) > 2 {
		rank := a.rank(t)
		a.Rank = &rank
	}
	return a, nil
}

// denotes reports whether a text is that of a level, or a number equal to it: 1e-5 and 0.00001, 0 and 0.0.
func denotes(text string, level any) bool {
	if text == frame.Text(level) {
		return true
	}
	_, truth := level.(bool)
	number, err := strconv.ParseFloat(text, 64)
	return err == nil && !truth && number == frame.Number(level)
}

// UnknownDirection is the error of a metric of which it is unknown which values are better.
func UnknownDirection(metric string) error {
	return fmt.Errorf("%s: it is unknown which values are better: want %s=min or %s=max", metric, metric, metric)
}

// compare fills in the levels and pairs.
func (a *Analysis) compare(t *table) error {
	for i := range t.levels {
		a.Levels = append(a.Levels, a.level(t, i))
	}
	base := -1
	if a.Baseline != "" {
		base = slices.IndexFunc(t.levels, func(level any) bool { return denotes(a.Baseline, level) })
		if base < 0 {
			return fmt.Errorf("baseline: got %q, want a level of %s: %s", a.Baseline, a.Factor, texts(t.levels))
		}
	}
	unmatched := 0
	for i := range t.levels {
		for j := range t.levels[:i] {
			if base >= 0 && base != i && base != j {
				continue
			}
			from, to := j, i
			if i == base {
				from, to = i, j
			}
			p, left := a.pair(t, from, to)
			unmatched = max(unmatched, left)
			if p.Configurations > 0 {
				a.Pairs = append(a.Pairs, p)
			}
		}
	}
	if unmatched > 0 {
		a.note("up to %s in no comparison, but in the levels: the other level has none with the same hyperparameters and a seed in common",
			plain.Count(unmatched, "configuration"))
	}
	var all [][]Estimate
	for _, p := range a.Pairs {
		all = append(all, p.Values)
	}
	adjust(all)
	return nil
}

func (a *Analysis) level(t *table, i int) Level {
	blocks := t.having(i)
	l := Level{Level: t.levels[i], Configurations: len(blocks), Lost: t.lost(i)[0], Failed: t.failed(i)}
	for _, b := range blocks {
		l.Trials += len(b)
	}
	l.Values = a.estimate(blocks, func(k int, samples []sample) float64 { return a.of(Statistics[k], samples[0]) })
	low, high := metric.Bounds(a.Metric)
	for k := range l.Values { // an interval keeps what it holds of the truth without the numbers that cannot be true
		v := &l.Values[k]
		if Statistics[k].Spread {
			v.Low = max(0, v.Low)
			continue
		}
		v.Low, v.High = max(low, v.Low), min(high, v.High)
	}
	return l
}

// pair compares two levels. Left is the number of configurations without a partner.
func (a *Analysis) pair(t *table, from, to int) (p Pair, left int) {
	blocks := t.having(from, to)
	lost := t.lost(from, to)
	p = Pair{From: t.levels[from], To: t.levels[to], Configurations: len(blocks), Lost: newcombe(lost[0], lost[1])}
	left = len(t.having(from)) + len(t.having(to)) - 2*len(blocks)
	wins := 0.0
	for _, b := range blocks {
		for _, values := range b {
			p.Trials++
			switch x, y := values[0], values[1]; {
			case x == y:
				wins += 0.5
			case (y < x) == (a.Direction == pareto.Min):
				wins++
			}
		}
	}
	p.Better = Wilson(wins, p.Trials)
	p.Values = a.contrasts(blocks, func(k int, values []float64) float64 {
		if a.ratio(k) {
			return logRatio(values[0], values[1])
		}
		return values[1] - values[0]
	})
	return p, left
}

// logRatio is NaN where one of the values is not positive.
func logRatio(x, y float64) float64 {
	if x <= 0 || y <= 0 {
		return math.NaN()
	}
	return math.Log(y / x)
}

// ratio reports whether pairs show the ratio of a statistic.
func (a *Analysis) ratio(k int) bool { return a.Ratio || Statistics[k].Spread }

func (a *Analysis) note(format string, args ...any) {
	a.Notes = append(a.Notes, fmt.Sprintf(format, args...))
}
