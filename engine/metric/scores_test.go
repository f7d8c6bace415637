package metric

import (
	"math"
	"testing"
)

func TestInceptionScoreOfPlantedLogits(t *testing.T) {
	uniform, certain := Features{100, 10, make([]float32, 1000)}, Features{100, 10, make([]float32, 1000)}
	for i := range 100 {
		certain.Row(i)[i%10] = 1000 // exp overflows if it is not shifted
	}
	for _, c := range []struct {
		name   string
		logits Features
		want   float64
	}{{"no class", uniform, 1}, {"ten classes", certain, 10}, {"one class", repeated(certain.Slice(0, 1), 50), 1}} {
		mean, std, err := InceptionScore(c.logits, 5, nil)
		if err != nil || math.Abs(mean-c.want) > 1e-9 || std > 1e-9 {
			t.Errorf("%s: got %g ± %g, %v, want %g", c.name, mean, std, err, c.want)
		}
	}
	sorted := Features{100, 10, nil}
	for i := range 100 {
		sorted.X = append(sorted.X, certain.Row(i/10)...)
	}
	if mean, _, _ := InceptionScore(sorted, 10, nil); math.Abs(mean-1) > 1e-9 {
		t.Errorf("classes in order: got %g, want 1", mean)
	}
	if mean, _, _ := InceptionScore(sorted, 10, random(1)); mean < 4 {
		t.Errorf("classes in order, shuffled: got %g, want more", mean)
	}
	for _, splits := range []int{0, 101} {
		if _, _, err := InceptionScore(uniform, splits, nil); err == nil {
			t.Errorf("%d splits of 100 logits", splits)
		}
	}
}

func TestKIDIsUnbiasedAndReportsItsErrors(t *testing.T) {
	r := random(1)
	real, same, other := gaussian(r, 2000, 8, 0, 1), gaussian(r, 2000, 8, 0, 1), gaussian(r, 2000, 8, 0.5, 1)
	mean, std, err := KID(ctx, real, same, 40, 200, random(2))
	if err != nil || math.Abs(mean) > 4*std/math.Sqrt(40) {
		t.Errorf("one distribution: got %g ± %g, %v, want about 0", mean, std, err)
	}
	if mean, std, err = KID(ctx, real, other, 40, 200, random(2)); err != nil || mean < 3*std {
		t.Errorf("two distributions: got %g ± %g, %v, want above 0", mean, std, err)
	}
	again, _, _ := KID(ctx, real, other, 40, 200, random(2))
	if again != mean {
		t.Errorf("one seed: got %g and %g", mean, again)
	}
	all, none, err := KID(ctx, real, other, 100, 2000, random(2))
	if one, _, _ := KID(ctx, real, other, 1, 2000, random(3)); err != nil || none != 0 || math.Abs(all-one) > 1e-12 {
		t.Errorf("subsets of all samples: got %g ± %g, %v, want %g ± 0", all, none, err, one)
	}
	for _, c := range [][2]int{{0, 100}, {1, 1}, {1, 2001}} {
		if _, _, err := KID(ctx, real, other, c[0], c[1], random(2)); err == nil {
			t.Errorf("%d subsets of %d of 2000", c[0], c[1])
		}
	}
}

// Subsets larger than a chunk are summed in parts.
func TestKIDOfLargeSubsetsAgreesWithTheDefinition(t *testing.T) {
	const n, d = 2*chunk + 77, 3
	r := random(9)
	x, y := gaussian(r, n, d, 0, 1), gaussian(r, n, d, .3, 1.2)
	sum := func(a, b Features, same bool) (s float64) {
		for i := range n {
			for j := range n {
				if same && i == j {
					continue
				}
				k := dot(a.Row(i), b.Row(j))/d + 1
				s += k * k * k
			}
		}
		return s
	}
	want := (sum(x, x, true)+sum(y, y, true))/(n*(n-1.)) - 2*sum(x, y, false)/(n*float64(n))
	if got, _, err := KID(ctx, x, y, 1, n, random(1)); err != nil || math.Abs(got-want) > 1e-9*math.Abs(want) {
		t.Errorf("got %.15g, %v, want %.15g", got, err, want)
	}
}

func TestPRDOfPlantedSets(t *testing.T) {
	p := products(t)
	r := random(1)
	all := ring(r, 400, 0, 1, 2, 3, 4, 5, 6, 7)
	for _, c := range []struct {
		name   string
		fake   Features
		f8, f1 [2]float64 // from, to
	}{
		{"all modes", ring(r, 400, 0, 1, 2, 3, 4, 5, 6, 7), [2]float64{0.95, 1}, [2]float64{0.95, 1}},
		{"half of the modes", ring(r, 400, 0, 1, 2, 3), [2]float64{0.4, 0.65}, [2]float64{0.9, 1}},
		{"far away", gaussian(r, 400, 2, 50, 1), [2]float64{0, 1e-6}, [2]float64{0, 1e-6}},
	} {
		got, err := PRD(ctx, p, all, c.fake, PRDOptions{Runs: 3}, random(2))
		if err != nil {
			t.Fatal(err)
		}
		if got.F8 < c.f8[0] || got.F8 > c.f8[1] || got.F1over8 < c.f1[0] || got.F1over8 > c.f1[1] {
			t.Errorf("%s: got F8 %g, F1/8 %g, want %v, %v", c.name, got.F8, got.F1over8, c.f8, c.f1)
		}
	}
	if _, err := PRD(ctx, p, all, all.Slice(0, 399), PRDOptions{}, random(2)); err == nil {
		t.Error("sets of 400 and 399 were compared")
	}
	if got, err := PRD(ctx, p, repeated(all.Slice(0, 1), 30), repeated(all.Slice(0, 1), 30), PRDOptions{Runs: 1}, random(2)); err != nil ||
		got.F8 < 0.999 {
		t.Errorf("one image: got %g, %v, want 1", got.F8, err)
	}
}

// The density of one Gaussian at its centre is known, and cross-validation finds the deviation of the data.
func TestParzenWindowOfPlantedSets(t *testing.T) {
	zero := Features{1, 5, make([]float32, 5)}
	mean, stderr, err := ParzenWindow(ctx, zero, zero, 0.3)
	if want := -5 * math.Log(0.3*math.Sqrt(2*math.Pi)); err != nil || math.Abs(mean-want) > 1e-12 || stderr != 0 {
		t.Errorf("got %g ± %g, %v, want %g", mean, stderr, err, want)
	}
	r := random(1)
	sigma, err := ParzenSigma(ctx, gaussian(r, 700, 3, 0, 0.5), repeated(Features{1, 3, make([]float32, 3)}, 4),
		[]float64{0.1, 0.3, 0.5, 0.7, 1})
	if err != nil || sigma != 0.5 {
		t.Errorf("got sigma %g, %v, want 0.5", sigma, err)
	}
	for _, sigmas := range [][]float64{nil, {0}, {-1}, {math.NaN()}} {
		if _, err := ParzenSigma(ctx, zero, zero, sigmas); err == nil {
			t.Errorf("sigmas %v", sigmas)
		}
	}
}
