package figure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// What has a line in a figure of curves.
const (
	EachConfiguration = "configuration" // the mean of its seeds, with a band from the least to the greatest
	EachLevel         = "level"         // the median of the trials of a level, with a band between the quartiles
)

// mostLines is the number of configurations up to which each has a line unless Options.Each says otherwise.
const mostLines = 24

// Curves draws a metric (Y) over the epochs: a line for each configuration, or for each level of a factor (By), with bands.
func Curves(v *results.View, f *frame.Frame, o Options) (*Figure, error) {
	s, err := o.subject(f)
	if err != nil {
		return nil, err
	}
	if err := o.chooseEach(f); err != nil {
		return nil, err
	}
	courses, rows, err := coursesOf(v, f, s.y)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("no trial has measured %s at any epoch", s.y)
	}
	last := 1
	for _, course := range courses {
		last = max(last, course[len(course)-1].epoch)
	}
	w := words{title: o.name(s.y) + " over epochs" + o.by(o.By, o.Panel), n: ", " + tally(rows) + "."}
	var counts []int
	var drawn []float64
	cells, err := o.panels(f, rows, func(heading string, in []frame.Row, panels int) (cell, error) {
		l := &lines{marks: s.marks(), by: o.By != ""}
		for i, of := range s.groups.split(in) {
			for _, set := range o.sets(of) {
				one := band(courses, set, i, o.Each)
				l.lines = append(l.lines, one)
				for _, p := range one.spots {
					drawn = append(drawn, p.lo, p.middle, p.hi)
				}
				counts = append(counts, len(set))
			}
			if len(of) > 0 {
				w.alt = append(w.alt, l.describe(o, heading, s.groups.levels[i], len(of)))
			}
		}
		c := o.newCell(panels, o.legend(s.groups, l.marks, swatchLine))
		c.plot.X.Min, c.plot.X.Max = float64(min(1, last-1)), float64(last)
		c.plot.X.Tick.Marker = plot.TickerFunc(wholeTicks)
		c.x, c.y = "epoch", o.label(f, s.y)
		c.plot.Add(guides{y: true}, l)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	log := spans(drawn)
	for _, c := range cells { // lines and bands fill the plots: single trials may lie outside
		scaleAxis(&c.plot.Y, drawn, log)
	}
	w.notes = append([]string{o.bandNote(counts)}, logNote(log)...)
	return o.figure(f, w, []string{s.y}, cells...), nil
}

func (o *Options) chooseEach(f *frame.Frame) error {
	switch o.Each {
	case EachConfiguration, EachLevel:
		return nil
	case "":
		o.Each = EachConfiguration
		if len(f.Groups("configuration")) > mostLines {
			o.Each = EachLevel
		}
		return nil
	}
	return wrong("each", "got %q, want %s or %s", o.Each, EachConfiguration, EachLevel)
}

// sets divides the rows of a level into those that share a line.
func (o Options) sets(rows []frame.Row) (sets [][]frame.Row) {
	if len(rows) == 0 {
		return nil
	}
	if o.Each == EachLevel {
		return [][]frame.Row{rows}
	}
	at := map[string]int{}
	for _, r := range rows {
		i, known := at[r.Configuration]
		if !known {
			i = len(sets)
			at[r.Configuration] = i
			sets = append(sets, nil)
		}
		sets[i] = append(sets[i], r)
	}
	return sets
}

func (o Options) bandNote(counts []int) string {
	if o.Each == EachLevel {
		return fmt.Sprintf("Lines are medians over the trials of a level (n = %s), bands reach from the first to the third quartile.",
			fromTo(counts))
	}
	if slices.Max(counts) == 1 {
		return "Each line is a configuration, of one seed."
	}
	return fmt.Sprintf("Each line is the mean of a configuration over its seeds (n = %s), bands reach from the least to the greatest.",
		fromTo(counts))
}

// spot is a value at an epoch.
type spot struct {
	epoch int
	y     float64
}

// coursesOf returns the values of a metric by trial, and the rows that have some.
func coursesOf(v *results.View, f *frame.Frame, metric string) (map[string][]spot, []frame.Row, error) {
	courses := map[string][]spot{}
	var rows []frame.Row
	for _, r := range f.Rows {
		epochs, values, err := f.CourseOf(v, r.ID, metric)
		if err != nil {
			return nil, nil, err
		}
		for i, y := range values {
			courses[r.ID] = append(courses[r.ID], spot{epochs[i], y})
		}
		if len(values) > 0 {
			rows = append(rows, r)
		}
	}
	return courses, rows, nil
}

// line is a course with its band.
type line struct {
	group int
	spots []spread
}

// spread is the middle of values at an epoch, and the edges of the band.
type spread struct {
	epoch          int
	middle, lo, hi float64
}

// band is the line of some trials. An epoch at which only part of them has a value, since the others stopped, ends it: a mean of other
// trials than before would show a change that no trial had.
func band(courses map[string][]spot, rows []frame.Row, group int, each string) line {
	at := map[int][]float64{}
	var epochs []int
	for _, r := range rows {
		for _, s := range courses[r.ID] {
			if at[s.epoch] == nil {
				epochs = append(epochs, s.epoch)
			}
			at[s.epoch] = append(at[s.epoch], s.y)
		}
	}
	slices.Sort(epochs)
	l := line{group: group}
	for _, e := range epochs {
		if each == EachConfiguration && len(at[e]) < len(rows) && len(at[e]) < len(at[epochs[0]]) {
			break
		}
		s := frame.Summarize(at[e])
		one := spread{e, s.Median, s.Q1, s.Q3}
		if each == EachConfiguration {
			lo, hi := edges(at[e])
			one = spread{e, s.Mean, lo, hi}
		}
		l.spots = append(l.spots, one)
	}
	return l
}

// wholeTicks are about six whole numbers.
func wholeTicks(low, high float64) (ticks []plot.Tick) {
	for _, t := range linearTicks(low, high) {
		if t.Value == float64(int(t.Value)) {
			t.Label = number(t.Value)
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// lines draws courses: the bands first, so that they cover no line.
type lines struct {
	marks []mark
	by    bool
	lines []line
}

// Plot implements plot.Plotter.
func (l *lines) Plot(c draw.Canvas, p *plot.Plot) {
	at := func(epoch int, y float64) vg.Point {
		return vg.Point{X: c.X(p.X.Norm(float64(epoch))), Y: c.Y(p.Y.Norm(y))}
	}
	opacity := 0.22
	if len(l.lines) > mostMarks {
		opacity = 0.1
	}
	for _, one := range l.lines {
		var edge []vg.Point
		wide := false
		for _, s := range one.spots {
			edge = append(edge, at(s.epoch, s.hi))
			wide = wide || s.hi > s.lo
		}
		for _, s := range slices.Backward(one.spots) {
			edge = append(edge, at(s.epoch, s.lo))
		}
		if wide && len(one.spots) > 1 {
			c.FillPolygon(clear(l.marks[one.group].color, opacity), edge)
		}
	}
	for _, one := range l.lines {
		m := l.marks[one.group]
		var path []vg.Point
		for _, s := range one.spots {
			path = append(path, at(s.epoch, s.middle))
		}
		if len(path) == 1 { // a line of one point cannot be seen
			c.DrawGlyph(mark{color: m.color, shape: draw.CircleGlyph{}}.glyph(2), path[0])
			continue
		}
		c.StrokeLines(m.line(1.2), path)
	}
}

// describe tells where the lines of a level begin and end.
func (l *lines) describe(o Options, heading string, g level, trials int) string {
	var first, last []float64
	group := l.lines[len(l.lines)-1].group
	for _, one := range l.lines {
		if one.group == group && len(one.spots) > 0 {
			first = append(first, one.spots[0].middle)
			last = append(last, one.spots[len(one.spots)-1].middle)
		}
	}
	what := heading
	if o.By != "" {
		what = strings.TrimPrefix(heading+", "+o.name(o.By)+" "+g.text, ", ")
	}
	if what != "" {
		what += ": "
	}
	return fmt.Sprintf("%s%s, from a median of %s to %s.", what, plain.Count(trials, "trial"), number(frame.Summarize(first).Median),
		number(frame.Summarize(last).Median))
}
