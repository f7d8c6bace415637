package metric

import (
	"math"
	"math/rand/v2"
	"testing"
)

// pictures are n images of 8 x 8 values that a function computes from the number of the image and of the value.
func pictures(n int, value func(image, place int) float64) PixelStats {
	p := &Pixels{}
	for from := 0; from < n; from += 100 { // in parts, as they come
		var x []float32
		for i := from; i < min(n, from+100); i++ {
			for j := range 64 {
				x = append(x, float32(value(i, j)))
			}
		}
		p.Add(x, len(x)/64)
	}
	return p.Stats()
}

// strokes are bars at one of eight places: as digits, they share a background.
func strokes(image, place int) float64 {
	if (image*5)%8 == place%8 {
		return 1
	}
	return -1
}

func TestVarietyIsTheShareOfWhatDiffers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := func(image, place int) float64 { return r.Float64()*2 - 1 }
	texture := func(image, place int) float64 { return math.Sin(float64(place * place)) }
	real := pictures(800, strokes)
	for _, c := range []struct {
		what      string
		images    PixelStats
		low, high float64
	}{
		{"real images", pictures(800, strokes), 1, 1},
		{"other real images", pictures(240, strokes), 1, 1},
		{"half the contrast, and brighter", pictures(800, func(i, j int) float64 { return strokes(i, j)/2 + 0.3 }), 0.999, 1.001},
		{"what is beyond black and white", pictures(800, func(i, j int) float64 { return 3 * strokes(i, j) }), 1, 1},
		{"one image", pictures(800, func(_, j int) float64 { return strokes(3, j) }), 0, 0},
		{"one image with a little noise", pictures(800, func(i, j int) float64 { return 0.9*strokes(3, j) + 0.1*noise(i, j) }), 0.001, 0.05},
		{"one texture", pictures(800, texture), 0, 0},
		{"noise", pictures(800, noise), 0.95, 1.3},
		{"two images of eight", pictures(800, func(i, j int) float64 { return strokes(i%2, j) }), 0.5, 0.7},
		{"nothing", pictures(800, func(_, _ int) float64 { return -1 }), 0, 0},
		{"nothing, with faint noise", pictures(800, func(i, j int) float64 { return -0.99 + 0.01*noise(i, j) }), 0.001, 0.02},
	} {
		if got := c.images.Variety(real); !(got >= c.low-1e-9 && got <= c.high+1e-9) {
			t.Errorf("%s: got a variety of %v, want %v to %v", c.what, got, c.low, c.high)
		}
	}
	if got := real.Variety(pictures(10, texture)); !math.IsNaN(got) {
		t.Errorf("real images that are all the same: got %v, want NaN", got)
	}
}

// The definition, computed in another way: the law of total variance.
func TestVarietyFollowsItsDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	sets := make([]PixelStats, 2)
	shares := make([]float64, 2)
	for k := range sets {
		values := make([][]float64, 64)
		sets[k] = pictures(150, func(_, j int) float64 {
			v := float64(float32(math.Sin(float64(j*(k+1))) * r.Float64()))
			values[j] = append(values[j], v)
			return v
		})
		var between float64
		var means []float64
		for _, v := range values {
			mean, std := meanStd(v)
			between += std * std / 64
			means = append(means, mean)
		}
		_, std := meanStd(means)
		shares[k] = between / (between + std*std)
	}
	if got, want := sets[0].Variety(sets[1]), shares[0]/shares[1]; math.Abs(got-want) > 1e-12 {
		t.Errorf("got %v, want %v", got, want)
	}
}
