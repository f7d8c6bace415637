package report_test

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// large is a made-up search: trials of as many epochs each, with two seeds a configuration. Some diverge, fail, collapse or are pruned.
type large struct{ trials, epochs, samples int } // samples of evaluations: 1000 unless given

func (l large) meta() results.Meta {
	return results.Meta{Study: "large", Script: "large.star", ScriptHash: "5c41", Version: "test",
		Columns: []results.Column{{Name: "loss", Kind: spec.String}, {Name: "lr", Kind: spec.Float}, {Name: "layers", Kind: spec.Int},
			{Name: "norm", Kind: spec.Bool}, {Name: "penalty", Kind: spec.Float, Optional: true}},
		Metrics: []string{"loss_generator", "loss_discriminator", "fid", "precision", "recall"},
		Losses:  []string{"loss_generator", "loss_discriminator"},
		Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}, {Metric: "precision", Direction: pareto.Max},
			{Metric: "recall", Direction: pareto.Max}}}
}

// write writes the study.
func (l large) write(dir string) error {
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w, err := results.Create(dir, l.meta(), map[string][]byte{"large.star": []byte("main = study()\n")},
		results.Options{Now: func() time.Time { return clock }, FlushEvery: time.Hour, FlushRows: math.MaxInt})
	if err != nil {
		return err
	}
	p := results.Plan{Settings: `{"subset": true}`, Script: "5c41", Began: clock}
	for i := range l.trials {
		p.Trials, p.Epochs = append(p.Trials, l.trial(i).ID), append(p.Epochs, l.epochs)
	}
	if err := w.BeginPlan(p); err != nil {
		return err
	}
	for i := range l.trials {
		clock = clock.Add(time.Minute)
		if err := l.train(w, i); err != nil {
			return err
		}
	}
	return w.Close()
}

func (l large) trial(i int) results.Trial {
	r := rand.New(rand.NewPCG(1, uint64(i/2)))
	loss := []string{"ns-gan", "hinge", "wgan-gp"}[r.IntN(3)]
	point := results.Values{"loss": loss, "lr": math.Pow(10, -5+3*r.Float64()), "layers": int64(2 + r.IntN(4)), "norm": r.IntN(2) == 1}
	if loss == "wgan-gp" {
		point["penalty"] = float64(1 + r.IntN(10))
	}
	configuration := fmt.Sprintf("%016x", 0xabc0000+i/2)
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(i) * time.Minute)
	return results.Trial{ID: spec.TrialID(configuration, uint32(i%2)), Index: i, Seed: int64(i % 2), Point: point,
		Configuration: configuration, Length: l.epochs, Started: started, Data: "mnist(size = 32)",
		Train: "0f1e2d3c4b5a69788796", Test: "8f1e2d3c4b5a69788796", Measure: spec.Measure{Metrics: []spec.Metric{{Name: "fid"},
			{Name: "precision_recall"}}, Samples: cmp.Or(l.samples, 1000), Real: "test:8f1e2d3c4b5a6978", Features: "small-mnist:1c291ca54e0ba1f7"}}
}

func (l large) train(w *results.Writer, i int) error {
	t := l.trial(i)
	c, err := w.Claim(t.ID)
	if err != nil {
		return err
	}
	if err := c.Begin(t, nil); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(2, uint64(i)))
	o := results.Outcome{Trial: t.ID, Status: results.Completed, Parameters: 123456, Program: "f00d", Settings: `{"subset": true}`,
		Script: "5c41", Version: "test", Backend: "cpu", Device: "made up"}
	epochs := l.epochs
	switch end := r.IntN(100); {
	case end < 3:
		o.Status, o.Reason, epochs = results.Diverged, "loss_generator is NaN", epochs/10
	case end < 5:
		o.Status, o.Reason, o.Failure, epochs = results.Failed, "the device is lost", results.FailureDevice, 0
	case end < 15:
		o.Status, o.Reason, epochs = results.Collapsed, "recall is below 0.05", epochs/2
	}
	rate := math.Log10(t.Point["lr"].(float64)) + 3.5 // best at 3e-4
	level := 20 + 40*rate*rate + 5*r.NormFloat64() + 3*float64(t.Point["layers"].(int64))
	for e := 1; e <= epochs; e++ {
		left := math.Exp(-3 * float64(e) / float64(l.epochs))
		row := results.Epoch{Trial: t.ID, Epoch: e, Step: int64(100 * e), Images: 3200, SecondsTrain: 2, SecondsEvaluate: 0.5, Backend: "cpu",
			Evaluated: true, Metrics: results.Metrics{"loss_generator": 1 + left + 0.1*r.NormFloat64(), "loss_discriminator": 1 - left/2,
				"fid": level + 300*left + r.NormFloat64(), "precision": 1 / (1 + level/100) * (1 - left), "recall": 1 / (1 + level/50) * (1 - left)}}
		var sheets []results.Sample
		if e == epochs || i < 20 && e%10 == 0 {
			sheets = []results.Sample{{Trial: t.ID, Epoch: e, Kind: "grid", PNG: sheet(r, level)}}
		}
		if err := c.AppendEpoch(row, sheets...); err != nil {
			return err
		}
	}
	if err := c.Finish(o); err != nil {
		return err
	}
	return c.Release()
}

// sheet is a picture of 4 by 4 samples of 28 by 28 points, which compresses badly.
func sheet(r *rand.Rand, level float64) []byte {
	picture := image.NewGray(image.Rect(0, 0, 112, 112))
	for i := range picture.Pix {
		x, y := float64(i%112%28)-14, float64(i/112%28)-14
		picture.Set(i%112, i/112, color.Gray{Y: uint8(min(255, max(0, 255-2*(x*x+y*y)+level*r.NormFloat64())))})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// open opens a study.
func open(t *testing.T, dir string) *results.View {
	t.Helper()
	v, err := results.Open(dir)
	must(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}
