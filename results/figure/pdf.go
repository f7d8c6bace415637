package figure

import (
	"bytes"
	"image"
	"image/color"
	imagedraw "image/draw"
	"io"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	imagefont "golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgpdf"
)

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

// FillString writes text in the encoding of the fonts of vgpdf. What that lacks, such as Greek letters, is drawn as the outlines of its
// glyphs.
func (c pdfCanvas) FillString(face font.Face, at vg.Point, text string) {
	if encoded, err := charmap.Windows1252.NewEncoder().String(text); err == nil {
		c.Canvas.FillString(face, at, encoded)
		return
	}
	if outlines, err := outlined(face, at, text); err == nil {
		c.Fill(outlines)
	}
}

// outlined is a text as the outlines of its glyphs; those that the font lacks are boxes.
func outlined(face font.Face, at vg.Point, text string) (path vg.Path, err error) {
	var buffer sfnt.Buffer
	units := fixed.I(int(face.Face.UnitsPerEm()))
	scale := face.Font.Size / vg.Length(face.Face.UnitsPerEm())
	place := func(p fixed.Point26_6) vg.Point { // its vertical axis points down
		return vg.Point{X: at.X + scale*vg.Length(p.X)/64, Y: at.Y - scale*vg.Length(p.Y)/64}
	}
	for _, r := range text {
		glyph, err := face.Face.GlyphIndex(&buffer, r)
		if err != nil {
			return nil, err
		}
		segments, err := face.Face.LoadGlyph(&buffer, glyph, units, nil)
		if err != nil {
			return nil, err
		}
		for _, s := range segments {
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				path.Move(place(s.Args[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(place(s.Args[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(place(s.Args[0]), place(s.Args[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(place(s.Args[0]), place(s.Args[1]), place(s.Args[2]))
			}
		}
		advance, err := face.Face.GlyphAdvance(&buffer, glyph, units, imagefont.HintingNone)
		if err != nil {
			return nil, err
		}
		at.X += scale * vg.Length(advance) / 64
	}
	return path, nil
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
