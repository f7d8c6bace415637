package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results/frame"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// mostAxes is the number of hyperparameters in parallel coordinates.
const mostAxes = 8

// Parallel draws each trial as a line over the hyperparameters that have several levels, up to its value of a metric (Y), which colours it.
func Parallel(f *frame.Frame, o Options) (*Figure, error) {
	if err := o.refuse("the axes are the hyperparameters, and the metric gives the colours", "x", "by"); err != nil {
		return nil, err
	}
	s, err := o.subject(f)
	if err != nil {
		return nil, err
	}
	varied := f.Varied()
	if len(varied) == 0 {
		return nil, fmt.Errorf("parallel: no hyperparameter has several levels in these trials")
	}
	omitted := max(0, len(varied)-mostAxes)
	varied = varied[:len(varied)-omitted]
	rows := s.rows
	slices.SortStableFunc(rows, func(a, b frame.Row) int { // the best last, on top of the others
		if s.goal == pareto.Max {
			return cmp.Compare(a.Values[s.y], b.Values[s.y])
		}
		return cmp.Compare(b.Values[s.y], a.Values[s.y])
	})
	var axes []axis
	for _, x := range varied {
		axes = append(axes, o.factorAxis(x))
	}
	axes = append(axes, o.metricAxis(s.y, valuesOf(rows, s.y)))
	cells, err := o.panels(f, rows, func(_ string, in []frame.Row, panels int) (cell, error) {
		c := cell{plot: newPlot(), size: vg.Point{X: max(single.X, 60*vg.Length(len(axes))), Y: single.Y}, legend: gradientLegend(s.goal)}
		if panels > 1 {
			c.size.X = max(several.X, 45*vg.Length(len(axes)))
		}
		c.plot.HideAxes()
		c.plot.X.Min, c.plot.X.Max, c.plot.Y.Min, c.plot.Y.Max = 0, float64(len(axes)-1), 0, 1
		c.plot.Add(&parallel{axes: axes, y: s.y, rows: in, all: len(rows), first: placeOf(rows, in)})
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	last := &rows[len(rows)-1]
	best := "The best: " + f.Label(last) + ", " + o.name(s.y) + " " + number(last.Values[s.y]) + "."
	w := words{title: o.name(s.y) + " over all hyperparameters" + o.by(o.Panel), n: ", " + tally(rows) + ".", alt: []string{best},
		notes: []string{"Each line is a trial; its colour is the rank of " + o.name(s.y) + " among all that are shown.", best}}
	if omitted > 0 {
		w.notes = append(w.notes, fmt.Sprintf("The first %d hyperparameters are shown, %d others not.", mostAxes, omitted))
	}
	return o.figure(f, w, []string{s.y}, cells...), nil
}

// placeOf maps the rows of a panel to their places among all.
func placeOf(all, in []frame.Row) map[string]int {
	place := make(map[string]int, len(all))
	for i, r := range all {
		place[r.ID] = i
	}
	of := make(map[string]int, len(in))
	for _, r := range in {
		of[r.ID] = place[r.ID]
	}
	return of
}

// gradientLegend explains the colours of ranks.
func gradientLegend(goal pareto.Direction) legend {
	worst, best := "worst", "best"
	if goal == "" {
		worst, best = "highest", "lowest"
	}
	l := legend{title: "rank"}
	for i, text := range []string{worst, "", "", "", best} {
		l.entries = append(l.entries, entry{text, mark{color: gradient(float64(i) / 4)}, swatchBox})
	}
	return l
}

// axis is one of the parallel axes.
type axis struct {
	name  string
	ticks []plot.Tick          // from 0 to 1
	place func(v any) float64  // of a value
	value func(*frame.Row) any // of a trial
}

// factorAxis is the axis of a hyperparameter: numbers at their places, logarithmic over decades, and others at equal distances.
func (o Options) factorAxis(x frame.Factor) axis {
	a := axis{name: o.name(x.Name), value: func(r *frame.Row) any { return r.Point[x.Name] }}
	last := float64(max(1, len(x.Levels)-1))
	numeric := len(x.Levels) > mostMarks && !slices.ContainsFunc(x.Levels, func(v any) bool { return math.IsNaN(frame.Number(v)) })
	if !numeric {
		a.place = func(v any) float64 { return float64(slices.Index(x.Levels, v)) / last }
		every := 1 + len(x.Levels)/20
		for i, v := range x.Levels {
			text := frame.Text(v)
			if n := frame.Number(v); !math.IsNaN(n) && text != "True" && text != "False" {
				text = number(n)
			}
			if i%every == 0 {
				a.ticks = append(a.ticks, plot.Tick{Value: float64(i) / last, Label: o.name(text)})
			}
		}
		return a
	}
	var values []float64
	for _, v := range x.Levels {
		values = append(values, frame.Number(v))
	}
	place, ticks := numberAxis(values, x.Log)
	a.place, a.ticks = func(v any) float64 { return place(frame.Number(v)) }, ticks
	return a
}

// metricAxis is the axis of a metric.
func (o Options) metricAxis(name string, values []float64) axis {
	place, ticks := numberAxis(values, spans(values))
	return axis{name: o.name(name), ticks: ticks, place: func(v any) float64 { return place(v.(float64)) },
		value: func(r *frame.Row) any { return r.Values[name] }}
}

// numberAxis places numbers from 0 to 1.
func numberAxis(values []float64, log bool) (place func(float64) float64, ticks []plot.Tick) {
	var a plot.Axis
	a.Scale = plot.LinearScale{}
	scaleAxis(&a, values, log)
	for _, t := range a.Tick.Marker.Ticks(a.Min, a.Max) {
		if !t.IsMinor() {
			ticks = append(ticks, plot.Tick{Value: a.Norm(t.Value), Label: t.Label})
		}
	}
	return a.Norm, ticks
}

// parallel draws trials over parallel axes.
type parallel struct {
	axes  []axis
	y     string
	rows  []frame.Row
	all   int            // trials of the figure
	first map[string]int // ranks of the rows, the worst first
}

// Plot implements plot.Plotter.
func (l *parallel) Plot(c draw.Canvas, _ *plot.Plot) {
	c = draw.Crop(c, 28, -28, 22, -8)
	x := func(i int) vg.Length { return c.Min.X + c.Size().X*vg.Length(i)/vg.Length(len(l.axes)-1) }
	opacity := 0.8
	if len(l.rows) > 200 {
		opacity = 0.35
	}
	d := dots(c, len(l.rows))
	for k := range l.rows {
		r := &l.rows[k]
		var path []vg.Point
		color := clear(gradient(float64(l.first[r.ID])/float64(max(1, l.all-1))), opacity)
		show := func() {
			if len(path) > 1 {
				d.StrokeLines(draw.LineStyle{Color: color, Width: 0.9}, path)
			}
			path = nil
		}
		for i, a := range l.axes {
			v := a.value(r)
			if v == nil { // it does not apply: the line has a gap
				show()
				continue
			}
			path = append(path, vg.Point{X: x(i), Y: c.Min.Y + c.Size().Y*vg.Length(a.place(v))}.Sub(d.shift))
		}
		show()
	}
	d.show(c)
	style := write(textSize-0.5, ink)
	style.XAlign, style.YAlign = draw.XCenter, draw.YCenter
	each := c.Size().X / vg.Length(len(l.axes)-1)
	for i, a := range l.axes {
		c.StrokeLine2(draw.LineStyle{Color: quiet, Width: 0.8}, x(i), c.Min.Y, x(i), c.Max.Y)
		c.FillText(style, vg.Point{X: x(i), Y: c.Min.Y - 16}, fit(style, a.name, each-4))
		for _, t := range a.ticks {
			at := vg.Point{X: x(i), Y: c.Min.Y + c.Size().Y*vg.Length(t.Value)}
			text := fit(style, t.Label, each-6)
			w := style.Width(text)/2 + 1.5
			c.FillPolygon(ground, []vg.Point{{X: at.X - w, Y: at.Y - 4.5}, {X: at.X + w, Y: at.Y - 4.5}, {X: at.X + w, Y: at.Y + 4.5},
				{X: at.X - w, Y: at.Y + 4.5}})
			c.FillText(style, at, text)
		}
	}
}
