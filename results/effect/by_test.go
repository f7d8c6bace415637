package effect_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/effect"
	"github.com/starsweep/starsweep/results/frame"
)

// noisy is a study of noise, which helps one loss and not the other, at three learning rates with three seeds.
func noisy() *frame.Frame {
	random := rand.New(rand.NewPCG(8, 8))
	noise := frame.Factor{Name: "noise", Kind: spec.Float, Levels: []any{0.0, 0.5}}
	penalty := frame.Factor{Name: "penalty", Kind: spec.Float, Levels: []any{10.0}}
	var cells []cell
	for _, name := range []string{"ns", "wgan"} {
		for _, rate := range lr.Levels {
			for _, amount := range noise.Levels {
				point := at(name, rate.(float64))
				point["noise"] = amount
				if name == "wgan" {
					point["penalty"] = 10.0
				}
				base := 50 * math.Pow(rate.(float64), 0.1)
				if name == "ns" && amount == 0.5 {
					base -= 20
				}
				c := cell{point: point}
				for range 3 {
					c.values = append(c.values, base+random.NormFloat64())
				}
				cells = append(cells, c)
			}
		}
	}
	return framed([]frame.Factor{loss, lr, noise, penalty}, cells...)
}

// The difference of two effects is their difference, seed by seed, and its interval does not hold 0.
func TestEffectsAtTwoLevelsOfAnotherHyperparameterAreCompared(t *testing.T) {
	f := noisy()
	s, err := effect.OfEach(f, "loss", effect.Options{Factor: "noise", Metric: "fid"})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Parts) != 2 || s.Parts[0].Level != "ns" || len(s.Interactions) != 1 {
		t.Fatalf("got %+v", s)
	}
	x := s.Interactions[0]
	if x.From != 0.0 || x.To != 0.5 || x.ByFrom != "ns" || x.ByTo != "wgan" || x.Configurations != 3 {
		t.Errorf("got %+v", x)
	}
	for _, name := range []string{"mean", "median", "best"} {
		of := func(i int) float64 { return value(t, s.Parts[i].Pairs[0].Values, name).Value }
		e := value(t, x.Values, name)
		near(t, name, e.Value, of(1)-of(0), 1e-12)
		if !(e.Low > 10 && e.High < 30 && e.P < 0.01) {
			t.Errorf("%s: got %+v, want an interval around 20", name, e)
		}
	}
	for _, name := range []string{"IQR", "SD of log"} {
		of := func(i int) float64 { return value(t, s.Parts[i].Pairs[0].Values, name).Value }
		near(t, name, value(t, x.Values, name).Value, of(1)/of(0), 1e-12)
	}
}

// What a collapsed trial counts as is the worst value of all, at every level.
func TestTheWorstValueIsThatOfAllLevels(t *testing.T) {
	f := noisy()
	f.Rows[0].Status = results.Collapsed // of the loss ns
	worst := math.Inf(-1)
	for _, r := range f.Rows {
		worst = max(worst, r.Values["fid"])
	}
	s, err := effect.OfEach(f, "loss", effect.Options{Factor: "noise", Metric: "fid"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Parts[0].Worst; got != worst {
		t.Errorf("got %v, want %v", got, worst)
	}
}

// A grid with holes: at one learning rate there is one amount of noise.
func TestALevelWithNothingToCompareIsLeftOut(t *testing.T) {
	f := noisy()
	f.Rows = slices.DeleteFunc(f.Rows, func(r frame.Row) bool { return r.Point["lr"] == 0.001 && r.Point["noise"] == 0.5 })
	s, err := effect.OfEach(f, "lr", effect.Options{Factor: "noise", Metric: "fid"})
	if err != nil {
		t.Fatal(err)
	}
	const want = "lr = 0.001 is left out: noise has one level in the 6 trials, 0.0: there is nothing to compare"
	if len(s.Parts) != 2 || len(s.Interactions) != 1 || !slices.Contains(s.Notes, want) {
		t.Errorf("got %d parts, %d interactions and the notes %q, want the note %q", len(s.Parts), len(s.Interactions), s.Notes, want)
	}
	f.Rows = slices.DeleteFunc(f.Rows, func(r frame.Row) bool { return (r.Point["lr"] == 0.01) == (r.Point["noise"] == 0.5) })
	_, err = effect.OfEach(f, "lr", effect.Options{Factor: "noise", Metric: "fid"})
	wantError(t, err, "noise has one level at each of lr: there is nothing to compare")
}

func TestAnEffectByWhatDoesNotVaryIsAnError(t *testing.T) {
	for by, want := range map[string]string{"width": `there is no hyperparameter "width"`, "noise": "want another hyperparameter",
		"loss": "loss = wgan: fid: none of 18 trials has a value"} {
		f := noisy()
		if by == "loss" {
			for i := range f.Rows {
				if f.Rows[i].Point["loss"] == "wgan" {
					delete(f.Rows[i].Values, "fid")
				}
			}
		}
		_, err := effect.OfEach(f, by, effect.Options{Factor: "noise", Metric: "fid"})
		wantError(t, err, want)
	}
}
