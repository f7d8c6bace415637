package main

import (
	"os"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/feature/small"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/exprtest"
)

// The files in the binary, folded and rounded to float16, still classify their test sets: of MNIST the whole set where STARSWEEP_HOME
// has it. engine/feature/small/README.md has the numbers.
func TestTheEmbeddedNetworksClassifyTheirTestSets(t *testing.T) {
	digits, home, least := mnistTest, t.TempDir(), .985
	if h := os.Getenv("STARSWEEP_HOME"); h != "" {
		digits, home, least = spec.Data{Name: "mnist", Split: "test", Size: 32, Channels: 1}, h, .99
	}
	for _, c := range []struct {
		name     string
		home     func(t *testing.T) string
		test     spec.Data
		accuracy float64
	}{
		{"mnist", func(*testing.T) string { return home }, digits, least},
		{"cifar10", cifarHome, cifarTest, .78},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "cifar10" && testing.Short() {
				t.Skip("-short: the embedded images only")
			}
			packed, err := small.Embedded("small-" + c.name)
			if err != nil {
				t.Fatal(err)
			}
			const batch = 250
			set := open(t, c.home(t), c.test)
			g := expr.New()
			_, logits, values := build(t, g, packed, g.Input("x", expr.Of(expr.F32, "bhwc", batch, set.H, set.W, set.C)))
			e := exprtest.Compile(t, "cpu", logits)
			right := 0
			for at := 0; at < set.N; at += batch {
				values["x"] = images(set, at, batch)
				scores := e.Run(values)[0]
				for i, label := range set.Labels[at : at+batch] {
					best := 0
					for class, v := range scores[10*i : 10*(i+1)] {
						if v > scores[10*i+best] {
							best = class
						}
					}
					if best == int(label) {
						right++
					}
				}
			}
			got := float64(right) / float64(set.N)
			t.Logf("%d of %d images are classified correctly", right, set.N)
			if got < c.accuracy {
				t.Errorf("got an accuracy of %.4f, want at least %g", got, c.accuracy)
			}
		})
	}
}
