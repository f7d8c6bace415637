package report

import (
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"
)

// spot is a place in a drawing, in the units of the data.
type spot struct{ x, y float64 }

// curve is a metric over epochs.
type curve []spot

func (s spot) finite() bool { return !math.IsNaN(s.y) && !math.IsInf(s.y, 0) }

var colours = []string{"#c2410c", "#1d4ed8", "#15803d", "#7e22ce"}

// chart draws curves as SVG, on one scale and each in another colour, over epochs 1 to n.
func chart(curves map[string]curve, n, height int) template.HTML {
	const width, left, right, pad = 300, 44, 8, 8
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, s := range c {
			if s.finite() {
				lo, hi = min(lo, s.y), max(hi, s.y)
			}
		}
	}
	if lo > hi {
		return ""
	}
	top, bottom := hi, lo
	if lo == hi {
		top, bottom = lo+1, hi-1
	}
	at := func(s spot) string {
		x := left + (s.x-1)/float64(max(1, n-1))*(width-left-right)
		y := pad + (top-s.y)/(top-bottom)*float64(height-2*pad)
		return fmt.Sprintf("%.1f,%.1f", x, y)
	}
	var b strings.Builder
	total := height + 18*len(curves)
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" width="%d" height="%d" role="img">`, width, total, width, total)
	fmt.Fprintf(&b, `<text x="0" y="12" class="tick">%.3g</text>`, hi)
	if lo < hi {
		fmt.Fprintf(&b, `<text x="0" y="%d" class="tick">%.3g</text>`, height-4, lo)
	}
	for i, name := range slices.Sorted(maps.Keys(curves)) {
		colour := colours[i%len(colours)]
		var points []string
		for _, s := range curves[name] {
			if s.finite() {
				points = append(points, at(s))
			}
		}
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`, colour, strings.Join(points, " "))
		if len(points) == 1 { // a line of one point cannot be seen
			x, y, _ := strings.Cut(points[0], ",")
			fmt.Fprintf(&b, `<circle cx="%s" cy="%s" r="2" fill="%s"/>`, x, y, colour)
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s" class="key">%s</text>`, left, height+12+18*i, colour, template.HTMLEscapeString(name))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// ticks returns about five round numbers from lo to hi.
func ticks(lo, hi float64) (at []float64) {
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/5)))
	for _, times := range []float64{2, 2.5, 2} { // 2, 5, 10
		if (hi-lo)/step > 6 {
			step *= times
		}
	}
	for i := math.Ceil(lo / step); i*step <= hi; i++ {
		at = append(at, i*step)
	}
	return at
}
