package figure

import (
	"fmt"
	"math"

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
	if err := o.refuse("each factor has a plot", "panel"); err != nil {
		return nil, err
	}
	s, err := o.subject(f)
	if err != nil {
		return nil, err
	}
	factors, omitted, err := o.effectFactors(f)
	if err != nil {
		return nil, err
	}
	w := words{title: "Mean " + o.name(s.y) + o.by(factors...), n: ", " + tally(s.rows) + "."}
	if o.By != "" {
		w.title += ", for each " + o.name(o.By)
	}
	var all []*effects
	var reach []float64
	for _, x := range factors {
		e, err := o.effectsOf(f, s, x)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
		for _, p := range e.points {
			reach = append(reach, p.mean, p.low, p.high)
			w.alt = append(w.alt, fmt.Sprintf("%s: mean %s, n %d.", describeLevel(o, x, e.places.levels[p.place], o.By,
				s.groups.levels[p.group]), number(p.mean), p.n))
		}
	}
	var cells []cell
	for _, e := range all {
		c := o.newCell(len(all), o.legend(s.groups, e.marks, swatchLine))
		c.x, c.y = o.name(e.x), o.label(f, s.y)
		scaleAxis(&c.plot.Y, reach, s.log)
		nominal(&c.plot.X, e.places.texts(), c.size.X-50)
		c.plot.Add(guides{y: true}, e)
		cells = append(cells, c)
	}
	w.notes = []string{meanNote(s.log)}
	if omitted > 0 {
		w.notes = append(w.notes, fmt.Sprintf("The first %d factors are shown, %d others not.", mostEffects, omitted))
	}
	w.notes = append(w.notes, logNote(s.log)...)
	return o.figure(f, w, []string{s.y}, cells...), nil
}

// effectsOf are the means at the levels of a factor, one group after the other.
func (o Options) effectsOf(f *frame.Frame, s subject, x string) (*effects, error) {
	places, err := o.scale(f, "x", x, mostPlaces)
	if err != nil {
		return nil, err
	}
	e := &effects{x: x, places: places, marks: s.marks()}
	for j, of := range s.groups.split(s.rows) {
		for i, rows := range places.split(of) {
			if p, any := effectAt(rows, s.y, s.log); any {
				p.place, p.group = i, j
				e.points = append(e.points, p)
			}
		}
	}
	return e, nil
}

func meanNote(log bool) string {
	kind := "means"
	if log {
		kind = "geometric means"
	}
	return "Points are " + kind + " over the trials of a level; bars reach from the least to the greatest such mean of one seed, " +
		"where there are several seeds."
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
