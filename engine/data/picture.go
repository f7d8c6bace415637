package data

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/starsweep/starsweep/engine/data/raster"
)

// picture is one decoded image, [h w c] with c = 1 or 3 (points: 1 x 1 x 2). Exactly one of u8 and f32 is set; f32 is in its final
// scale.
type picture struct {
	header
	u8     []uint8
	f32    []float32
	traits raster.Traits
}

// header is the size of a picture.
type header struct{ h, w, c int }

func (d header) String() string { return fmt.Sprintf("%d x %d x %d", d.h, d.w, d.c) }

func (d header) size() int { return d.h * d.w * d.c }

// blank reports whether all pixels are equal.
func (p picture) blank() bool { return uniform(p.u8) && uniform(p.f32) }

func uniform[T comparable](xs []T) bool {
	return !slices.ContainsFunc(xs, func(x T) bool { return x != xs[0] })
}

// encodedHeader reads the size of an encoded picture: see package raster.
func encodedHeader(b []byte) (header, error) {
	h, err := raster.ReadHeader(b)
	return header{h.H, h.W, h.C}, err
}

// decoder decodes encoded pictures: see package raster. It may be used by several goroutines.
type decoder struct{ large sync.Mutex }

// largePicture is the number of pixels from which pictures are decoded one at a time, since decoding takes up to 16 bytes per pixel.
const largePicture = 1 << 24

func (d *decoder) decode(ctx context.Context, b []byte) (picture, error) {
	h, err := encodedHeader(b)
	if err != nil {
		return picture{}, err
	}
	if h.h*h.w >= largePicture {
		d.large.Lock()
		defer d.large.Unlock()
	}
	p, err := raster.Decode(ctx, b)
	return picture{header: header{p.H, p.W, p.C}, u8: p.Pix, traits: p.Traits}, err
}

// withChannels is the picture in grey (1) or colour (3); 0 and the picture's own number leave it as it is.
func (p picture) withChannels(channels int) picture {
	if channels == 0 || channels == p.c {
		return p
	}
	q := picture{header: header{p.h, p.w, channels}, traits: p.traits}
	switch {
	case channels == 1 && p.u8 != nil:
		q.u8 = make([]uint8, q.size())
		for i := range q.u8 {
			q.u8[i] = grey(p.u8[3*i], p.u8[3*i+1], p.u8[3*i+2])
		}
	case channels == 1:
		q.f32 = make([]float32, q.size())
		for i := range q.f32 {
			q.f32[i] = luma(p.f32[3*i], p.f32[3*i+1], p.f32[3*i+2])
		}
	case p.u8 != nil:
		q.u8 = repeat3(p.u8)
	default:
		q.f32 = repeat3(p.f32)
	}
	return q
}

// grey is tf.image.rgb_to_grayscale on bytes: to float32 by 1/255, luma, and back by 255.5 with truncation (convert_image_dtype
// scales to integers by their maximum + 0.5). So a grey pixel keeps its value, although the weights sum to 0.9999.
func grey(r, g, b uint8) uint8 {
	const scale = float32(1.0 / 255)
	return uint8(luma(float32(r)*scale, float32(g)*scale, float32(b)*scale) * 255.5)
}

// luma is TensorFlow's weighting. The conversions round every product to float32, so that a machine with fused multiply-add produces
// the same bits as one without.
func luma(r, g, b float32) float32 {
	return float32(float32(0.2989*r)+float32(0.5870*g)) + float32(0.1140*b)
}

func repeat3[T any](pixels []T) []T {
	out := make([]T, 0, 3*len(pixels))
	for _, x := range pixels {
		out = append(out, x, x, x)
	}
	return out
}
