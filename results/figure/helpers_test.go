package figure_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/figure"
	"github.com/starsweep/starsweep/results/frame"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// grid is a study of two losses, four learning rates, two batches and two seeds, with made-up values: a high learning rate is bad, and the
// non-saturating loss collapses under it.
func grid(t testing.TB) *results.View {
	return study(t, []string{"ns-gan", "wgan-gp"}, []float64{1e-5, 1e-4, 1e-3, 1e-2}, 2)
}

func study(t testing.TB, losses []string, rates []float64, seeds int) *results.View {
	t.Helper()
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	m := results.Meta{Study: "grid", Script: "grid.star", ScriptHash: "5c41", Version: "0.1.0",
		Columns: []results.Column{{Name: "loss", Kind: spec.String}, {Name: "lr", Kind: spec.Float}, {Name: "batch", Kind: spec.Int}},
		Metrics: []string{"loss_critic", "fid", "precision", "recall"},
		Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}, {Metric: "precision", Direction: pareto.Max},
			{Metric: "recall", Direction: pareto.Max}}}
	w, err := results.Create(t.TempDir(), m, nil, results.Options{Now: func() time.Time { return clock }, FlushEvery: time.Hour})
	check(t, err)
	t.Cleanup(func() { w.Close() })
	measure := spec.Measure{Samples: 400, Real: "test:77", Features: "small:f00d", Metrics: []spec.Metric{{Name: "fid"},
		{Name: "precision_recall", Args: []spec.Arg{{Name: "k", Value: 3}}}}}
	i := 0
	for seed := range seeds {
		for l, loss := range losses {
			for _, lr := range rates {
				for _, batch := range []int64{32, 64} {
					clock = clock.Add(time.Minute)
					point := results.Values{"loss": loss, "lr": lr, "batch": batch}
					id := fmt.Sprintf("t%03d", i)
					c, err := w.Claim(id)
					check(t, err)
					check(t, c.Begin(results.Trial{ID: id, Index: i, Configuration: fmt.Sprint(point), Point: point, Seed: int64(seed), Length: 6,
						Measure: measure, Train: "77", Started: clock}, nil))
					status := results.Completed
					if lr == 1e-2 && l == 0 {
						status = results.Collapsed
					}
					for epoch := 1; epoch <= 6; epoch++ {
						v := values(l, lr, batch, seed, epoch)
						check(t, c.AppendEpoch(results.Epoch{Trial: id, Epoch: epoch, Metrics: v, Evaluated: true, SecondsTrain: 2, SecondsEvaluate: 0.5}))
						check(t, c.AppendSample(results.Sample{Trial: id, Epoch: epoch, Kind: "grid", PNG: sheet(t, epoch)}))
					}
					check(t, c.Finish(results.Outcome{Trial: id, Status: status}))
					i++
				}
			}
		}
	}
	return w.View()
}

func values(loss int, lr float64, batch int64, seed, epoch int) results.Metrics {
	off := math.Abs(math.Log10(lr) + 3.3)
	fid := (8 + 20*off*off*float64(2-loss)) * (1 + 3/float64(epoch)) * (1 + 0.05*float64(seed)) * (1 + float64(batch)/640)
	quality := 1 / (1 + fid/60)
	return results.Metrics{"loss_critic": 1 / float64(epoch), "fid": fid, "precision": 0.9 * quality,
		"recall": 0.8 * quality * (1 - 0.1*float64(seed))}
}

// sheet is a picture of 8 × 4 pixels that depends on the epoch.
func sheet(t testing.TB, epoch int) []byte {
	img := image.NewGray(image.Rect(0, 0, 8, 4))
	for i := range img.Pix {
		img.SetGray(i%8, i/8, color.Gray{Y: uint8(40*epoch + i)})
	}
	var b bytes.Buffer
	check(t, png.Encode(&b, img))
	return b.Bytes()
}

func of(t testing.TB, v *results.View, where func(map[string]any) (bool, error)) *frame.Frame {
	t.Helper()
	f, err := frame.Of(v, frame.Options{Where: where})
	check(t, err)
	return f
}

func svg(t testing.TB, g *figure.Figure, theme figure.Theme) string {
	t.Helper()
	var b strings.Builder
	check(t, g.SVG(&b, theme))
	return b.String()
}
