package figure

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// decades is the ratio of the largest to the smallest value from which an axis is logarithmic: one and a half decades.
const decades = 30

// spans reports whether values are positive and span decades. Values up to 1, such as precision, are fractions of a whole and do not:
// their differences count, not their ratios.
func spans(values []float64) bool {
	low, high := edges(values)
	return low > 0 && high > 1 && high/low >= decades
}

// edges are the least and the greatest value, 0 and 0 without values.
func edges(values []float64) (low, high float64) {
	if len(values) == 0 {
		return 0, 0
	}
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// scaleAxis lets an axis hold values, with room at both ends; log makes it logarithmic, which the values must allow.
func scaleAxis(a *plot.Axis, values []float64, log bool) {
	low, high := edges(values)
	if log {
		room := math.Pow(high/low, 0.04)
		if low == high {
			room = 1.5
		}
		a.Min, a.Max = low/room, high*room
		a.Scale, a.Tick.Marker = plot.LogScale{}, plot.TickerFunc(logTicks)
		return
	}
	room := 0.04 * (high - low)
	if room == 0 {
		if room = 0.05 * math.Abs(high); room == 0 {
			room = 0.1 // all are 0
		}
	}
	a.Min, a.Max = low-room, high+room
	if low >= 0 && a.Min < 0 {
		a.Min = -room / 4 // nothing is there
	}
	if low >= 0 && high <= 1 && a.Max > 1 { // fractions
		a.Max = 1 + room/4
	}
	a.Tick.Marker = plot.TickerFunc(linearTicks)
}

// linearTicks are about five round numbers.
func linearTicks(low, high float64) (ticks []plot.Tick) {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/5)))
	for _, times := range []float64{2, 2.5, 2} { // 2, 5, 10
		if (high-low)/step > 6 {
			step *= times
		}
	}
	if !(step > 0) || math.IsInf(step, 0) {
		return nil
	}
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	for i := math.Ceil(low / step); i*step <= high*(1+1e-12) && len(ticks) <= 20; i++ {
		v := i * step
		if v == 0 {
			v = 0 // and not -0
		}
		label := number(v)
		if digits > 0 && digits < 5 { // all with the same decimals
			label = strconv.FormatFloat(v, 'f', digits, 64)
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: label})
	}
	return ticks
}

// logTicks are powers of ten, with 2 and 5 between them where there are few, and unlabelled ones for the rest.
func logTicks(low, high float64) (ticks []plot.Tick) {
	wide := math.Log10(high / low)
	every := max(1, int(math.Ceil(wide/6)))
	first := int(math.Floor(math.Log10(low)))
	for e := first; e <= int(math.Ceil(math.Log10(high))); e++ {
		power := math.Pow(10, float64(e))
		for d := 1; d < 10; d++ {
			v := float64(d) * power
			if v < low*(1-1e-12) || v > high*(1+1e-12) {
				continue
			}
			label := ""
			if d == 1 && e%every == 0 || wide < 2.5 && (d == 2 || d == 5) || wide < 0.7 && d != 7 && d != 9 {
				label = number(v)
			}
			if label != "" || wide < 4 {
				ticks = append(ticks, plot.Tick{Value: v, Label: label})
			}
		}
	}
	return ticks
}

// number is a short text of a number, of four digits.
func number(v float64) string {
	if v == 0 {
		return "0"
	}
	s := strconv.FormatFloat(v, 'g', 4, 64)
	if size := math.Abs(v); size >= 1e-4 && size < 1e6 {
		s = strconv.FormatFloat(roundTo(v, 4), 'f', -1, 64)
	}
	mantissa, exponent, scientific := strings.Cut(s, "e")
	if !scientific {
		return s
	}
	if e, err := strconv.Atoi(exponent); err == nil {
		return mantissa + "e" + strconv.Itoa(e)
	}
	return s
}

// roundTo rounds to significant digits.
func roundTo(v float64, digits int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// fit shortens a text to a width.
func fit(style text.Style, s string, width vg.Length) string {
	if style.Width(s) <= width {
		return s
	}
	runes := []rune(s)
	for n := len(runes) - 1; n > 0; n-- {
		if short := string(runes[:n]) + "…"; style.Width(short) <= width {
			return short
		}
	}
	return "…"
}

// nominal labels places 0, 1, 2 and so on of a horizontal axis, in a width that all labels have together. Labels that do not fit beside
// each other are turned, and long ones shortened.
func nominal(a *plot.Axis, labels []string, width vg.Length) {
	ticks := make(plot.ConstantTicks, len(labels))
	style := write(textSize, quiet)
	each := width / vg.Length(max(1, len(labels)))
	turned := false
	for _, l := range labels {
		turned = turned || style.Width(l) > each-4
	}
	for i, l := range labels {
		ticks[i] = plot.Tick{Value: float64(i), Label: fit(style, l, 90)}
	}
	if turned {
		a.Tick.Label.Rotation = math.Pi / 4
		a.Tick.Label.XAlign, a.Tick.Label.YAlign = draw.XRight, draw.YCenter
		thin(ticks, each, font.Length(textSize)*1.3)
	}
	a.Tick.Marker = ticks
	a.Min, a.Max = -0.5, float64(len(labels))-0.5
}

// thin removes labels where they would cover each other.
func thin(ticks plot.ConstantTicks, each, need vg.Length) {
	every := int(math.Ceil(float64(need / each)))
	for i := range ticks {
		if i%every != 0 {
			ticks[i].Label = ""
		}
	}
}

// guides are lines at the labelled ticks of the axes.
type guides struct{ x, y bool }

// Plot implements plot.Plotter.
func (g guides) Plot(c draw.Canvas, p *plot.Plot) {
	style := draw.LineStyle{Color: faint, Width: 0.5}
	if g.y {
		for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
			if y := c.Y(p.Y.Norm(t.Value)); !t.IsMinor() && c.ContainsY(y) {
				c.StrokeLine2(style, c.Min.X, y, c.Max.X, y)
			}
		}
	}
	if g.x {
		for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
			if x := c.X(p.X.Norm(t.Value)); !t.IsMinor() && c.ContainsX(x) {
				c.StrokeLine2(style, x, c.Min.Y, x, c.Max.Y)
			}
		}
	}
}
