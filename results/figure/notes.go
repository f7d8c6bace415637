package figure

import (
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
)

// A caption has three parts: what the figure shows, which is its own; notes on its marks, its axes and what is left out, which several
// figures may have in common; and facts about metrics, which hold for any figure. A page with many figures says notes and facts once.

// Own is the caption without facts and without notes that are said elsewhere.
func (f *Figure) Own(notes []string) string {
	own := []string{f.what}
	for _, n := range f.notes {
		if !slices.Contains(notes, n) {
			own = append(own, n)
		}
	}
	return strings.Join(own, " ")
}

// Notes are those that all of several figures have.
func Notes(figures ...*Figure) (notes []string) {
	if len(figures) < 2 {
		return nil
	}
	for _, n := range figures[0].notes {
		if !slices.ContainsFunc(figures, func(g *Figure) bool { return !slices.Contains(g.notes, n) }) {
			notes = append(notes, n)
		}
	}
	return notes
}

// Facts say of the metrics of figures which values are better, and how they were measured.
func Facts(figures ...*Figure) (facts []string) {
	var all []about
	for _, g := range figures {
		for _, a := range g.about {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	for _, d := range []struct {
		goal pareto.Direction
		text string
	}{{pareto.Min, "Lower"}, {pareto.Max, "Higher"}} {
		var names []string
		for _, a := range all {
			if a.goal == d.goal {
				names = append(names, a.name)
			}
		}
		if len(names) > 0 {
			facts = append(facts, d.text+" values of "+plain.List(names)+" are better.")
		}
	}
	for _, m := range measures(all) {
		if brief := frame.Brief(m.text, m.metrics()...); brief != "" {
			facts = append(facts, "Measure of "+m.names()+": "+brief+".")
		}
	}
	return facts
}

// about is what is known of a metric.
type about struct {
	metric, name string
	goal         pareto.Direction // of an objective
	measure      string
}

// measure is a measure with what it measured.
type measure struct {
	text string
	of   []about
}

// measures are those of metrics.
func measures(all []about) (list []measure) {
	for _, a := range all {
		i := slices.IndexFunc(list, func(m measure) bool { return m.text == a.measure })
		switch {
		case a.measure == "":
		case i < 0:
			list = append(list, measure{a.measure, []about{a}})
		default:
			list[i].of = append(list[i].of, a)
		}
	}
	return list
}

func (m measure) names() string {
	var names []string
	for _, a := range m.of {
		names = append(names, a.name)
	}
	return plain.List(names)
}

func (m measure) metrics() (names []string) {
	for _, a := range m.of {
		names = append(names, a.metric)
	}
	return names
}
