package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// The drawing, in pixels: a plot with room for its axes, and the legend on the right.
const (
	plotLeft, plotTop      = 62, 14
	plotWidth, plotHeight  = 520, 340
	legendLeft             = plotLeft + plotWidth + 24
	scatterWidth           = legendLeft + 170
	scatterHeight          = plotTop + plotHeight + 48
	most                   = 8 // values of a hyperparameter with distinct colours
	otherColour, lineColor = "#a8a29e", "#1c1917"
)

// palette is that of Okabe and Ito, whose colours most people can distinguish, with a purple and a brown.
var palette = [most]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6d28d9", "#78350f"}

// scatter is a plot of trials by their first two objectives.
type scatter struct {
	meta   results.Meta
	rows   []results.Row
	points [][]float64 // x and y of each row
	front  []int       // those that no other dominates, from left to right
	lo, hi [2]float64  // the edges of the plot
	keys   []any       // the first hyperparameter's values that have colours
	more   bool        // it has more values
}

func newScatter(m results.Meta, rows []results.Row) (*scatter, error) {
	p := &scatter{meta: m, rows: rows}
	for i, row := range rows {
		point := []float64{row[m.Objectives[0].Metric].(float64), row[m.Objectives[1].Metric].(float64)}
		p.points = append(p.points, point)
		for axis, v := range point {
			if i == 0 {
				p.lo[axis], p.hi[axis] = v, v
			}
			p.lo[axis], p.hi[axis] = min(p.lo[axis], v), max(p.hi[axis], v)
		}
	}
	for axis := range p.lo {
		room := 0.06 * (p.hi[axis] - p.lo[axis])
		if room == 0 {
			room = max(1e-3, 0.1*p.hi[axis], -0.1*p.hi[axis])
		}
		p.lo[axis], p.hi[axis] = p.lo[axis]-room, p.hi[axis]+room
	}
	var err error
	if p.front, err = staircase(p.points, m.Objectives[:2]); err != nil {
		return nil, err
	}
	slices.SortFunc(p.front, func(a, b int) int { return cmp.Compare(p.points[a][0], p.points[b][0]) })
	p.choose()
	return p, nil
}

// choose selects the values of the first hyperparameter that get colours.
func (p *scatter) choose() {
	if len(p.meta.Columns) == 0 {
		return
	}
	for _, row := range p.rows {
		if v := row[p.meta.Columns[0].Name]; !slices.Contains(p.keys, v) {
			p.keys = append(p.keys, v)
		}
	}
	slices.SortFunc(p.keys, func(a, b any) int {
		x, numberX := asNumber(a)
		y, numberY := asNumber(b)
		if numberX && numberY {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	if len(p.keys) > most {
		p.keys, p.more = p.keys[:most], true
	}
}

func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

func (p *scatter) colour(row results.Row) string {
	if len(p.meta.Columns) == 0 {
		return palette[0]
	}
	if i := slices.Index(p.keys, row[p.meta.Columns[0].Name]); i >= 0 {
		return palette[i]
	}
	return otherColour
}

// at is the place of a point in the drawing.
func (p *scatter) at(x, y float64) (px, py float64) {
	return plotLeft + (x-p.lo[0])/(p.hi[0]-p.lo[0])*plotWidth, plotTop + (p.hi[1]-y)/(p.hi[1]-p.lo[1])*plotHeight
}

func (p *scatter) draw() template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" width="%d" height="%d" role="img" class="scatter">`, scatterWidth, scatterHeight, scatterWidth,
		scatterHeight)
	p.axes(&b)
	p.line(&b)
	for _, dark := range []bool{false, true} { // the front on top
		for i, row := range p.rows {
			if (integer(row["rank"]) == 1) == dark {
				p.dot(&b, i)
			}
		}
	}
	p.legend(&b)
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// axes draws the frame with round numbers and the better directions.
func (p *scatter) axes(b *strings.Builder) {
	right, bottom := plotLeft+plotWidth, plotTop+plotHeight
	for _, v := range ticks(p.lo[0], p.hi[0]) {
		x, _ := p.at(v, 0)
		fmt.Fprintf(b, `<path d="M%.1f %dV%d" class="grid"/><text x="%.1f" y="%d" class="tick" text-anchor="middle">%.4g</text>`, x, plotTop,
			bottom, x, bottom+14, v)
	}
	for _, v := range ticks(p.lo[1], p.hi[1]) {
		_, y := p.at(0, v)
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" class="grid"/><text x="%d" y="%.1f" class="tick" text-anchor="end">%.4g</text>`, plotLeft, y, right,
			plotLeft-6, y+3, v)
	}
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#78716c"/>`, plotLeft, plotTop, plotWidth, plotHeight)
	arrow := func(o results.Objective, less, more string) string {
		if o.Direction == pareto.Max {
			less = more
		}
		return template.HTMLEscapeString(fmt.Sprintf("%s, better %s", o.Metric, less))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" class="key" text-anchor="middle">%s</text>`, plotLeft+plotWidth/2, bottom+36,
		arrow(p.meta.Objectives[0], "←", "→"))
	fmt.Fprintf(b, `<text transform="translate(14 %d) rotate(-90)" class="key" text-anchor="middle">%s</text>`, plotTop+plotHeight/2,
		arrow(p.meta.Objectives[1], "←", "→"))
}

// line draws the boundary of the region that the front dominates: steps from point to point with their corners on the worse
// side, up to the frame.
func (p *scatter) line(b *strings.Builder) {
	worse := plotTop // of the second objective
	if p.meta.Objectives[1].Direction == pareto.Max {
		worse = plotTop + plotHeight
	}
	var path strings.Builder
	better := p.meta.Objectives[0].Direction == pareto.Min // left is better: the line comes from below or above, and leaves to the right
	if better {
		x, _ := p.at(p.points[p.front[0]][0], 0)
		fmt.Fprintf(&path, "M%.1f %d", x, worse)
	} else {
		_, y := p.at(0, p.points[p.front[0]][1])
		fmt.Fprintf(&path, "M%d %.1f", plotLeft, y)
	}
	for _, i := range p.front {
		x, y := p.at(p.points[i][0], p.points[i][1])
		if better {
			fmt.Fprintf(&path, "H%.1fV%.1f", x, y)
		} else {
			fmt.Fprintf(&path, "V%.1fH%.1f", y, x)
		}
	}
	if better {
		fmt.Fprintf(&path, "H%d", plotLeft+plotWidth)
	} else {
		fmt.Fprintf(&path, "V%d", worse)
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.3"/>`, path.String(), lineColor)
}

func (p *scatter) dot(b *strings.Builder, i int) {
	row := p.rows[i]
	x, y := p.at(p.points[i][0], p.points[i][1])
	style := `r="4" fill-opacity=".35"`
	if integer(row["rank"]) == 1 {
		style = `r="5.5" stroke="` + lineColor + `"`
	}
	var about []string
	for _, o := range p.meta.Objectives {
		about = append(about, fmt.Sprintf("%s %s", o.Metric, value(row[o.Metric])))
	}
	seed, _ := row["seed"].(int64)
	about = append(about, p.meta.Label(row, seed))
	fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" %s fill="%s"><title>%s</title></circle>`, x, y, style, p.colour(row),
		template.HTMLEscapeString(plain.Line(strings.Join(about, ", "))))
}

func (p *scatter) legend(b *strings.Builder) {
	y := plotTop + 10
	entry := func(mark, text string) {
		fmt.Fprintf(b, `<g transform="translate(%d %d)">%s<text x="14" y="4" class="key">%s</text></g>`, legendLeft, y, mark,
			template.HTMLEscapeString(plain.Line(text)))
		y += 20
	}
	entry(`<circle r="5.5" fill="#fff" stroke="`+lineColor+`"/>`, "on the front")
	entry(`<circle r="4" fill="#78716c" fill-opacity=".35"/>`, "dominated")
	if len(p.keys) == 0 {
		return
	}
	y += 8
	fmt.Fprintf(b, `<text x="%d" y="%d" class="key">%s</text>`, legendLeft-6, y+4, template.HTMLEscapeString(p.meta.Columns[0].Name))
	y += 20
	for i, key := range p.keys {
		entry(`<circle r="5" fill="`+palette[i]+`"/>`, fmt.Sprint(key))
	}
	if p.more {
		entry(`<circle r="5" fill="`+otherColour+`"/>`, "others")
	}
}
