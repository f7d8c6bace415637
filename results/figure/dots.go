package figure

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// mostVector is the number of points up to which each is an element of the drawing. More are drawn as a picture in it, since a page with
// tens of thousands of elements is slow.
const mostVector = 2000

// layer is where many points are drawn.
type layer struct {
	draw.Canvas
	shift   vg.Point      // of the layer from the canvas
	picture *vgimg.Canvas // nil if it is the canvas itself
}

// dots returns the layer of n points on a canvas.
func dots(c draw.Canvas, n int) layer {
	if n <= mostVector {
		return layer{Canvas: c}
	}
	p := vgimg.NewWith(vgimg.UseWH(c.Size().X, c.Size().Y), vgimg.UseDPI(200), vgimg.UseBackgroundColor(color.Transparent))
	return layer{draw.NewCanvas(p, c.Size().X, c.Size().Y), c.Min, p}
}

// show puts the picture, if there is one, onto the canvas.
func (l layer) show(c draw.Canvas) {
	if l.picture != nil {
		c.DrawImage(c.Rectangle, l.picture.Image())
	}
}
