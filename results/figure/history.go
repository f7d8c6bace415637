package figure

import (
	"fmt"
	"slices"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// History draws an objective (Y) of the trials in the order in which they started, coloured by the levels of a factor (By), with the best
// value so far.
func History(v *results.View, f *frame.Frame, o Options) (*Figure, error) {
	y, err := o.metric(f, "y", o.Y)
	if err != nil {
		return nil, err
	}
	goal, is := objective(f, y)
	if !is {
		return nil, wrong("y", "%s is no objective of the study, so that none of its values is the best", y)
	}
	for option, value := range map[string]string{"x": o.X, "panel": o.Panel} {
		if value != "" {
			return nil, wrong(option, "got %q, want none: the order of the trials is the axis", value)
		}
	}
	groups, err := o.scale(f, "by", o.By, mostMarks)
	if err != nil {
		return nil, err
	}
	started := map[string]time.Time{}
	for _, s := range v.Trials() {
		started[s.ID] = s.Started
	}
	rows := slices.Clone(f.Rows)
	slices.SortStableFunc(rows, func(a, b frame.Row) int { return started[a.ID].Compare(started[b.ID]) })
	h := &history{y: y, rows: rows, groups: groups, marks: marks(len(groups.levels), groups.ordered)}
	better := results.Objective{Metric: y, Direction: goal}
	for i, r := range rows {
		if value, has := r.Values[y]; has && (len(h.best) == 0 || better.Better(value, rows[h.best[len(h.best)-1]].Values[y])) {
			h.best = append(h.best, i)
		}
	}
	c := cell{plot: newPlot(), size: single, legend: o.legend(groups, h.marks, swatchPoint), x: "trial, in the order of start",
		y: o.label(f, y)}
	values := valuesOf(rows, y)
	log := spans(values)
	scaleAxis(&c.plot.Y, values, log)
	c.plot.X.Min, c.plot.X.Max = 0.5, float64(len(rows))+0.5
	c.plot.X.Tick.Marker = plot.TickerFunc(wholeTicks)
	c.plot.Add(guides{y: true}, h)
	title := o.name(y) + " of the trials as they started" + o.by(o.By)
	last := &rows[h.best[len(h.best)-1]]
	best := fmt.Sprintf("The best, %s, is trial %d of %d (%s).", number(last.Values[y]), h.best[len(h.best)-1]+1, len(rows), f.Label(last))
	notes := []string{"Points are trials at the epoch compared; the line is the best value so far.", best}
	if log {
		notes = append(notes, "The vertical axis is logarithmic.")
	}
	return newFigure(title, title+", "+tally(rows)+".", append(notes, o.notes(f, y)...), title+". "+best, c), nil
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
