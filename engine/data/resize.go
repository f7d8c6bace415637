package data

import "math"

// tap is the place of an output row or column in the input: between lower and upper, at the fraction lerp.
type tap struct {
	lower, upper int
	lerp         float32
}

// taps follows compute_interpolation_weights and HalfPixelScaler of TensorFlow's resize_bilinear_op.cc, in its float32: an output
// pixel i is at (i + 0.5) * in/out - 0.5 of the input; beyond the border the outermost pixel counts.
func taps(in, out int) []tap {
	scale := float32(in) / float32(out)
	ts := make([]tap, out)
	for i := range ts {
		at := float32((float32(i)+0.5)*scale) - 0.5
		floor := float32(math.Floor(float64(at)))
		upper := min(int(math.Ceil(float64(at))), in-1)
		ts[i] = tap{lower: min(max(int(floor), 0), upper), upper: upper, lerp: at - floor}
	}
	return ts
}

// resize writes src, of the size from, to dst as h x w pixels in the scale of src. It is what tf.image.resize does by default:
// bilinear, half-pixel centres, no antialiasing, in float32.
func resize[T uint8 | float32](dst []float32, h, w int, src []T, from header) {
	c, stride := from.c, from.w*from.c
	across := taps(from.w, w)
	k := 0
	for _, y := range taps(from.h, h) {
		top, bottom := src[y.lower*stride:][:stride], src[y.upper*stride:][:stride]
		for _, x := range across {
			for ch := range c {
				left, right := x.lower*c+ch, x.upper*c+ch
				a := mix(float32(top[left]), float32(top[right]), x.lerp)
				b := mix(float32(bottom[left]), float32(bottom[right]), x.lerp)
				dst[k] = mix(a, b, y.lerp)
				k++
			}
		}
	}
}

// mix rounds the product to float32 first: see luma.
func mix(a, b, lerp float32) float32 { return a + float32((b-a)*lerp) }

// toUnit maps byte values in place to [-1, 1].
func toUnit(xs []float32) {
	for i, x := range xs {
		xs[i] = x/127.5 - 1
	}
}
