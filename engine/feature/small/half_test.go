package small

import (
	"math"
	"strings"
	"testing"
)

func TestEveryHalfComesBack(t *testing.T) {
	b := make([]byte, 0, 2<<16)
	for h := range 1 << 16 {
		if h>>10&31 != 31 { // not infinite, not NaN
			b = append(b, byte(h), byte(h>>8))
		}
	}
	x := fromHalf(b)
	got, err := toHalf(x)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(b) {
		t.Error("a float16 changed on its way through float32")
	}
	for i := 1; i < len(x)/2; i++ {
		if !(x[i] > x[i-1]) {
			t.Fatalf("got %g after %g, want the numbers to rise with their bits", x[i], x[i-1])
		}
	}
}

func TestHalvesRoundToNearestAndTiesToEven(t *testing.T) {
	tiny := math.Ldexp(1, -24) // the smallest
	for _, c := range []struct{ x, want float64 }{
		{1, 1}, {-2, -2}, {65504, 65504}, {1.0 / 3, 0.333251953125},
		{1 + math.Ldexp(1, -11), 1}, {1 + 3*math.Ldexp(1, -11), 1 + math.Ldexp(1, -9)}, // ties
		{1 + math.Ldexp(1.01, -11), 1 + math.Ldexp(1, -10)},
		{2047.5, 2048}, {2048.9, 2048}, {4095, 4096}, // into the next binade
		{tiny, tiny}, {tiny / 2, 0}, {tiny * 0.51, tiny}, {-tiny * 1.5, -2 * tiny}, {tiny * 1023.6, tiny * 1024},
	} {
		b, err := toHalf([]float32{float32(c.x)})
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(fromHalf(b)[0]); got != c.want {
			t.Errorf("%g: got %g, want %g", c.x, got, c.want)
		}
	}
	if b, _ := toHalf([]float32{float32(math.Copysign(0, -1))}); b[1] != 0x80 {
		t.Error("-0 lost its sign")
	}
}

func TestWhatNoHalfHoldsIsAnError(t *testing.T) {
	for _, x := range []float64{65505, -1e9, math.Inf(1), math.NaN()} {
		if _, err := toHalf([]float32{0, float32(x)}); err == nil || !strings.Contains(err.Error(), "element 1: got ") {
			t.Errorf("%g: got %v, want an error with its place", x, err)
		}
	}
}
