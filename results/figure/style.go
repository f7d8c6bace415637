package figure

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// textSize is that of labels; numbers at ticks are as large, so that no text of a figure becomes too small in a column of a paper.
const textSize = vg.Length(8.5)

// tone is ink of some strength, out of 255: black on paper, and the colour of the text in a page.
type tone uint8

const (
	ink   tone = 255
	quiet tone = 160 // ticks and what else should not catch the eye
	faint tone = 40  // lines to guide it
	shade tone = 15  // regions
)

func (t tone) opacity() float64 { return float64(t) / 255 }

// RGBA is the ink on white, without transparency.
func (t tone) RGBA() (r, g, b, a uint32) {
	v := uint32(255-t) * 0x101
	return v, v, v, 0xffff
}

// ground is the colour of the paper.
var ground = color.NRGBA{R: 255, G: 255, B: 255, A: 255}

// hues are colours that colour-blind people tell apart (Okabe and Ito 2008), without black, which is the ink, and yellow, which cannot be
// seen on white.
var hues = []color.NRGBA{{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}, {230, 159, 0, 255},
	{86, 180, 233, 255}}

// viridis are points of the colour map of this name (van der Walt and Smith 2015), without its darkest and lightest part, so that each
// is seen on white and on black.
var viridis = []color.NRGBA{{70, 50, 126, 255}, {54, 92, 141, 255}, {39, 127, 142, 255}, {31, 161, 135, 255}, {74, 193, 109, 255},
	{160, 204, 50, 255}}

// gradient is the colour at a place from 0 to 1 in viridis.
func gradient(at float64) color.NRGBA {
	at = min(max(at, 0), 1) * float64(len(viridis)-1)
	i := min(int(at), len(viridis)-2)
	part := at - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(float64(a)*(1-part) + float64(b)*part + 0.5) }
	a, b := viridis[i], viridis[i+1]
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

// clear is a colour of which part is transparent.
func clear(c color.NRGBA, opacity float64) color.NRGBA {
	c.A = uint8(255*opacity + 0.5)
	return c
}

var (
	shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, diamond{}, draw.CrossGlyph{}, draw.PlusGlyph{},
		draw.RingGlyph{}}
	dashes = [][]vg.Length{nil, {5, 2}, {1.5, 1.5}, {6, 2, 1.5, 2}, {9, 3}, {3, 1, 1, 1}}
)

// diamond is a square on its corner.
type diamond struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (diamond) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	r := s.Radius * 1.2
	c.FillPolygon(s.Color, []vg.Point{{X: at.X - r, Y: at.Y}, {X: at.X, Y: at.Y - r}, {X: at.X + r, Y: at.Y}, {X: at.X, Y: at.Y + r}})
}

// write is the style of text.
func write(size vg.Length, c color.Color) text.Style {
	return text.Style{Color: c, Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size), Handler: plot.DefaultTextHandler}
}

// newPlot is a plot without data. Its axes are lines of quiet ink at the left and at the bottom, with lines to guide the eye.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil // the canvas has one
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Tick.Label.Font = write(textSize, quiet).Font
		a.Tick.Label.Color = quiet
		a.Tick.LineStyle = draw.LineStyle{Color: quiet, Width: 0.5}
		a.Tick.Length = 3
		a.LineStyle = draw.LineStyle{Color: quiet, Width: 0.5}
		a.Padding = 0
	}
	p.Legend = plot.NewLegend()
	return p
}

// mark is how a level is drawn.
type mark struct {
	color color.NRGBA
	shape draw.GlyphDrawer
	dash  []vg.Length
}

func (m mark) glyph(radius vg.Length) draw.GlyphStyle {
	return draw.GlyphStyle{Color: m.color, Radius: radius, Shape: m.shape}
}

func (m mark) line(width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: m.color, Width: width, Dashes: m.dash}
}

// marks are n marks to be told apart: by hue and shape or, for levels with an order, by colours in the same order and by shape.
func marks(n int, ordered bool) []mark {
	list := make([]mark, n)
	for i := range list {
		list[i] = mark{hues[i%len(hues)], shapes[(i+i/len(hues))%len(shapes)], dashes[(i+i/len(hues))%len(dashes)]}
		if ordered && n > 2 {
			list[i].color = gradient(float64(i) / float64(n-1))
		}
	}
	return list
}
