package effect

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/starsweep/starsweep/results/frame"
)

// Split is an effect at each level of another hyperparameter, and how these effects differ.
type Split struct {
	By           string
	Parts        []Part
	Interactions []Interaction
	Notes        []string
}

// Part is the analysis of the trials of one level.
type Part struct {
	Level any
	*Analysis
}

// Interaction compares the effects of a pair of levels at two levels of the other hyperparameter.
type Interaction struct {
	From, To       any // of the factor
	ByFrom, ByTo   any // of the other
	Configurations int
	Values         []Estimate // by Statistics: the effect at ByTo less that at ByFrom, or their ratio
}

// OfEach analyses a metric by a factor at each level of another one. A level at which there is nothing to compare is left out, with a note.
// Other errors are those of Of, for any of the levels.
func OfEach(f *frame.Frame, by string, o Options) (*Split, error) {
	whole, err := Of(f, o)
	if err != nil {
		return nil, err
	}
	x, known := f.Factor(by)
	switch {
	case !known:
		return nil, fmt.Errorf("by: there is no hyperparameter %q", by)
	case x.Derived:
		return nil, fmt.Errorf("by: %s is derived from other hyperparameters: want one of those", by)
	case by == o.Factor:
		return nil, fmt.Errorf("by: got %s, want another hyperparameter than the one whose values are compared", by)
	}
	levels := slices.Clone(x.Levels)
	if slices.ContainsFunc(f.Rows, func(r frame.Row) bool { return r.Point[by] == nil }) {
		levels = append(levels, nil)
	}
	if len(levels) < 2 || len(levels) > mostLevels {
		return nil, fmt.Errorf("by: got %s, of which the trials have %d, want a hyperparameter of 2 to %d values", by, len(levels), mostLevels)
	}
	s := &Split{By: by}
	o.worst = &whole.Worst // of all levels
	var compared []any
	for _, level := range levels {
		a, err := Of(only(f, func(r frame.Row) bool { return r.Point[by] == level }), o)
		switch {
		case errors.Is(err, errNothing):
			s.Notes = append(s.Notes, fmt.Sprintf("%s = %s is left out: %v", by, frame.Text(level), err))
			continue
		case err != nil:
			return nil, fmt.Errorf("%s = %s: %w", by, frame.Text(level), err)
		}
		s.Parts, compared = append(s.Parts, Part{level, a}), append(compared, level)
	}
	if len(s.Parts) == 0 {
		return nil, fmt.Errorf("%s has one level at each of %s: %w", o.Factor, by, errNothing)
	}
	return s, s.interact(f, compared, whole)
}

// only is a copy of a frame with some of its rows, and the levels that they have.
func only(f *frame.Frame, keep func(frame.Row) bool) *frame.Frame {
	c := *f
	c.Rows = nil
	for _, r := range f.Rows {
		if keep(r) {
			c.Rows = append(c.Rows, r)
		}
	}
	c.Factors = slices.Clone(f.Factors)
	for i := range c.Factors {
		x := &c.Factors[i]
		x.Levels = slices.DeleteFunc(slices.Clone(x.Levels), func(level any) bool {
			return !slices.ContainsFunc(c.Rows, func(r frame.Row) bool { return r.Point[x.Name] == level })
		})
	}
	return &c
}

// combined is the name of the factor that stands for two.
const combined = "both hyperparameters"

// both is a level of the factor that stands for two.
type both struct{ level, by any }

// interact fills in the interactions. Trials are matched as if the two hyperparameters were one.
func (s *Split) interact(f *frame.Frame, levels []any, whole *Analysis) error {
	o := whole.Options
	c := only(f, func(frame.Row) bool { return true })
	c.Factors = slices.DeleteFunc(c.Factors, func(x frame.Factor) bool { return x.Name == o.Factor || x.Name == s.By })
	crossed := frame.Factor{Name: combined}
	for i := range c.Rows {
		r := &c.Rows[i]
		point := maps.Clone(r.Point)
		point[combined] = both{r.Point[o.Factor], r.Point[s.By]}
		r.Point = point
		if !slices.Contains(crossed.Levels, point[combined]) {
			crossed.Levels = append(crossed.Levels, point[combined])
		}
	}
	c.Factors = append(c.Factors, crossed)
	o.Factor = combined
	a := &Analysis{Options: o}
	t, err := a.arrange(c)
	if err != nil {
		return err
	}
	var all [][]Estimate
	for _, p := range whole.Pairs {
		for j := range levels {
			for i := range levels[:j] {
				x := Interaction{From: p.From, To: p.To, ByFrom: levels[i], ByTo: levels[j]}
				var at []int
				for _, level := range []both{{p.From, levels[i]}, {p.To, levels[i]}, {p.From, levels[j]}, {p.To, levels[j]}} {
					at = append(at, slices.Index(t.levels, any(level)))
				}
				if slices.Contains(at, -1) {
					continue
				}
				d := t.having(at...)
				if x.Configurations = len(d); len(d) == 0 {
					continue
				}
				x.Values = a.contrasts(d, func(k int, values []float64) float64 {
					if a.ratio(k) {
						return logRatio(values[2], values[3]) - logRatio(values[0], values[1])
					}
					return values[3] - values[2] - (values[1] - values[0])
				})
				s.Interactions = append(s.Interactions, x)
				all = append(all, x.Values)
			}
		}
	}
	if len(s.Interactions) == 0 && len(levels) > 1 {
		s.Notes = append(s.Notes, "the effects cannot be compared: no configurations have equal hyperparameters and seeds otherwise")
	}
	adjust(all)
	return nil
}

// contrasts estimates a contrast of the statistics of several levels, as a ratio where pairs are.
func (a *Analysis) contrasts(d design, contrast func(k int, values []float64) float64) []Estimate {
	list := a.estimate(d, func(k int, samples []sample) float64 {
		values := make([]float64, len(samples))
		for l, x := range samples {
			values[l] = a.of(Statistics[k], x)
		}
		return contrast(k, values)
	})
	for k := range list {
		if e := &list[k]; a.ratio(k) {
			e.Value, e.Low, e.High = math.Exp(e.Value), math.Exp(e.Low), math.Exp(e.High)
		}
	}
	return list
}
