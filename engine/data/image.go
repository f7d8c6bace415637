package data

import (
	"fmt"
	"image"
)

// Image converts one image [h w c] of values in [-1, 1], with 1 or 3 channels, to bytes, which is the inverse of Batch. Values outside
// are clipped. It panics if x has another length, or the image another number of channels.
func Image(x []float32, h, w, c int) image.Image {
	if len(x) != h*w*c || c != 1 && c != 3 {
		panic(fmt.Sprintf("data: image of %d x %d x %d: got %d values", h, w, c, len(x)))
	}
	if c == 1 {
		grey := image.NewGray(image.Rect(0, 0, w, h))
		for i, v := range x {
			grey.Pix[i] = toByte(v)
		}
		return grey
	}
	colour := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range h * w {
		colour.SetNRGBA(i%w, i/w, shade(x[3*i], x[3*i+1], x[3*i+2]))
	}
	return colour
}
