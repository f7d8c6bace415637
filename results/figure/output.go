package figure

import (
	"fmt"
	"io"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
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
