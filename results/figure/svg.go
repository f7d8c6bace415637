package figure

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// svgCanvas draws SVG for pages: small (numbers with one decimal, no fonts, runs of equal strokes as one path), in the colours of the page
// around it, and with a text alternative. The one that comes with gonum/plot offers none of these.
type svgCanvas struct {
	size  vg.Point
	theme Theme
	body  bytes.Buffer
	now   svgState
	stack []svgState

	strokes string          // the style of the strokes in path
	path    strings.Builder // strokes that were not written yet
	err     error
}

// svgState is what Push saves.
type svgState struct {
	color          color.Color
	width          vg.Length
	dash           string
	a, b, c, d     float64 // the transformation: x' = ax + cy + e, y' = bx + dy + f
	e, f           float64
	rotation, zoom float64
}

func newSVG(size vg.Point, theme Theme) *svgCanvas {
	// The origin of SVG is at the top left.
	return &svgCanvas{size: size, theme: theme, now: svgState{color: ink, width: 1, a: 1, d: -1, f: size.Y.Points(), zoom: 1}}
}

func (c *svgCanvas) Size() (x, y vg.Length)   { return c.size.X, c.size.Y }
func (c *svgCanvas) SetLineWidth(w vg.Length) { c.now.width = w }
func (c *svgCanvas) SetColor(clr color.Color) { c.now.color = clr }
func (c *svgCanvas) Push()                    { c.stack = append(c.stack, c.now) }
func (c *svgCanvas) Pop()                     { c.now, c.stack = c.stack[len(c.stack)-1], c.stack[:len(c.stack)-1] }
func (c *svgCanvas) SetLineDash(d []vg.Length, _ vg.Length) {
	parts := make([]string, len(d))
	for i, x := range d {
		parts[i] = decimal(x.Points())
	}
	c.now.dash = strings.Join(parts, " ")
}

func (c *svgCanvas) Translate(p vg.Point) {
	s := &c.now
	s.e, s.f = s.at(p)
}

func (c *svgCanvas) Scale(x, y float64) {
	s := &c.now
	s.a, s.b, s.c, s.d = s.a*x, s.b*x, s.c*y, s.d*y
	s.zoom *= x
}

func (c *svgCanvas) Rotate(rad float64) {
	s := &c.now
	sin, cos := math.Sincos(rad)
	s.a, s.b, s.c, s.d = s.a*cos+s.c*sin, s.b*cos+s.d*sin, s.c*cos-s.a*sin, s.d*cos-s.b*sin
	s.rotation += rad
}

// at is the place of a point on the page.
func (s *svgState) at(p vg.Point) (x, y float64) {
	return s.a*p.X.Points() + s.c*p.Y.Points() + s.e, s.b*p.X.Points() + s.d*p.Y.Points() + s.f
}

// decimal is a number with at most one decimal.
func decimal(x float64) string {
	x = math.Round(10*x) / 10
	if x == 0 {
		return "0" // and not -0
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// pair is a point of a path; the sign of the second number separates it from the first where it has one.
func pair(x, y float64) string {
	second := decimal(y)
	if strings.HasPrefix(second, "-") {
		return decimal(x) + second
	}
	return decimal(x) + " " + second
}

// paint is the attribute of a colour.
func (c *svgCanvas) paint(attribute string) string {
	text, opacity := c.hex(c.now.color)
	if opacity < 1 {
		return fmt.Sprintf(` %s="%s" %s-opacity="%s"`, attribute, text, attribute, strconv.FormatFloat(opacity, 'g', 2, 64))
	}
	return fmt.Sprintf(` %s="%s"`, attribute, text)
}

// hex is a colour in the theme, and its opacity.
func (c *svgCanvas) hex(clr color.Color) (text string, opacity float64) {
	if t, isTone := clr.(tone); isTone {
		switch c.theme {
		case Inline:
			return "currentColor", t.opacity()
		case Dark:
			return "#f5f5f4", t.opacity()
		}
	}
	if clr == color.Color(ground) {
		switch c.theme {
		case Inline:
			return "var(--ground,#fff)", 1
		case Dark:
			return "#1c1917", 1
		}
	}
	n := color.NRGBAModel.Convert(clr).(color.NRGBA)
	if c.theme == Dark { // hues are made for paper
		for _, v := range []*uint8{&n.R, &n.G, &n.B} {
			*v = uint8(min(255, 1.3*float64(*v)))
		}
	}
	return fmt.Sprintf("#%02x%02x%02x", n.R, n.G, n.B), float64(n.A) / 255
}

func (c *svgCanvas) Stroke(p vg.Path) {
	if c.now.width <= 0 {
		return
	}
	style := c.paint("stroke") + ` stroke-width="` + decimal(c.now.width.Points()*c.now.zoom) + `"`
	if c.now.dash != "" {
		style += ` stroke-dasharray="` + c.now.dash + `"`
	}
	if style != c.strokes {
		c.flush()
		c.strokes = style
	}
	c.path.WriteString(c.data(p))
}

// flush writes the strokes of the same style that were gathered.
func (c *svgCanvas) flush() {
	if c.path.Len() > 0 {
		fmt.Fprintf(&c.body, `<path fill="none"%s d="%s"/>`, c.strokes, c.path.String())
		c.path.Reset()
	}
}

func (c *svgCanvas) Fill(p vg.Path) {
	c.flush()
	if len(p) == 3 && p[1].Type == vg.ArcComp && p[2].Type == vg.CloseComp && p[1].Angle >= 2*math.Pi {
		x, y := c.now.at(p[1].Pos)
		fmt.Fprintf(&c.body, `<circle cx="%s" cy="%s" r="%s"%s/>`, decimal(x), decimal(y), decimal(p[1].Radius.Points()*c.now.zoom),
			c.paint("fill"))
		return
	}
	fmt.Fprintf(&c.body, `<path%s d="%s"/>`, c.paint("fill"), c.data(p))
}

// data is a path in the notation of SVG.
func (c *svgCanvas) data(p vg.Path) string {
	var b strings.Builder
	begun := false
	for _, part := range p {
		at := pair(c.now.at(part.Pos))
		switch part.Type {
		case vg.MoveComp:
			b.WriteString("M" + at)
		case vg.LineComp:
			b.WriteString("L" + at)
		case vg.ArcComp:
			c.arc(&b, part, begun)
		case vg.CurveComp:
			letter := "Q"
			if len(part.Control) == 2 {
				letter = "C"
			}
			for _, k := range part.Control {
				b.WriteString(letter + pair(c.now.at(k)))
				letter = " "
			}
			b.WriteString(" " + at)
		case vg.CloseComp:
			b.WriteString("Z")
		}
		begun = true
	}
	return b.String()
}

// arc writes an arc in two halves, since SVG has no full circles.
func (c *svgCanvas) arc(b *strings.Builder, part vg.PathComp, begun bool) {
	on := func(angle float64) string {
		sin, cos := math.Sincos(angle)
		return pair(c.now.at(vg.Point{X: part.Pos.X + part.Radius*vg.Length(cos), Y: part.Pos.Y + part.Radius*vg.Length(sin)}))
	}
	move := "L"
	if !begun {
		move = "M"
	}
	sweep := 0 // counterclockwise on the page, whose y points down
	if part.Angle < 0 {
		sweep = 1
	}
	r := decimal(part.Radius.Points() * c.now.zoom)
	fmt.Fprintf(b, "%s%sA%s %s 0 0 %d %sA%s %s 0 0 %d %s", move, on(part.Start), r, r, sweep, on(part.Start+part.Angle/2), r, r, sweep,
		on(part.Start+part.Angle))
}

func (c *svgCanvas) FillString(f font.Face, at vg.Point, text string) {
	c.flush()
	x, y := c.now.at(at)
	place := fmt.Sprintf(` x="%s" y="%s"`, decimal(x), decimal(y))
	if c.now.rotation != 0 {
		place = fmt.Sprintf(` transform="translate(%s)rotate(%s)"`, pair(x, y), decimal(-c.now.rotation*180/math.Pi))
	}
	if c.now.color != color.Color(ink) {
		place += c.paint("fill")
	}
	if size := f.Font.Size.Points() * c.now.zoom; size != textSize.Points() {
		place += ` font-size="` + decimal(size) + `"`
	}
	// The layout knows the width in its own font. A page that has another squeezes the text into it.
	if width := (f.Width(text) * vg.Length(c.now.zoom)).Points(); width > longText.Points() {
		place += fmt.Sprintf(` textLength="%s" lengthAdjust="spacingAndGlyphs"`, decimal(width))
	}
	fmt.Fprintf(&c.body, "<text%s>%s</text>", place, escape(text))
}

// longText is the width from which a text in a wider font could run into what is beside it.
const longText vg.Length = 40

// escape makes any text part of an XML document.
func escape(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(plain.Line(text))); err != nil {
		return ""
	}
	return b.String()
}

func (c *svgCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	c.flush()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		c.err = err
		return
	}
	x, y := c.now.at(vg.Point{X: r.Min.X, Y: r.Max.Y})
	fmt.Fprintf(&c.body, `<image x="%s" y="%s" width="%s" height="%s" style="image-rendering:pixelated" href="data:image/png;base64,%s"/>`,
		decimal(x), decimal(y), decimal(r.Size().X.Points()), decimal(r.Size().Y.Points()), base64.StdEncoding.EncodeToString(b.Bytes()))
}

// write writes the document.
func (c *svgCanvas) write(w io.Writer, title, alt string) error {
	c.flush()
	if c.err != nil {
		return c.err
	}
	previous := c.now.color
	c.now.color = ink
	inkPaint := c.paint("fill")
	c.now.color = ground
	groundPaint := c.paint("fill")
	c.now.color = previous
	width, height := decimal(c.size.X.Points()), decimal(c.size.Y.Points())
	if c.theme == Inline {
		groundPaint = ` fill="none"`
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 %s %s" width="%spt" height="%spt"`+
		` font-family="Liberation Sans,Arial,Helvetica,sans-serif" font-size="%s"%s><title>%s</title><desc>%s</desc>`+
		`<path%s d="M0 0H%sV%sH0Z"/>%s</svg>`+"\n", width, height, width, height, decimal(textSize.Points()), inkPaint, escape(title),
		escape(alt), groundPaint, width, height, c.body.String())
	return err
}
