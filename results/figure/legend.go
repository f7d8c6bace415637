package figure

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// swatch says how an entry of a legend shows its mark.
type swatch int

const (
	swatchBox swatch = iota
	swatchPoint
	swatchLine
)

// legend explains marks. It stands above the plots, where it covers no data, in as many lines as it needs.
type legend struct {
	title   string
	entries []entry
}

type entry struct {
	text   string
	mark   mark
	swatch swatch
}

// legend explains the marks of the levels of a column; it is empty without a column.
func (o Options) legend(s scale, marks []mark, sw swatch) (l legend) {
	if s.column == "" {
		return l
	}
	l.title = o.name(s.column)
	for i, level := range s.levels {
		l.entries = append(l.entries, entry{level.text, marks[i], sw})
	}
	return l
}

const (
	legendLine  = vg.Length(13) // height of a line
	swatchWidth = vg.Length(16)
	legendGap   = vg.Length(12) // between entries
)

// layout places the entries in lines of a width; width and line of each.
func (l legend) layout(width vg.Length) (places []vg.Point, lines int) {
	style := write(textSize, ink)
	x, line := vg.Length(0), 0
	if l.title != "" {
		x = style.Width(l.title) + legendGap
	}
	for _, e := range l.entries {
		need := swatchWidth + style.Width(e.text)
		if x > 0 && x+need > width {
			x = 0
			line++
		}
		places = append(places, vg.Point{X: x, Y: vg.Length(line)})
		x += need + legendGap
	}
	return places, line + 1
}

// height is the height of the legend in a width.
func (l legend) height(width vg.Length) vg.Length {
	if len(l.entries) == 0 {
		return 0
	}
	_, lines := l.layout(width)
	return vg.Length(lines)*legendLine + 3
}

// draw draws the legend at the top of a canvas.
func (l legend) draw(c draw.Canvas) {
	if len(l.entries) == 0 {
		return
	}
	style := write(textSize, ink)
	places, _ := l.layout(c.Size().X)
	base := func(line vg.Length) vg.Length { return c.Max.Y - legendLine*line - legendLine + 3.5 }
	if l.title != "" {
		titled := write(textSize, quiet)
		c.FillText(titled, vg.Point{X: c.Min.X, Y: base(0)}, l.title)
	}
	for i, e := range l.entries {
		at := vg.Point{X: c.Min.X + places[i].X, Y: base(places[i].Y)}
		e.draw(&c, at)
		c.FillText(style, vg.Point{X: at.X + swatchWidth, Y: at.Y}, e.text)
	}
}

// draw draws the mark of an entry, left of its text.
func (e entry) draw(c *draw.Canvas, at vg.Point) {
	middle := vg.Point{X: at.X + swatchWidth/2 - 2, Y: at.Y + 3}
	switch e.swatch {
	case swatchPoint:
		c.DrawGlyphNoClip(e.mark.glyph(3), middle)
	case swatchLine:
		c.StrokeLine2(e.mark.line(1.5), at.X, middle.Y, at.X+swatchWidth-4, middle.Y)
	default:
		corners := []vg.Point{{X: at.X + 2, Y: at.Y - 0.5}, {X: at.X + 10, Y: at.Y - 0.5}, {X: at.X + 10, Y: at.Y + 6.5},
			{X: at.X + 2, Y: at.Y + 6.5}}
		c.FillPolygon(clear(e.mark.color, 0.35), corners)
		c.StrokeLines(draw.LineStyle{Color: e.mark.color, Width: 1}, append(corners, corners[0]))
	}
}
