package raster

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
)

func jpegHeader(b []byte) (Header, error) {
	config, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return Header{}, err
	}
	h := Header{H: config.Height, W: config.Width, C: 3}
	if config.ColorModel == color.GrayModel {
		h.C = 1
	}
	if orientation(b) > 1 {
		h.Traits |= Rotated
	}
	return h, nil
}

func jpegDecode(r contextReader, _ []byte, _ Header) (image.Image, error) { return jpeg.Decode(r) }

// orientation is the EXIF orientation of a JPEG file, 1 to 8 (CIPA DC-008, 4.6.5.1); 0 if it has none.
func orientation(b []byte) int {
	for at := 2; at+4 <= len(b) && b[at] == 0xff && b[at+1] != 0xda; {
		end := at + 2 + int(binary.BigEndian.Uint16(b[at+2:]))
		if end > len(b) {
			return 0
		}
		if exif, ok := bytes.CutPrefix(b[min(at+4, end):end], []byte("Exif\x00\x00")); ok && b[at+1] == 0xe1 {
			d, err := readDirectory(exif)
			if err != nil {
				return 0
			}
			return int(d.value(tagOrientation, 0))
		}
		at = end
	}
	return 0
}

// jpegRows returns a function that writes a row of a JPEG image as RGB. Go's own conversion repeats each chroma sample over the pixels
// that share it; libjpeg, and so TensorFlow, Pillow and the papers, interpolates ("fancy upsampling"). On CIFAR-10 as Hugging Face
// publishes it the difference is more than one grey level on average, so this follows libjpeg.
func jpegRows(p *Picture, img *image.YCbCr) func(y int) {
	origin := img.Bounds().Min
	cb, cr := chroma(img.Cb, img), chroma(img.Cr, img)
	return func(y int) {
		for x := range p.W {
			k := y*p.W + x
			light := img.Y[img.YOffset(origin.X+x, origin.Y+y)]
			p.Pix[3*k], p.Pix[3*k+1], p.Pix[3*k+2] = color.YCbCrToRGB(light, cb[k], cr[k])
		}
	}
}

// chroma scales one of the image's chroma planes to [h w], as jdsample.c does: an output sample is a quarter of the way from its own
// chroma sample to the next on its side, in each direction that is halved, with a rounding that alternates to avoid bias. Ratios
// other than 4:2:2 and 4:2:0, and planes up to two samples wide, are repeated.
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
