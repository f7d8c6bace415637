package data

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// gap is the width of the lines between the images of a montage, in pixels.
const gap = 2

// Montage lays n images [n h w c] of values in [-1, 1], with 1 or 3 channels, on a sheet of cols columns, left to right and top to
// bottom. Values outside are clipped; a NaN is drawn in magenta, so that it is visible. It panics if x has another length, or the images
// have another number of channels.
func Montage(x []float32, n, h, w, c, cols int) *image.NRGBA {
	if len(x) != n*h*w*c || c != 1 && c != 3 || cols < 1 {
		panic(fmt.Sprintf("data: montage of %d images of %d x %d x %d in %d columns: got %d values", n, h, w, c, cols, len(x)))
	}
	rows := (n + cols - 1) / cols
	sheet := image.NewNRGBA(image.Rect(0, 0, cols*(w+gap)+gap, rows*(h+gap)+gap))
	for i := range sheet.Pix {
		sheet.Pix[i] = 255
	}
	for k := range n {
		left, top := gap+k%cols*(w+gap), gap+k/cols*(h+gap)
		for i := range h {
			for j := range w {
				pixel := x[((k*h+i)*w+j)*c:][:c]
				sheet.SetNRGBA(left+j, top+i, shade(pixel[0], pixel[c/2], pixel[c-1]))
			}
		}
	}
	return sheet
}

func shade(r, g, b float32) color.NRGBA {
	if r != r || g != g || b != b {
		return color.NRGBA{255, 0, 255, 255}
	}
	return color.NRGBA{toByte(r), toByte(g), toByte(b), 255}
}

// toByte is the inverse of a set's scaling: exact for all 256 bytes.
func toByte(x float32) uint8 {
	return uint8(math.Round(min(max((float64(x)+1)*127.5, 0), 255)))
}

// Scatter draws n points [n 2] on a square sheet of size x size pixels that shows [-reach, reach] each way, y up. Points outside
// are left out.
func Scatter(x []float32, n, size int, reach float64) *image.NRGBA {
	if len(x) != 2*n || size < 1 || !(reach > 0) {
		panic(fmt.Sprintf("data: scatter of %d points over %g in %d pixels: got %d values", n, reach, size, len(x)))
	}
	sheet := image.NewNRGBA(image.Rect(0, 0, size, size))
	for i := range sheet.Pix {
		sheet.Pix[i] = 255
	}
	at := func(v float64) int { return int(math.Floor((v/reach + 1) / 2 * float64(size))) }
	for k := range n {
		j, i := at(float64(x[2*k])), at(-float64(x[2*k+1]))
		if p := image.Pt(j, i); p.In(sheet.Rect) {
			sheet.SetNRGBA(j, i, color.NRGBA{0, 0, 0, 255})
		}
	}
	return sheet
}

// Sheet draws n images like those of the set in about a square, or n points as a scatter plot with a margin around the points of the
// set.
func (s *Set) Sheet(x []float32, n int) *image.NRGBA {
	if s.Shape().Points() {
		reach := float32(0)
		for _, v := range s.F32 {
			reach = max(reach, v, -v)
		}
		return Scatter(x, n, 256, 1.25*float64(reach))
	}
	cols := 1
	for cols*cols < n {
		cols++
	}
	return Montage(x, n, s.H, s.W, s.C, cols)
}
