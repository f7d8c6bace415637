package figure

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// History draws an objective (Y) of the trials in the order in which they started, coloured by the levels of a factor (By), with the best
// value so far.
func History(f *frame.Frame, o Options) (*Figure, error) {
	if err := o.refuse("the order of the trials is the axis", "x", "panel"); err != nil {
		return nil, err
	}
	s, err := o.subject(f)
	if err != nil {
		return nil, err
	}
	if s.goal == "" {
		return nil, wrong("y", "%s is no objective of the study, so that none of its values is the best", s.y)
	}
	h := &history{y: s.y, groups: s.groups, marks: s.marks()}
	h.rows, h.best = Records(f, results.Objective{Metric: s.y, Direction: s.goal})
	c := o.newCell(1, o.legend(s.groups, h.marks, swatchPoint))
	c.x, c.y = "trial, in the order of start", o.label(f, s.y)
	scaleAxis(&c.plot.Y, valuesOf(s.rows, s.y), s.log)
	c.plot.X.Min, c.plot.X.Max = 0.5, float64(len(h.rows))+0.5
	c.plot.X.Tick.Marker = plot.TickerFunc(wholeTicks)
	c.plot.Add(guides{y: true}, h)
	last := h.best[len(h.best)-1]
	best := fmt.Sprintf("The best, %s, is trial %d of %d (%s).", number(h.rows[last].Values[s.y]), last+1, len(h.rows), f.Label(&h.rows[last]))
	w := words{title: o.name(s.y) + " of the trials as they started" + o.by(o.By), n: ", " + tally(h.rows) + ".", alt: []string{best},
		notes: append([]string{"Points are trials at the epoch compared; the line is the best value so far.", best}, logNote(s.log)...)}
	return o.figure(f, w, []string{s.y}, c), nil
}

// Records are the trials in the order in which they started, and the places of those that were better than all before them.
func Records(f *frame.Frame, o results.Objective) (rows []frame.Row, best []int) {
	rows = slices.Clone(f.Rows)
	slices.SortStableFunc(rows, func(a, b frame.Row) int { return a.Started.Compare(b.Started) })
	for i, r := range rows {
		value, has := r.Values[o.Metric]
		if has && (len(best) == 0 || o.Better(value, rows[best[len(best)-1]].Values[o.Metric])) {
			best = append(best, i)
		}
	}
	return rows, best
}

// history draws trials in order, and the best so far.
type history struct {
	y      string
	rows   []frame.Row
	groups scale
	marks  []mark
	best   []int // rows that were the best when they ended
}

// Plot implements plot.Plotter.
func (h *history) Plot(c draw.Canvas, p *plot.Plot) {
	at := func(i int) vg.Point {
		return vg.Point{X: c.X(p.X.Norm(float64(i + 1))), Y: c.Y(p.Y.Norm(h.rows[i].Values[h.y]))}
	}
	radius := vg.Length(2.4)
	if len(h.rows) > 300 {
		radius = 1.3
	}
	d := dots(c, len(h.rows))
	for i := range h.rows {
		g := h.groups.place(&h.rows[i])
		if _, has := h.rows[i].Values[h.y]; has && g >= 0 {
			m := h.marks[g]
			m.color = clear(m.color, 0.75)
			d.DrawGlyphNoClip(m.glyph(radius), at(i).Sub(d.shift))
		}
	}
	d.show(c)
	var path []vg.Point
	for k, i := range h.best {
		here := at(i)
		if k > 0 {
			path = append(path, vg.Point{X: here.X, Y: path[len(path)-1].Y})
		}
		path = append(path, here)
	}
	path = append(path, vg.Point{X: c.Max.X, Y: path[len(path)-1].Y})
	c.StrokeLines(draw.LineStyle{Color: ink, Width: 1}, path)
}
