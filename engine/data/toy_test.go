package data

import (
	"bytes"
	"image/color"
	"math"
	"reflect"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

func TestRingAndGridLieAroundTheirCentres(t *testing.T) {
	for _, c := range []struct {
		wanted spec.Data
		centre func(k int) (x, y float64)
		modes  int
		sigma  float64
	}{
		{spec.Data{Name: "ring"}, func(k int) (float64, float64) {
			return 2 * math.Cos(float64(k)*math.Pi/4), 2 * math.Sin(float64(k)*math.Pi/4)
		}, 8, 0.02},
		{spec.Data{Name: "gaussian_grid"}, func(k int) (float64, float64) { return float64(2*(k%5) - 4), float64(2*(k/5) - 4) }, 25, 0.05},
		{spec.Data{Name: "gaussian_grid", Modes: 4, Radius: 1, Sigma: 0.5, Count: 4000}, func(k int) (float64, float64) {
			return float64(2*(k%2) - 1), float64(2*(k/2) - 1)
		}, 4, 0.5},
	} {
		s := open(t, store(t), c.wanted)
		if !s.Shape().Points() || s.Classes != c.modes || s.F32 == nil {
			t.Fatalf("%v: got %v", c.wanted, s.Shape())
		}
		var sum, squares float64
		for i := range s.N {
			x, y := c.centre(int(s.Labels[i]))
			dx, dy := float64(s.F32[2*i])-x, float64(s.F32[2*i+1])-y
			sum += dx + dy
			squares += dx*dx + dy*dy
		}
		n := float64(2 * s.N)
		if mean, sigma := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 4*c.sigma/math.Sqrt(n) || math.Abs(sigma/c.sigma-1) > 4/math.Sqrt(2*n) {
			t.Errorf("%v: got mean %g, sigma %g, want 0 and %g", c.wanted, mean, sigma, c.sigma)
		}
		for label, count := range counts(s) {
			if want := s.N / c.modes; count != want {
				t.Errorf("%v: got %d points of mode %d, want %d", c.wanted, count, label, want)
			}
		}
	}
}

func TestToySetsAreFunctionsOfSeedAndIndex(t *testing.T) {
	for _, r := range sets {
		if r.drawn == nil {
			continue
		}
		name, st := r.Name, store(t)
		base := spec.Data{Name: name, Count: 30, Seed: 5}
		if !r.Points {
			base.Size = 32
		}
		long := base
		long.Count = 60
		a, b := open(t, st, base), open(t, st, long)
		if !reflect.DeepEqual(a.F32, b.F32[:len(a.F32)]) || !bytes.Equal(a.U8, b.U8[:len(a.U8)]) {
			t.Errorf("%s: the first examples depend on how many there are", name)
		}
		seed, split := base, base
		seed.Seed, split.Split = 6, "test"
		if open(t, st, seed).Digest == a.Digest || open(t, st, split).Digest == a.Digest {
			t.Errorf("%s: another seed or split makes the same examples", name)
		}
	}
}

func TestPhantomsHaveLungsAndASpine(t *testing.T) {
	const size = 64
	s := open(t, store(t), spec.Data{Name: "ellipses", Count: 50})
	if want := (Shape{50, size, size, 1, 0}); s.Shape() != want {
		t.Fatalf("got %v, want %v", s.Shape(), want)
	}
	average := make([]float64, size*size)
	for i, x := range s.U8 {
		average[i%(size*size)] += float64(x) / float64(s.N)
	}
	at := func(x, y float64) float64 { return average[int((y+1)/2*size)*size+int((x+1)/2*size)] }
	corner, left, right, spine, side := at(-0.95, -0.95), at(-0.43, 0), at(0.43, 0), at(0, 0.4), at(-0.8, 0)
	if corner > 1 || left > 60 || right > 60 || side < 90 || spine < 150 {
		t.Errorf("got corner %.0f, lungs %.0f and %.0f, wall %.0f, spine %.0f", corner, left, right, side, spine)
	}
}

func TestMontageShowsEveryByteWhereItBelongs(t *testing.T) {
	x := make([]float32, 256)
	for i := range x {
		x[i] = pixelValue[i]
	}
	sheet := Montage(x, 256, 1, 1, 1, 16)
	if got := sheet.Bounds().Size(); got.X != 16*3+2 || got.Y != 16*3+2 {
		t.Errorf("got a sheet of %v", got)
	}
	for i := range x {
		if got, want := sheet.NRGBAAt(2+i%16*3, 2+i/16*3), (color.NRGBA{uint8(i), uint8(i), uint8(i), 255}); got != want {
			t.Fatalf("image %d: got %v, want %v", i, got, want)
		}
	}
	nan := float32(math.NaN())
	sheet = Montage([]float32{-1, 0, 1, nan, 0, 0, 7, -7, 0.2}, 3, 1, 1, 3, 2)
	for i, want := range []color.NRGBA{{0, 128, 255, 255}, {255, 0, 255, 255}, {255, 0, 153, 255}} {
		if got := sheet.NRGBAAt(2+i%2*3, 2+i/2*3); got != want {
			t.Errorf("image %d: got %v, want %v", i, got, want)
		}
	}
	if got := sheet.NRGBAAt(5, 5); got != (color.NRGBA{255, 255, 255, 255}) {
		t.Errorf("the place of a fourth image: got %v, want white", got)
	}
}

func TestScatterPutsPointsInTheirPlace(t *testing.T) {
	sheet := Scatter([]float32{0.9, 0.9, -0.9, -0.9, 3, 0}, 3, 10, 1)
	black := 0
	for i := 0; i < len(sheet.Pix); i += 4 {
		if sheet.Pix[i] == 0 {
			black++
		}
	}
	if black != 2 || sheet.NRGBAAt(9, 0).R != 0 || sheet.NRGBAAt(0, 9).R != 0 {
		t.Errorf("got %d points, want 2 in the upper right and the lower left corner", black)
	}
}
