package importance_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/results/importance"
)

// searched is a random search of n trials over every kind of hyperparameter, of which lr matters most and unused does not.
func searched(n int, seed uint64) *frame.Frame {
	random := rand.New(rand.NewPCG(seed, 7))
	factors := []frame.Factor{factor("lr", spec.Float, true), factor("beta", spec.Float, false), factor("batch", spec.Int, false),
		factor("width", spec.Int, true), factor("loss", spec.String, false), factor("norm", spec.Bool, false),
		factor("unused", spec.Float, false)}
	var points [][]any
	var values []float64
	for range n {
		lr, beta := math.Pow(10, -5+3*random.Float64()), random.Float64()
		batch, width := int64(1+random.IntN(64)), int64(1+random.IntN(200))
		loss, norm := []string{"ns", "wgan", "ls"}[random.IntN(3)], random.IntN(2) == 1
		y := 50 + 20*math.Abs(math.Log10(lr)+3.5) + 5*beta*beta
		if loss == "ls" {
			y += 8
		}
		points = append(points, []any{lr, beta, batch, width, loss, norm, random.Float64()})
		values = append(values, math.Round(1000*(y+random.NormFloat64()))/1000)
	}
	f := framed(factors, points, values)
	for i, x := range factors {
		seen := map[any]bool{}
		for _, p := range points {
			if !seen[p[i]] {
				seen[p[i]] = true
				f.Factors[i].Levels = append(f.Factors[i].Levels, p[i])
			}
		}
		if x.Kind == spec.Float || x.Kind == spec.Int {
			sortNumbers(f.Factors[i].Levels)
		}
	}
	return f
}

func sortNumbers(levels []any) {
	for i := range levels {
		for j := i; j > 0 && frame.Number(levels[j]) < frame.Number(levels[j-1]); j-- {
			levels[j], levels[j-1] = levels[j-1], levels[j]
		}
	}
}

func analyzed(t testing.TB, f *frame.Frame) *importance.Analysis {
	t.Helper()
	a, err := importance.Analyze(f, "fid", importance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSharesElsewhereFindWhatMatters(t *testing.T) {
	a := analyzed(t, searched(200, 1))
	if a.Method != importance.PED || a.N != 200 || a.Best != 20 || a.Effects[0].Name() != "lr" {
		t.Errorf("got %+v", a)
	}
	sum := 0.0
	for _, e := range a.Effects {
		sum += e.Share
		if !(0 <= e.Low && e.Low <= e.Share && e.Share <= e.High && e.High <= 1) {
			t.Errorf("%s: got interval %v to %v around %v", e.Name(), e.Low, e.High, e.Share)
		}
	}
	near(t, "sum", sum, 1, 1e-12)
	if e := effect(t, a, "unused"); e.Share > 0.2 {
		t.Errorf("got share %v of a hyperparameter that does nothing", e.Share)
	}
}

func TestPEDANOVARefusesWhatItCannotTell(t *testing.T) {
	_, err := importance.Analyze(searched(19, 1), "fid", importance.Options{})
	wantError(t, err, "19 trials have it, and they are no full grid: want 20 or more")
	f := searched(40, 1)
	f.Objectives = nil
	for i := range f.Rows {
		f.Rows[i].Values["loss_critic"] = float64(i)
	}
	_, err = importance.Analyze(f, "loss_critic", importance.Options{})
	wantError(t, err, "it is unknown whether a low or a high loss_critic is better")
	for i := range f.Rows {
		f.Rows[i].Values["fid"] = 1
		if i > 35 {
			f.Rows[i].Values["fid"] = 2
		}
	}
	if a := analyzed(t, f); a.Best != 36 {
		t.Errorf("got %d best trials, want all that are equally good", a.Best)
	}
}

// The shares equal those of Optuna 5, for every kind of hyperparameter, few and many trials, and both directions.
func TestSharesElsewhereAreThoseOfOptuna(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts Python")
	}
	python := require.Tool(t, "STARSWEEP_TOOLS", "tools")
	for _, n := range []int{20, 60, 200, 1000} {
		for _, direction := range []pareto.Direction{pareto.Min, pareto.Max} {
			f := searched(n, uint64(n))
			f.Objectives[0].Direction = direction
			want := optunaShares(t, python, f, max(0.1, 5/float64(n)))
			for _, e := range analyzed(t, f).Effects {
				near(t, fmt.Sprint(n, " trials, ", direction, ": ", e.Name()), e.Share, want[e.Name()], 1e-9)
			}
		}
	}
}

// optunaShares are the shares that Optuna computes.
func optunaShares(t testing.TB, python string, f *frame.Frame, quantile float64) (shares map[string]float64) {
	t.Helper()
	var given struct {
		Factors   []map[string]any `json:"factors"`
		Points    []map[string]any `json:"points"`
		Values    []float64        `json:"values"`
		Direction string           `json:"direction"`
		Quantile  float64          `json:"quantile"`
	}
	given.Direction, given.Quantile = string(f.Objectives[0].Direction)+"imize", quantile
	for _, x := range f.Factors {
		given.Factors = append(given.Factors, map[string]any{"name": x.Name, "kind": x.Kind.String(), "levels": x.Levels, "log": x.Log})
	}
	for _, r := range f.Rows {
		given.Points, given.Values = append(given.Points, r.Point), append(given.Values, r.Values["fid"])
	}
	b, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trials.json")
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd := exec.Command(python, "testdata/optuna_shares.py", path)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &shares)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	return shares
}
