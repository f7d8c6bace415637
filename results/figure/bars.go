package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// mostBars is the number of configurations in a figure of bars: the best ones, if there are more.
const mostBars = 40

// Bars draws a metric (Y) by configuration, the best first: means with deviations over seeds. Configurations without a value stand at the
// end, with how their trials ended.
func Bars(f *frame.Frame, o Options) (*Figure, error) {
	s, err := o.subject(f)
	if err != nil {
		return nil, err
	}
	w := words{title: o.name(s.y) + " by configuration" + strings.Replace(o.by(o.By, o.Panel), " by ", ", by ", 1),
		n: ", " + tally(s.rows) + "."}
	omitted := 0
	ended := false
	cells, err := o.panels(f, f.Rows, func(heading string, in []frame.Row, panels int) (cell, error) {
		b := &bars{marks: s.marks(), bars: o.barsOf(f, in, s)}
		if n := len(b.bars); n > mostBars {
			omitted += n - mostBars
			b.bars = b.bars[:mostBars]
		}
		var values []float64
		for _, one := range b.bars {
			w.alt = append(w.alt, one.describe(heading))
			values = append(values, one.values...)
			ended = ended || one.ended != ""
		}
		b.log = spans(values)
		look := swatchBox
		if b.log {
			look = swatchPoint
		}
		c := o.newCell(1, o.legend(s.groups, b.marks, look))
		if panels > 1 {
			c.size.X = several.X * 1.3
		}
		c.size.Y = 40 + 13*vg.Length(len(b.bars))
		b.axes(c.plot)
		c.x = o.label(f, s.y)
		c.plot.Add(guides{x: true}, b)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	w.notes = []string{"Bars are means over the seeds of a configuration, with their standard deviation (N-1) where there are several; " +
		"points are the trials."}
	if ended {
		w.notes = append(w.notes, "Words say how the trials ended that did not complete; their values count.")
	}
	if omitted > 0 {
		w.notes = append(w.notes, fmt.Sprintf("The best %d configurations are shown, %d others not.", mostBars, omitted))
	}
	return o.figure(f, w, []string{s.y}, cells...), nil
}

// bar is a configuration.
type bar struct {
	label  string
	group  int
	values []float64
	frame.Summary
	ended string // how its trials ended, if not all completed
}

func (b bar) describe(heading string) string {
	text := strings.TrimPrefix(heading+", "+b.label, ", ") + ": "
	if b.N > 0 {
		text += fmt.Sprintf("mean %s", number(b.Mean))
		if b.N > 1 {
			text += fmt.Sprintf(", deviation %s, n %d", number(b.SD), b.N)
		}
	}
	if b.ended != "" {
		text += " (" + b.ended + ")"
	}
	return text + "."
}

// barsOf makes the bars of configurations in their order.
func (o Options) barsOf(f *frame.Frame, rows []frame.Row, s subject) (list []bar) {
	each := Options{Each: EachConfiguration}
	for i, in := range s.groups.split(rows) {
		for _, set := range each.sets(in) {
			b := bar{label: o.configuration(f, &set[0]), group: i, Summary: frame.Group{Rows: set}.Summary(s.y),
				values: valuesOf(set, s.y)}
			b.ended = endings(set)
			list = append(list, b)
		}
	}
	sign := 1.0
	if s.goal == pareto.Max {
		sign = -1
	}
	slices.SortStableFunc(list, func(a, b bar) int {
		switch {
		case a.N == 0 || b.N == 0:
			return cmp.Compare(min(b.N, 1), min(a.N, 1))
		default:
			return cmp.Compare(sign*a.Mean, sign*b.Mean)
		}
	})
	return list
}

// endings says how trials ended that did not complete.
func endings(rows []frame.Row) string {
	count := map[results.Status]int{}
	var met []string
	for _, r := range rows {
		if r.Status == results.Completed {
			continue
		}
		if count[r.Status]++; count[r.Status] == 1 {
			met = append(met, string(r.Status))
		}
	}
	for i, s := range met {
		if n := count[results.Status(s)]; n < len(rows) {
			met[i] = fmt.Sprintf("%d of %d %s", n, len(rows), s)
		}
	}
	return strings.Join(met, ", ")
}

// configuration names a configuration by the factors that have several levels.
func (o Options) configuration(f *frame.Frame, r *frame.Row) string {
	var parts []string
	for _, x := range f.Varied() {
		text := frame.Text(r.Point[x.Name])
		if v := frame.Number(r.Point[x.Name]); !math.IsNaN(v) && text != "True" && text != "False" {
			text = number(v)
		}
		parts = append(parts, o.name(x.Name)+" "+o.name(text))
	}
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, ", ")
}

// bars draws horizontal bars from the top down: their names can be long. On a logarithmic axis, which has no zero for a bar to begin at,
// it draws the means as points.
type bars struct {
	marks []mark
	bars  []bar
	log   bool
}

// axes sets the axes up.
func (b *bars) axes(p *plot.Plot) {
	var reach []float64
	if !b.log {
		reach = append(reach, 0)
	}
	ticks := make(plot.ConstantTicks, len(b.bars))
	style := write(textSize, quiet)
	for i, one := range b.bars {
		ticks[i] = plot.Tick{Value: -float64(i), Label: fit(style, one.label, 190)}
		reach = append(reach, one.values...)
		if one.N > 1 && (!b.log || one.Mean > one.SD) {
			reach = append(reach, one.Mean-one.SD, one.Mean+one.SD)
		}
	}
	if len(reach) == 1 && !b.log {
		reach = append(reach, 1)
	}
	scaleAxis(&p.X, reach, b.log)
	if low, high := edges(reach); !b.log {
		if low == 0 {
			p.X.Min = 0
		}
		if high == 0 {
			p.X.Max = 0
		}
	}
	if slices.ContainsFunc(b.bars, func(one bar) bool { return one.ended != "" }) { // there is room for the words
		if p.X.Max *= 1.3; b.log {
			p.X.Max *= math.Pow(p.X.Max/p.X.Min, 0.3)
		}
	}
	p.Y.Min, p.Y.Max = -float64(len(b.bars))+0.5, 0.5
	p.Y.Tick.Marker, p.Y.Tick.Length = ticks, 0
}

// Plot implements plot.Plotter.
func (b *bars) Plot(c draw.Canvas, p *plot.Plot) {
	at := func(v float64) vg.Length { return c.X(p.X.Norm(min(max(v, p.X.Min), p.X.Max))) }
	for i, one := range b.bars {
		y := c.Y(p.Y.Norm(-float64(i)))
		m := b.marks[one.group]
		from := c.Min.X
		if !b.log {
			from = at(0)
		}
		if one.N > 0 {
			end := at(one.Mean)
			if b.log {
				c.StrokeLine2(draw.LineStyle{Color: faint, Width: 0.7}, from, y, end, y)
				c.DrawGlyphNoClip(m.glyph(3), vg.Point{X: end, Y: y})
			} else {
				corners := []vg.Point{{X: from, Y: y - 4}, {X: end, Y: y - 4}, {X: end, Y: y + 4}, {X: from, Y: y + 4}}
				c.FillPolygon(clear(m.color, 0.45), corners)
				c.StrokeLines(draw.LineStyle{Color: m.color, Width: 0.7}, append(corners, corners[0]))
			}
			b.drawSpread(c, one, y, p, at)
			from = max(end, at(slices.Max(append(one.values, one.Mean+max(0, one.SD)))))
		}
		if one.ended != "" {
			c.FillText(write(textSize-1, quiet), vg.Point{X: from + 4, Y: y - 3}, one.ended)
		}
	}
}

// drawSpread draws the deviation and the trials of a bar. A line that goes on beyond the axis, as to less than 0 on a logarithmic one, has
// no end.
func (b *bars) drawSpread(c draw.Canvas, one bar, y vg.Length, p *plot.Plot, at func(float64) vg.Length) {
	if one.N < 2 {
		return
	}
	style := draw.LineStyle{Color: ink, Width: 0.8}
	lo, hi := one.Mean-one.SD, one.Mean+one.SD
	c.StrokeLine2(style, at(lo), y, at(hi), y)
	for _, end := range []float64{lo, hi} {
		if end >= p.X.Min && end <= p.X.Max {
			c.StrokeLine2(style, at(end), y-2, at(end), y+2)
		}
	}
	for _, v := range one.values {
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: ink, Radius: 1.1, Shape: draw.CircleGlyph{}}, vg.Point{X: at(v), Y: y})
	}
}
