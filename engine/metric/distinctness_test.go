package metric

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestDistinctnessTellsFewImagesFromMany(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	noise := func(_, _ int) float64 { return r.Float64()*2 - 1 }
	draw := func() func(image, place int) float64 { // images of twelve numbers each
		numbers := map[int][]float64{}
		return func(image, place int) (v float64) {
			if numbers[image] == nil {
				for range 12 {
					numbers[image] = append(numbers[image], r.NormFloat64()/8)
				}
			}
			for k, number := range numbers[image] {
				v += number * math.Cos(float64((k+1)*place))
			}
			return v
		}
	}
	wave, other := draw(), draw()
	real := pictures(500, wave)
	for _, c := range []struct {
		what      string
		images    PixelStats
		low, high float64
	}{
		{"real images", pictures(500, wave), 1, 1},
		{"more of their kind", pictures(500, other), 0.85, 1.15},
		{"half the contrast, and brighter", pictures(500, func(i, j int) float64 { return wave(i, j)/2 + 0.1 }), 0.99, 1.01},
		{"noise", pictures(500, noise), 1, 3},
		{"one image", pictures(500, func(_, j int) float64 { return wave(0, j) }), 0, 0},
		{"two images", pictures(500, func(i, j int) float64 { return wave(i%2, j) }), 0, 0},
		{"two in unequal numbers", pictures(500, func(i, j int) float64 { return wave(i%10/9, j) }), 0, 0},
		{"eight, with a little noise", pictures(500, func(i, j int) float64 { return 0.95*wave(i%8, j) + 0.05*noise(i, j)/2 }), 1e-4, 0.05},
		{"two of any brightness", pictures(500, func(i, j int) float64 { return wave(i%2, j) * (0.5 + float64(i%23)/46) }), 0, 0.01},
		{"a real image each", pictures(128, wave), 1, 1},
	} {
		if got := c.images.Distinctness(real); !(got >= c.low-1e-6 && got <= c.high+1e-6) {
			t.Errorf("%s: got a distinctness of %v, want %v to %v", c.what, got, c.low, c.high)
		}
	}
	for what, got := range map[string]float64{
		"real images that recur": real.Distinctness(pictures(500, strokes)), "one real image": real.Distinctness(pictures(1, wave)),
		"one image": pictures(1, wave).Distinctness(real),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s: got %v, want NaN", what, got)
		}
	}
}

// Of points on a line: squared distances 1/4, 1 and 9/4 of three, 1, 1 and 4 of the real ones, each with a nearest.
func TestDistinctnessFollowsItsDefinition(t *testing.T) {
	line := func(places ...float32) PixelStats {
		p := &Pixels{}
		p.Add(places[:1], 1)
		p.Add(places[1:], len(places)-1)
		return p.Stats()
	}
	got := line(-1, 0.5, -0.5).Distinctness(line(0, -3, 1)) // -3 is shown as -1
	if want := 0.25 / (3.5 / 3) / (1.0 / 2); math.Abs(got-want) > 1e-12 {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := line(-1, -0.5, 0, 1).apart, (0.25+0.25)/2/((0.25+1+4+0.25+2.25+1)/6); math.Abs(got-want) > 1e-12 {
		t.Errorf("an even number: got %v, want %v", got, want)
	}
}
