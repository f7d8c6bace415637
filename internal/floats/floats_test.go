package floats

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

func TestEveryF16ComesBack(t *testing.T) {
	last := float32(-1)
	for h := range uint16(1 << 15) { // without the sign
		b := binary.LittleEndian.AppendUint16(nil, h)
		x := F16(b)
		if h >= 0x7c00 {
			if inf := h == 0x7c00; math.IsInf(float64(x), 1) != inf || math.IsNaN(float64(x)) == inf {
				t.Errorf("%04x: got %g", h, x)
			}
			continue
		}
		if !(x > last) {
			t.Fatalf("%04x: got %g after %g, want the numbers to rise with their bits", h, x, last)
		}
		last = x
		negative := binary.LittleEndian.AppendUint16(nil, h|1<<15)
		if y := F16(negative); y != -x {
			t.Fatalf("%04x: got %g, with the sign %g", h, x, y)
		}
		for v, want := range map[float32][]byte{x: b, -x: negative} {
			if h == 0 {
				continue // 0 and -0 are one key
			}
			if got, err := AppendF16(nil, v); err != nil || string(got) != string(want) {
				t.Fatalf("%g: got %x and the error %v, want %x", v, got, err, want)
			}
		}
	}
	if b, _ := AppendF16(nil, float32(math.Copysign(0, -1))); b[1] != 0x80 {
		t.Error("-0 lost its sign")
	}
}

func TestF16RoundsToNearestAndTiesToEven(t *testing.T) {
	tiny := math.Ldexp(1, -24) // the smallest
	for _, c := range []struct{ x, want float64 }{
		{1, 1}, {-2, -2}, {65504, 65504}, {1.0 / 3, 0.333251953125},
		{1 + math.Ldexp(1, -11), 1}, {1 + 3*math.Ldexp(1, -11), 1 + math.Ldexp(1, -9)}, // ties
		{1 + math.Ldexp(1.01, -11), 1 + math.Ldexp(1, -10)},
		{2047.5, 2048}, {2048.9, 2048}, {4095, 4096}, // into the next binade
		{tiny, tiny}, {tiny / 2, 0}, {tiny * 0.51, tiny}, {-tiny * 1.5, -2 * tiny}, {tiny * 1023.6, tiny * 1024},
	} {
		b, err := AppendF16(nil, float32(c.x))
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(F16(b)); got != c.want {
			t.Errorf("%g: got %g, want %g", c.x, got, c.want)
		}
	}
}

func TestWhatNoF16HoldsIsAnError(t *testing.T) {
	for _, x := range []float64{65505, -1e9, math.Inf(1), math.NaN()} {
		if _, err := AppendF16(nil, float32(x)); err == nil || !strings.Contains(err.Error(), "want a number within ±65504") {
			t.Errorf("%g: got the error %v", x, err)
		}
	}
}

func TestWiderFloatsAreRead(t *testing.T) {
	for _, x := range []float64{0, 1.5, -0.1, 1e-30, math.Inf(-1)} {
		single := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(x)))
		double := binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))
		if a, b := F32(single), F64(double); a != float32(x) || b != float32(x) {
			t.Errorf("%g: got %g of 32 bits and %g of 64", x, a, b)
		}
		want := math.Float32frombits(math.Float32bits(float32(x)) &^ 0xffff)
		if got := BF16(single[2:]); got != want {
			t.Errorf("%g: got the bfloat16 %g, want %g", x, got, want)
		}
	}
}
