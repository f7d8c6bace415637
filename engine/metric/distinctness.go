package metric

import (
	"math"
	"slices"
)

// Distinctness is the column of PixelStats.Distinctness: how far an image is from the nearest of the others, relative to the real ones.
const Distinctness = "distinctness"

// Compared is how many images, the first ones, are compared with each other: enough for each of few to recur, and few enough for images
// that vary along two or three directions, as those of a small latent space, to be apart.
const Compared = 128

// Distinctness is the median squared distance of an image to the nearest of the others, as a part of the mean squared distance between
// images, relative to that part of real images: 0 for few images that recur, however different they are, 1 for images each of which is
// as much its own as real ones are. It takes the first 128 images. It is NaN if real images recur, or if there are fewer than two of one
// of the sets.
//
// Variety tells one image from several, but not several from many: that of k images in equal numbers is about 1 - 1/k.
func (s PixelStats) Distinctness(real PixelStats) float64 {
	if !(real.apart > 0) {
		return math.NaN()
	}
	return s.apart / real.apart
}

// apart is the median squared distance to the nearest other image, in units of the mean squared distance between images; 0 if all are
// the same, NaN if there is one alone.
func (p *Pixels) apart() float64 {
	n := len(p.first)
	if n < 2 {
		return math.NaN()
	}
	nearest := slices.Repeat([]float64{math.Inf(1)}, n)
	var sum float64
	for i, a := range p.first {
		for j, b := range p.first[:i] {
			d := squaredDistance(a, b)
			sum += d
			nearest[i], nearest[j] = min(nearest[i], d), min(nearest[j], d)
		}
	}
	if sum == 0 {
		return 0
	}
	slices.Sort(nearest)
	median := (nearest[(n-1)/2] + nearest[n/2]) / 2
	return median / (sum / float64(n*(n-1)/2))
}

func squaredDistance(a, b []float32) (sum float64) {
	for i, x := range a {
		d := float64(x) - float64(b[i])
		sum += d * d
	}
	return sum
}

// OfPixels reports whether a column is of the pixels of images, which no extractor has a part in.
func OfPixels(column string) bool { return column == Variety || column == Distinctness }
