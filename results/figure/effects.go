package figure

import (
	"fmt"
	"math"
	"strings"

	"github.com/starsweep/starsweep/results/frame"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// mostEffects is the number of factors in a figure of main effects.
const mostEffects = 6

// Effects draws the mean of a metric (Y) at the levels of each factor, or of the one named (X): main effects. With a line for each level
// of another factor (By), it shows interactions: lines that are not parallel.
func Effects(f *frame.Frame, o Options) (*Figure, error) {
	y, err := o.metric(f, "y", o.Y)
	if err != nil {
		return nil, err
	}
	if o.Panel != "" {
		return nil, wrong("panel", "got %q, want none: each factor has a plot", o.Panel)
	}
	groups, err := o.scale(f, "by", o.By, mostMarks)
	if err != nil {
		return nil, err
	}
	factors, omitted, err := o.effectFactors(f)
	if err != nil {
		return nil, err
	}
	rows := measured(f.Rows, y)
	log := spans(valuesOf(rows, y))
	var all []*effects
	var reach []float64
	var alt []string
	for _, x := range factors {
		places, err := o.scale(f, "x", x, mostPlaces)
		if err != nil {
			return nil, err
		}
		e := &effects{x: x, places: places, marks: marks(len(groups.levels), groups.ordered)}
		for j, group := range groups.levels {
			for i, place := range places.levels {
				p, any := effectAt(groups.rows(places.rows(rows, i), j), y, log)
				if !any {
					continue
				}
				p.place, p.group = i, j
				e.points = append(e.points, p)
				reach = append(reach, p.mean, p.low, p.high)
				alt = append(alt, fmt.Sprintf("%s: mean %s, n %d.", describeLevel(o, x, place, o.By, group), number(p.mean), p.n))
			}
		}
		all = append(all, e)
	}
	var cells []cell
	for _, e := range all {
		c := newCell(len(all), o.legend(groups, e.marks, swatchLine))
		c.x, c.y = o.name(e.x), o.label(f, y)
		scaleAxis(&c.plot.Y, reach, log)
		nominal(&c.plot.X, e.places.texts(), c.size.X-50)
		c.plot.Add(guides{y: true}, e)
		cells = append(cells, c)
	}
	title := "Mean " + o.name(y) + o.by(factors...)
	if o.By != "" {
		title = "Mean " + o.name(y) + " by levels, for each " + o.name(o.By)
	}
	notes := []string{meanNote(log)}
	if omitted > 0 {
		notes = append(notes, fmt.Sprintf("The first %d factors are shown, %d others not.", mostEffects, omitted))
	}
	return newFigure(title, title+", "+tally(rows)+".", append(notes, o.notes(f, y)...), title+". "+strings.Join(alt, " "), cells...), nil
}

func meanNote(log bool) string {
	kind := "means"
	if log {
		kind = "geometric means"
	}
	text := "Points are " + kind + " over the trials of a level; bars reach from the least to the greatest such mean of one seed, " +
		"where there are several seeds."
	if log {
		text += " The vertical axis is logarithmic."
	}
	return text
}

// effectFactors are the factors of main effects: the one named, or those with several levels other than that of the colours.
func (o Options) effectFactors(f *frame.Frame) (names []string, omitted int, err error) {
	if o.X != "" {
		return []string{o.X}, 0, o.known(f, "x", o.X)
	}
	for _, x := range f.Varied() {
		if x.Name != o.By {
			names = append(names, x.Name)
		}
	}
	if len(names) == 0 {
		return nil, 0, wrong("x", "no other hyperparameter has several levels in these trials: name a column")
	}
	n := min(len(names), mostEffects)
	return names[:n], len(names) - n, nil
}

// texts are the labels of the levels.
func (s scale) texts() (list []string) {
	for _, l := range s.levels {
		list = append(list, l.text)
	}
	return list
}

// effect is the mean of a level, and the least and the greatest mean of a seed.
type effect struct {
	place, group, n int
	mean, low, high float64
}

// effectAt is the mean of some trials.
func effectAt(rows []frame.Row, metric string, log bool) (e effect, any bool) {
	mean := func(rows []frame.Row) float64 {
		sum := 0.0
		for _, v := range valuesOf(rows, metric) {
			if log {
				v = math.Log(v)
			}
			sum += v
		}
		if sum /= float64(len(rows)); log {
			return math.Exp(sum)
		}
		return sum
	}
	if len(rows) == 0 {
		return e, false
	}
	e = effect{n: len(rows), mean: mean(rows)}
	bySeed := map[int64][]frame.Row{}
	for _, r := range rows {
		bySeed[r.Seed] = append(bySeed[r.Seed], r)
	}
	e.low, e.high = e.mean, e.mean
	for _, of := range bySeed {
		e.low, e.high = min(e.low, mean(of)), max(e.high, mean(of))
	}
	return e, true
}

// effects draws means by level, joined within a group.
type effects struct {
	x      string
	places scale
	marks  []mark
	points []effect
}

// Plot implements plot.Plotter.
func (e *effects) Plot(c draw.Canvas, p *plot.Plot) {
	for g, m := range e.marks {
		shift := 4 * (vg.Length(g) - vg.Length(len(e.marks)-1)/2) // so that bars do not cover each other
		var path []vg.Point
		for _, one := range e.points {
			if one.group != g {
				continue
			}
			x := c.X(p.X.Norm(float64(one.place))) + shift
			at := func(v float64) vg.Length { return c.Y(p.Y.Norm(v)) }
			if one.high > one.low {
				c.StrokeLine2(draw.LineStyle{Color: m.color, Width: 0.8}, x, at(one.low), x, at(one.high))
			}
			path = append(path, vg.Point{X: x, Y: at(one.mean)})
		}
		if len(path) > 1 {
			c.StrokeLines(m.line(1.2), path)
		}
		for _, at := range path {
			c.DrawGlyphNoClip(m.glyph(2.6), at)
		}
	}
}
