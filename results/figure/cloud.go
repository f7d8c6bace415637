package figure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results/frame"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Cloud draws two metrics (X and Y) against each other, a point for each trial, coloured by the levels of a factor (By).
func Cloud(f *frame.Frame, o Options) (*Figure, error) { return cloud(f, o, false) }

// Front is Cloud with the points that no other dominates, joined by the border of what they dominate. The metrics are objectives.
func Front(f *frame.Frame, o Options) (*Figure, error) { return cloud(f, o, true) }

// pair returns the two metrics of a cloud: those named, or recall and precision, or the first two objectives or metrics.
func (o Options) pair(f *frame.Frame) (x, y string, err error) {
	if _, err := o.metric(f, "x", o.X); err != nil {
		return "", "", err
	}
	if _, err := o.metric(f, "y", o.Y); err != nil {
		return "", "", err
	}
	x, y = o.X, o.Y
	candidates := []string{"recall", "precision"}
	for _, objective := range f.Objectives {
		candidates = append(candidates, objective.Metric)
	}
	next := func(taken string) string {
		for _, m := range append(candidates, f.Metrics...) {
			if m != taken && slices.Contains(f.Metrics, m) {
				return m
			}
		}
		return ""
	}
	if x == "" {
		x = next(y)
	}
	if y == "" {
		y = next(x)
	}
	if x == "" || y == "" {
		return "", "", fmt.Errorf("got one metric, %s, want two: the trials have measured no other", f.Metrics[0])
	}
	return x, y, nil
}

func cloud(f *frame.Frame, o Options, front bool) (*Figure, error) {
	x, y, err := o.pair(f)
	if err != nil {
		return nil, err
	}
	var goals []pareto.Direction
	for _, m := range []string{x, y} {
		d, is := objective(f, m)
		if front && !is {
			return nil, fmt.Errorf("front: %s is no objective of the study, so that no direction is better: name objectives", m)
		}
		goals = append(goals, d)
	}
	groups, err := o.scale(f, "by", o.By, mostMarks)
	if err != nil {
		return nil, err
	}
	rows := measured(f.Rows, x, y)
	if len(rows) == 0 {
		return nil, fmt.Errorf("no trial has both %s and %s", x, y)
	}
	logX, logY := spans(valuesOf(rows, x)), spans(valuesOf(rows, y))
	w := words{title: o.name(y) + " against " + o.name(x) + o.by(o.By, o.Panel)}
	var best []string
	many := false
	cells, err := o.panels(f, rows, func(heading string, in []frame.Row, panels int) (cell, error) {
		p := &points{x: x, y: y, rows: in, groups: groups, marks: marks(len(groups.levels), groups.ordered), goals: goals}
		many = many || len(in) > mostVector
		c := o.newCell(panels, o.legend(groups, p.marks, swatchPoint))
		if front {
			if err := p.findFront(); err != nil {
				return cell{}, err
			}
			best = append(best, fmt.Sprint(len(p.front)))
		}
		scaleAxis(&c.plot.X, valuesOf(rows, x), logX)
		scaleAxis(&c.plot.Y, valuesOf(rows, y), logY)
		c.x, c.y = o.label(f, x), o.label(f, y)
		c.plot.Add(guides{x: true, y: true}, p)
		w.alt = append(w.alt, p.describe(o, f, heading))
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	w.n = ", " + tally(rows) + "; each point is a trial."
	if front {
		w.n += " On the front: " + strings.Join(best, ", ") + "."
		w.notes = append(w.notes, "Points with an outline are on the Pareto front: no other trial is at least as good in both and better in "+
			"one. The line is the border of what they dominate, which is shaded.")
	}
	w.notes = append(w.notes, logNotes(logX, logY)...)
	return o.figure(f, w, []string{x, y}, cells...), nil
}

// logNotes says which axes are logarithmic.
func logNotes(x, y bool) []string {
	switch {
	case x && y:
		return []string{"Both axes are logarithmic."}
	case x:
		return []string{"The horizontal axis is logarithmic."}
	}
	return logNote(y)
}

// points draws trials by two metrics.
type points struct {
	x, y   string
	rows   []frame.Row
	groups scale
	marks  []mark
	goals  []pareto.Direction
	front  []int // rows, by x
}

func (p *points) findFront() error {
	values := make([][]float64, len(p.rows))
	for i, r := range p.rows {
		values[i] = []float64{r.Values[p.x], r.Values[p.y]}
	}
	var err error
	p.front, err = pareto.Front(values, p.goals)
	slices.SortStableFunc(p.front, func(a, b int) int { return cmp.Compare(values[a][0], values[b][0]) })
	return err
}

// Plot implements plot.Plotter.
func (p *points) Plot(c draw.Canvas, of *plot.Plot) {
	at := func(r *frame.Row) vg.Point {
		return vg.Point{X: c.X(of.X.Norm(r.Values[p.x])), Y: c.Y(of.Y.Norm(r.Values[p.y]))}
	}
	if len(p.front) > 0 {
		p.drawBorder(c, at)
	}
	radius := vg.Length(2.8)
	if len(p.rows) > mostVector {
		radius = 1.5
	}
	d := dots(c, len(p.rows))
	on := map[int]bool{}
	for _, i := range p.front {
		on[i] = true
	}
	for i := range p.rows {
		g := p.groups.place(&p.rows[i])
		if g < 0 || on[i] {
			continue
		}
		m := p.marks[g]
		m.color = clear(m.color, 0.75)
		d.DrawGlyphNoClip(m.glyph(radius), at(&p.rows[i]).Sub(d.shift))
	}
	d.show(c)
	for _, i := range p.front {
		if g := p.groups.place(&p.rows[i]); g >= 0 {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: ink, Radius: 4.3, Shape: p.marks[g].shape}, at(&p.rows[i]))
			c.DrawGlyphNoClip(p.marks[g].glyph(3), at(&p.rows[i]))
		}
	}
}

// drawBorder draws the border of the region that the front dominates, with its corners on the worse side, and shades the region.
func (p *points) drawBorder(c draw.Canvas, at func(*frame.Row) vg.Point) {
	worst := c.Min // the corner of the plot that all points dominate
	if p.goals[0] == pareto.Min {
		worst.X = c.Max.X
	}
	if p.goals[1] == pareto.Min {
		worst.Y = c.Max.Y
	}
	front := slices.Clone(p.front)
	if p.goals[0] == pareto.Max {
		slices.Reverse(front)
	}
	var border []vg.Point // from the best x to the best y
	for i, row := range front {
		here := at(&p.rows[row])
		corner := vg.Point{X: here.X, Y: worst.Y}
		if i > 0 {
			corner.Y = border[len(border)-1].Y
		}
		border = append(border, corner, here)
	}
	border = append(border, vg.Point{X: worst.X, Y: border[len(border)-1].Y})
	c.FillPolygon(shade, append(slices.Clone(border), worst))
	c.StrokeLines(draw.LineStyle{Color: quiet, Width: 1}, border)
}

// describe tells what the cloud shows.
func (p *points) describe(o Options, f *frame.Frame, heading string) string {
	var parts []string
	if heading != "" {
		heading += ": "
	}
	for i, rows := range p.groups.split(p.rows) {
		g, in := p.groups.levels[i], frame.Group{Rows: rows}
		if len(rows) == 0 {
			continue
		}
		what := ""
		if p.groups.column != "" {
			what = o.name(p.groups.column) + " " + g.text + ": "
		}
		x, y := in.Summary(p.x), in.Summary(p.y)
		parts = append(parts, fmt.Sprintf("%s%sn %d, median %s %s, median %s %s.", heading, what, x.N, o.name(p.x), number(x.Median), o.name(p.y),
			number(y.Median)))
	}
	for _, i := range p.front {
		r := &p.rows[i]
		parts = append(parts, fmt.Sprintf("On the front: %s %s, %s %s (%s).", o.name(p.x), number(r.Values[p.x]), o.name(p.y),
			number(r.Values[p.y]), f.Label(r)))
	}
	return strings.Join(parts, " ")
}
