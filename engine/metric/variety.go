package metric

import (
	"math"
	"slices"
)

// Variety is the column of PixelStats.Variety: how much of what an image shows is not the same in all of them, relative to the real ones.
const Variety = "variety"

// Pixels sees how much images of one size differ from each other. The zero value has seen none.
type Pixels struct {
	images       int
	sum, squares []float64   // by place: a pixel of a channel
	first        [][]float32 // images that are compared with each other
}

// Add takes n images, one after the other. Values beyond -1 and 1 count as those, as a picture shows them.
func (p *Pixels) Add(x []float32, n int) {
	if n == 0 {
		return
	}
	width := len(x) / n
	if p.images == 0 {
		p.sum, p.squares = make([]float64, width), make([]float64, width)
	}
	p.images += n
	for i, v := range x {
		d := float64(shown(v))
		p.sum[i%width] += d
		p.squares[i%width] += d * d
	}
	for i := 0; i < n && len(p.first) < Compared; i++ {
		image := slices.Clone(x[i*width : (i+1)*width])
		for j, v := range image {
			image[j] = shown(v)
		}
		p.first = append(p.first, image)
	}
}

// shown is the value of a pixel that a picture shows.
func shown(v float32) float32 { return min(1, max(-1, v)) }

// PixelStats sum up how much the images of a set differ from each other.
type PixelStats struct {
	between, all float64 // see Pixels.variances
	apart        float64 // see Pixels.apart
}

// Stats sums up the images that were added.
func (p *Pixels) Stats() PixelStats {
	between, all := p.variances()
	return PixelStats{between, all, p.apart()}
}

// variances are the variance between images, as a mean over places, and the variance of all values of all images about their one mean.
// The difference is the variance over places of the mean image.
func (p *Pixels) variances() (between, all float64) {
	n, places := float64(p.images), float64(len(p.sum))
	var mean, squares float64
	for i, s := range p.sum {
		m := s / n
		between += max(0, p.squares[i]/n-m*m) / places
		mean += m / places
		squares += p.squares[i] / n / places
	}
	return between, max(0, squares-mean*mean)
}

// faint is the contrast, as a part of that of real images, below which there is nothing to see.
const faint = 0.1

// Variety is the share of the variance between images in that of all values, relative to the share in real images: 0 for one image, 1
// for images that differ as much as real ones. Neither brightness nor contrast changes it, except that images of less than a tenth of
// the contrast of real ones show nothing: theirs counts as a tenth. It is NaN if the real images are all the same.
//
// The spread of features does not tell one image from many where no real image is near: networks answer with large features there, and
// small differences of pixels become large ones of features.
func (s PixelStats) Variety(real PixelStats) float64 {
	if real.between == 0 {
		return math.NaN()
	}
	return s.between / max(s.all, faint*faint*real.all) / (real.between / real.all)
}
