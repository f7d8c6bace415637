package data

import (
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // the formats that image.Decode knows
	_ "image/jpeg"
	_ "image/png"
	"io"
)

// picture is one decoded image, [h w c] with c = 1 or 3 (points: 1 x 1 x 2). Exactly one of u8 and f32 is set; f32 is in its final
// scale.
type picture struct {
	header
	u8  []uint8
	f32 []float32
}

// header is the size of a picture.
type header struct{ h, w, c int }

func (d header) String() string { return fmt.Sprintf("%d x %d x %d", d.h, d.w, d.c) }

func (d header) size() int { return d.h * d.w * d.c }

// decodeHeader reads the size of a PNG, JPEG or GIF image.
func decodeHeader(r io.Reader) (header, error) {
	config, _, err := image.DecodeConfig(r)
	if err != nil {
		return header{}, err
	}
	d := header{h: config.Height, w: config.Width, c: 3}
	if config.ColorModel == color.GrayModel || config.ColorModel == color.Gray16Model {
		d.c = 1
	}
	if d.h < 1 || d.w < 1 || d.h > maxSize || d.w > maxSize {
		return header{}, fmt.Errorf("got %d x %d pixels, want 1 to %d a side", d.h, d.w, maxSize)
	}
	return d, nil
}

// decodePicture reads a PNG, JPEG or GIF image (its first frame). As TensorFlow's decoders do, it drops transparency and the low
// byte of 16-bit samples.
func decodePicture(r io.ReadSeeker) (picture, error) {
	d, err := decodeHeader(r) // before the pixels: it bounds what they may ask for
	if err != nil {
		return picture{}, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return picture{}, err
	}
	img, _, err := image.Decode(r)
	if err != nil {
		return picture{}, err
	}
	p := picture{header: d, u8: make([]uint8, d.size())}
	b := img.Bounds()
	if b.Dy() != d.h || b.Dx() != d.w {
		return picture{}, fmt.Errorf("got a frame of %d x %d pixels in an image of %d x %d", b.Dy(), b.Dx(), d.h, d.w)
	}
	if img, ok := img.(*image.YCbCr); ok {
		toRGB(p.u8, img)
		return p, nil
	}
	for y := range d.h {
		row := p.u8[y*d.w*d.c : (y+1)*d.w*d.c]
		switch img := img.(type) {
		case *image.Gray:
			copy(row, img.Pix[y*img.Stride:])
		case *image.Gray16:
			for x := range d.w {
				row[x] = img.Pix[y*img.Stride+2*x] // big-endian: the high byte
			}
		default:
			for x := range d.w {
				c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
				row[3*x], row[3*x+1], row[3*x+2] = c.R, c.G, c.B
			}
		}
	}
	return p, nil
}

// withChannels is the picture in grey (1) or colour (3); 0 and the picture's own number leave it as it is.
func (p picture) withChannels(channels int) picture {
	if channels == 0 || channels == p.c {
		return p
	}
	q := picture{header: header{p.h, p.w, channels}}
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

// luma is TensorFlow's weighting. The conversions keep every product a float32 of its own, so that a machine with fused
// multiply-add gives the same bits as one without.
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
