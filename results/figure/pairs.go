package figure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Pair is the values of a metric of a configuration in two studies.
type Pair struct {
	Name string
	A, B frame.Summary
}

// Pairs draws a metric (Y) of configurations that two studies have: a point for each, at its mean in study A and in study B. What is
// known of the metric comes from the frame of either, as its values must be comparable.
func Pairs(f *frame.Frame, pairs []Pair, o Options) (*Figure, error) {
	y, err := o.metric(f, "y", o.Y)
	if err != nil {
		return nil, err
	}
	pairs = slices.DeleteFunc(slices.Clone(pairs), func(p Pair) bool { return p.A.N == 0 || p.B.N == 0 })
	if len(pairs) == 0 {
		return nil, fmt.Errorf("no configuration has values of %s in both studies", y)
	}
	goal, _ := objective(f, y)
	d := &diagonal{pairs: pairs, goal: goal, marks: marks(2, false)}
	var means []float64
	better, trials := 0, [2]int{}
	for _, p := range pairs {
		means = append(means, p.A.Mean, p.B.Mean)
		better += d.side(p)
		trials[0], trials[1] = trials[0]+p.A.N, trials[1]+p.B.N
	}
	log := spans(means)
	reach := slices.Clone(means)
	for _, p := range pairs {
		for _, s := range []frame.Summary{p.A, p.B} {
			if s.N < 2 {
				continue
			}
			if reach = append(reach, s.Mean+s.SD); !log || s.Mean > 2*s.SD { // a bar that goes to 0 is cut off
				reach = append(reach, s.Mean-s.SD)
			}
		}
	}
	c := o.newCell(1, d.legend())
	for _, a := range []*plot.Axis{&c.plot.X, &c.plot.Y} {
		scaleAxis(a, reach, log)
	}
	c.x, c.y = o.name(y)+" in A", strings.Replace(o.label(f, y), o.name(y), o.name(y)+" in B", 1)
	c.plot.Add(guides{x: true, y: true}, d)
	w := words{title: o.name(y) + " in A and B", n: fmt.Sprintf(", n = %s (%d and %d trials).", plain.Count(len(pairs), "configuration"),
		trials[0], trials[1])}
	w.notes = []string{"Each point is a configuration, at its means over seeds in A and in B, with bars of one standard deviation; on the " +
		"line, both are equal."}
	if goal != "" {
		w.alt = []string{fmt.Sprintf("B is better in %d of %s.", better, plain.Count(len(pairs), "configuration"))}
	}
	if log {
		w.notes = append(w.notes, "Both axes are logarithmic.")
	}
	return o.figure(&frame.Frame{Objectives: f.Objectives, Measures: f.Measures}, w, []string{y}, c), nil
}

// diagonal draws pairs with the line on which they are equal.
type diagonal struct {
	pairs []Pair
	goal  pareto.Direction
	marks []mark // where A is better, and where B is
}

// side is 1 where B is better, and 0 elsewhere.
func (d *diagonal) side(p Pair) int {
	if d.goal == pareto.Min && p.B.Mean < p.A.Mean || d.goal == pareto.Max && p.B.Mean > p.A.Mean {
		return 1
	}
	return 0
}

func (d *diagonal) legend() (l legend) {
	if d.goal != "" {
		l.entries = []entry{{"not better in B", d.marks[0], swatchPoint}, {"better in B", d.marks[1], swatchPoint}}
	}
	return l
}

// Plot implements plot.Plotter.
func (d *diagonal) Plot(c draw.Canvas, p *plot.Plot) {
	at := func(a, b float64) vg.Point {
		place := func(x *plot.Axis, v float64) float64 { return x.Norm(min(max(v, x.Min), x.Max)) }
		return vg.Point{X: c.X(place(&p.X, a)), Y: c.Y(place(&p.Y, b))}
	}
	from, to := at(p.X.Min, p.X.Min), at(p.X.Max, p.X.Max)
	c.StrokeLine2(draw.LineStyle{Color: quiet, Width: 0.8}, from.X, from.Y, to.X, to.Y)
	for _, one := range d.pairs {
		m := d.marks[d.side(one)]
		bar := draw.LineStyle{Color: clear(m.color, 0.6), Width: 0.7}
		if one.A.N > 1 {
			lo, hi := at(one.A.Mean-one.A.SD, one.B.Mean), at(one.A.Mean+one.A.SD, one.B.Mean)
			c.StrokeLine2(bar, lo.X, lo.Y, hi.X, hi.Y)
		}
		if one.B.N > 1 {
			lo, hi := at(one.A.Mean, one.B.Mean-one.B.SD), at(one.A.Mean, one.B.Mean+one.B.SD)
			c.StrokeLine2(bar, lo.X, lo.Y, hi.X, hi.Y)
		}
		c.DrawGlyphNoClip(m.glyph(2.6), at(one.A.Mean, one.B.Mean))
	}
}
