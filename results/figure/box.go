package figure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// fewest is the number of values from which a box is drawn. Quartiles of fewer say little: their values are drawn one by one.
const fewest = 5

// Box draws a metric (Y) by a factor (X) as box plots, grouped by the levels of another (By).
func Box(f *frame.Frame, o Options) (*Figure, error) {
	s, err := o.subject(f)
	if err != nil {
		return nil, err
	}
	x, err := o.factor(f, "x", o.X)
	if err != nil {
		return nil, err
	}
	places, err := o.scale(f, "x", x, mostPlaces)
	if err != nil {
		return nil, err
	}
	w := words{title: o.name(s.y) + o.by(x, o.By, o.Panel)}
	var counts []int
	points := false
	cells, err := o.panels(f, s.rows, func(heading string, in []frame.Row, panels int) (cell, error) {
		b := &boxes{places: len(places.levels), own: o.By == x, marks: s.marks()}
		for i, at := range places.split(in) {
			for j, rows := range s.groups.split(at) {
				if len(rows) == 0 {
					continue
				}
				values := valuesOf(rows, s.y)
				one := box{i, j, frame.Summarize(values), values}
				b.boxes = append(b.boxes, one)
				counts = append(counts, one.N)
				points = points || one.N < fewest
				w.alt = append(w.alt, one.describe(strings.TrimPrefix(heading+" ", " ")+
					describeLevel(o, x, places.levels[i], o.By, s.groups.levels[j])))
			}
		}
		c := o.newCell(panels, o.legend(s.groups, b.marks, swatchBox))
		scaleAxis(&c.plot.Y, valuesOf(s.rows, s.y), s.log)
		c.y = o.label(f, s.y)
		nominal(&c.plot.X, places.texts(), c.size.X-50)
		c.x = o.name(x)
		c.plot.Add(guides{y: true}, b)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	w.n = fmt.Sprintf(", %s, %s per box.", tally(s.rows), fromTo(counts))
	w.notes = []string{"Boxes reach from the first to the third quartile, with a line at the median; whiskers reach to the furthest values " +
		"within 1.5 interquartile ranges; circles are values beyond."}
	if points {
		w.notes = append(w.notes, fmt.Sprintf("Where there are fewer than %d values, each is a point, and the line is the median.", fewest))
	}
	w.notes = append(w.notes, logNote(s.log)...)
	return o.figure(f, w, []string{s.y}, cells...), nil
}

// describeLevel names a box: lr 0.01, loss ns-gan.
func describeLevel(o Options, x string, place level, by string, group level) string {
	if by == "" {
		return o.name(x) + " " + place.text
	}
	return o.name(x) + " " + place.text + ", " + o.name(by) + " " + group.text
}

func valuesOf(rows []frame.Row, metric string) []float64 {
	return frame.Group{Rows: rows}.Values(metric)
}

// box is the values at a place of the axis in a group.
type box struct {
	place, group int
	frame.Summary
	values []float64
}

func (b box) describe(what string) string {
	text := fmt.Sprintf("%s: n %d, median %s", what, b.N, number(b.Median))
	if b.N >= fewest {
		text += fmt.Sprintf(", quartiles %s and %s, whiskers %s and %s", number(b.Q1), number(b.Q3), number(b.Low), number(b.High))
		if n := len(b.Outliers); n > 0 {
			text += fmt.Sprintf(", %s beyond", plain.Count(n, "value"))
		}
	}
	return text + "."
}

// boxes draws box plots, those of a place side by side.
type boxes struct {
	places int
	own    bool   // places and groups are of the same factor
	marks  []mark // of the groups
	boxes  []box
}

// Plot implements plot.Plotter.
func (b *boxes) Plot(c draw.Canvas, p *plot.Plot) {
	room := c.Size().X / vg.Length(b.places) * 0.8 // of a place
	width := min(room/vg.Length(len(b.marks)), 42)
	if b.own { // each place has the boxes of one group
		width = min(room, 42)
	}
	for _, one := range b.boxes {
		middle := c.X(p.X.Norm(float64(one.place)))
		if !b.own {
			middle += width * (vg.Length(one.group) - vg.Length(len(b.marks)-1)/2)
		}
		b.draw(c, p, one, middle, width*0.4)
	}
}

// draw draws a box of which half is given.
func (b *boxes) draw(c draw.Canvas, p *plot.Plot, one box, x, half vg.Length) {
	at := func(v float64) vg.Length { return c.Y(p.Y.Norm(v)) }
	m := b.marks[one.group]
	line := draw.LineStyle{Color: m.color, Width: 1}
	strong := draw.LineStyle{Color: m.color, Width: 2}
	if one.N < fewest {
		for _, v := range one.values {
			c.DrawGlyph(mark{color: m.color, shape: draw.CircleGlyph{}}.glyph(2), vg.Point{X: x, Y: at(v)})
		}
		c.StrokeLine2(strong, x-half, at(one.Median), x+half, at(one.Median))
		return
	}
	left, right := x-half, x+half
	corners := []vg.Point{{X: left, Y: at(one.Q1)}, {X: right, Y: at(one.Q1)}, {X: right, Y: at(one.Q3)}, {X: left, Y: at(one.Q3)}}
	c.FillPolygon(clear(m.color, 0.35), corners)
	c.StrokeLines(line, append(slices.Clone(corners), corners[0]), []vg.Point{{X: x, Y: at(one.Q3)}, {X: x, Y: at(one.High)}},
		[]vg.Point{{X: x, Y: at(one.Q1)}, {X: x, Y: at(one.Low)}},
		[]vg.Point{{X: x - half/2, Y: at(one.High)}, {X: x + half/2, Y: at(one.High)}},
		[]vg.Point{{X: x - half/2, Y: at(one.Low)}, {X: x + half/2, Y: at(one.Low)}})
	c.StrokeLine2(strong, x-half, at(one.Median), x+half, at(one.Median))
	for _, v := range one.Outliers {
		c.DrawGlyph(draw.GlyphStyle{Color: m.color, Radius: 2, Shape: draw.RingGlyph{}}, vg.Point{X: x, Y: at(v)})
	}
}
