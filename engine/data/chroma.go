package data

import (
	"image"
	"image/color"
)

// toRGB writes a JPEG image as [h w 3]. Go's own conversion repeats each chroma sample over the pixels that share it; libjpeg, and
// so TensorFlow, Pillow and the papers, interpolates ("fancy upsampling"). On CIFAR-10 as Hugging Face publishes it that is more
// than one grey level on average, so this does as libjpeg does.
func toRGB(dst []uint8, img *image.YCbCr) {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	cb, cr := chroma(img.Cb, img), chroma(img.Cr, img)
	for y := range h {
		for x := range w {
			k := y*w + x
			light := img.Y[img.YOffset(b.Min.X+x, b.Min.Y+y)]
			dst[3*k], dst[3*k+1], dst[3*k+2] = color.YCbCrToRGB(light, cb[k], cr[k])
		}
	}
}

// chroma brings one of the image's chroma planes to [h w], as jdsample.c does: an output sample lies a quarter of the way from its
// own chroma sample to the next on its side, in each direction that is halved, with a rounding that alternates so as to have no
// bias. Ratios other than 4:2:2 and 4:2:0, and planes up to two samples wide, are repeated.
func chroma(plane []uint8, img *image.YCbCr) []uint8 {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	out := make([]uint8, w*h)
	columns := (w + 1) / 2
	shift, even, odd := 2, 1, 2
	switch {
	case columns > 2 && img.SubsampleRatio == image.YCbCrSubsampleRatio422:
	case columns > 2 && img.SubsampleRatio == image.YCbCrSubsampleRatio420:
		shift, even, odd = 4, 8, 7
	default:
		for k := range out {
			out[k] = plane[img.COffset(b.Min.X+k%w, b.Min.Y+k/w)]
		}
		return out
	}
	sums := make([]int, columns) // one row, weighted vertically
	for y := range h {
		if img.SubsampleRatio == image.YCbCrSubsampleRatio422 {
			for j := range sums {
				sums[j] = int(plane[y*img.CStride+j])
			}
		} else {
			near, far := y/2, min(max(y/2-1+y%2*2, 0), (h+1)/2-1)
			for j := range sums {
				sums[j] = 3*int(plane[near*img.CStride+j]) + int(plane[far*img.CStride+j])
			}
		}
		for x := range w {
			j := x / 2
			if x%2 == 0 {
				out[y*w+x] = uint8((3*sums[j] + sums[max(j-1, 0)] + even) >> shift)
			} else {
				out[y*w+x] = uint8((3*sums[j] + sums[min(j+1, columns-1)] + odd) >> shift)
			}
		}
	}
	return out
}
