package feature

import (
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/spec"
)

// Digits of 28 x 28 pixels, as the data set has them, are classified: scaling, resize and layers are those of training.
func TestSmallMNISTClassifiesDigits(t *testing.T) {
	e := opened(t, "small-mnist", Store{})
	set, err := (&data.Store{}).Open(background, spec.Data{Name: "mnist12k", Split: "test", Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	x := images{N: set.N, U8: set.U8}.signed()
	f, l, err := e.Extract(background, x, set.N, set.H, set.W, set.C)
	if err != nil {
		t.Fatal(err)
	}
	if l.D != 10 || e.Logits != 10 || f.N != set.N || f.D < 32 {
		t.Fatalf("got %d x %d features and %d logits", f.N, f.D, l.D)
	}
	right := 0
	for i, label := range set.Labels {
		row, best := l.X[10*i:10*i+10], 0
		for class, v := range row {
			if v > row[best] {
				best = class
			}
		}
		if best == int(label) {
			right++
		}
	}
	if right < set.N*98/100 { // package small/pack tests the accuracy itself
		t.Errorf("got %d of %d right, want 98 in 100", right, set.N)
	}
}
