package figure

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	imagedraw "image/draw"
	"io"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
)

// Theme says what page an SVG is drawn for.
type Theme int

// The themes. Inline is for pages that hold the SVG as an element: its ink is the colour of the text around it, and it has no ground.
const (
	Light Theme = iota
	Dark
	Inline
)

// SVG writes the figure as an SVG with its title and its text alternative.
func (f *Figure) SVG(w io.Writer, theme Theme) error {
	size := f.size()
	c := newSVG(size, theme)
	f.draw(draw.NewCanvas(c, size.X, size.Y))
	return c.write(w, f.Title, f.Alt)
}

// The resolutions of pixels.
const (
	LeastDPI = 10
	MostDPI  = 1200
)

// PNG writes the figure as pixels, on white.
func (f *Figure) PNG(w io.Writer, dpi int) error {
	if dpi < LeastDPI || dpi > MostDPI {
		return fmt.Errorf("dpi: got %d, want %d to %d", dpi, LeastDPI, MostDPI)
	}
	size := f.size()
	c := vgimg.NewWith(vgimg.UseWH(size.X, size.Y), vgimg.UseDPI(dpi))
	f.draw(draw.NewCanvas(c, size.X, size.Y))
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

// timeless makes documents without the time at which they were made.
var timeless = sync.OnceFunc(func() {
	fpdf.SetDefaultCreationDate(time.Unix(0, 0).UTC())
	fpdf.SetDefaultModificationDate(time.Unix(0, 0).UTC())
	fpdf.SetDefaultCatalogSort(true)
})

// PDF writes the figure as a document of one page, with its fonts.
func (f *Figure) PDF(w io.Writer) error {
	timeless()
	size := f.size()
	c := vgpdf.New(size.X, size.Y)
	f.draw(draw.NewCanvas(pdfCanvas{c, map[int]bool{}}, size.X, size.Y))
	var page bytes.Buffer // the writer panics where a write fails
	if _, err := c.WriteTo(&page); err != nil {
		return err
	}
	_, err := page.WriteTo(w)
	return err
}

// pdfCanvas is vgpdf's, which takes the colours of translucent ink as they are, and not premultiplied.
type pdfCanvas struct {
	*vgpdf.Canvas
	widths map[int]bool // of the pictures drawn
}

// DrawImage gives each picture a width that no other has, by transparent columns: the writer sorts pictures by their widths, and those of
// equal widths are in any order.
func (c pdfCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	b := img.Bounds()
	wide := b.Dx()
	for c.widths[wide] {
		wide++
	}
	c.widths[wide] = true
	padded := image.NewNRGBA(image.Rect(0, 0, wide, b.Dy()))
	imagedraw.Draw(padded, image.Rect(0, 0, b.Dx(), b.Dy()), img, b.Min, imagedraw.Src)
	r.Max.X = r.Min.X + r.Size().X*vg.Length(wide)/vg.Length(b.Dx())
	c.Canvas.DrawImage(r, padded)
}

func (c pdfCanvas) SetColor(clr color.Color) {
	c.Canvas.SetColor(straight(color.NRGBAModel.Convert(clr).(color.NRGBA)))
}

// straight is a colour that returns its components without premultiplication.
type straight color.NRGBA

func (s straight) RGBA() (r, g, b, a uint32) {
	return uint32(s.R) * 0x101, uint32(s.G) * 0x101, uint32(s.B) * 0x101, uint32(s.A) * 0x101
}

var _ vg.Canvas = pdfCanvas{}
