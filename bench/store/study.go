package main

import (
	"fmt"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// meta is a study of two hyperparameters and three metrics.
var meta = results.Meta{
	Study: "store", Script: "store.star", ScriptHash: "5c41", Version: "bench",
	Columns:    []results.Column{{Name: "lr", Kind: spec.Float}, {Name: "layers", Kind: spec.Int}},
	Metrics:    []string{"loss_generator", "loss_discriminator", "fid"},
	Objectives: []results.Objective{{Metric: "fid", Direction: pareto.Min}},
}

func create(dir string) (*results.Writer, error) {
	return results.Create(dir, meta, nil, results.Options{Now: time.Now})
}

// trial is made-up trial i of so many epochs.
func trial(i, epochs int) results.Trial {
	return results.Trial{ID: id(i), Index: i, Point: results.Values{"lr": 1e-6 * float64(i+1), "layers": i % 7}, Configuration: id(i),
		Length: epochs, Started: time.Now(), Data: "ring()", Train: "0f1e2d3c4b5a69788796",
		Measure: spec.Measure{Metrics: []spec.Metric{{Name: "fid"}}, Samples: 1000, Real: "test:77", Features: "pixels:f00d"}}
}

func id(i int) string { return fmt.Sprintf("%016x", i) }

// epoch is row e of trial i, which a second training would give as well.
func epoch(i, e int) results.Epoch {
	return results.Epoch{Trial: id(i), Epoch: e, Step: int64(100 * e), Images: 3200, SecondsTrain: 2, SecondsEvaluate: 0.5, Backend: "cpu",
		Evaluated: true, Metrics: results.Metrics{"loss_generator": 1 / float64(e+i), "loss_discriminator": float64(-e), "fid": float64(i % 97)}}
}

func outcome(i int) results.Outcome {
	return results.Outcome{Trial: id(i), Status: results.Completed, Parameters: 1234, Program: "f00d", Settings: "{}", Script: "5c41",
		Version: "bench", Backend: "cpu", Device: "made up"}
}

// train writes the rows of trial i through its claim.
func train(c *results.Claim, i, epochs int) error {
	from, err := c.Checkpoint()
	if err != nil {
		return err
	}
	if err := c.Begin(trial(i, epochs), from); err != nil {
		return err
	}
	for e := 1; e <= epochs; e++ {
		if err := c.AppendEpoch(epoch(i, e)); err != nil {
			return err
		}
	}
	return c.Finish(outcome(i))
}
