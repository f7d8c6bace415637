package runner

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
)

// generator draws the samples of a trial's kept weights, by number: sample i has the same latents as the i-th sample of every evaluation
// of the trial.
type generator struct {
	*train.Run
	epoch int // after which the weights were kept
	batch int // samples that the program makes at a time
}

// openWeights opens the weights that a study keeps of a trial, on a backend. Seed is that of the latents. The caller closes the
// generator.
func openWeights(v *results.View, t *restored, backend *train.Backend, seed uint32) (*generator, error) {
	c, err := keptWeights(v, t)
	if err != nil {
		return nil, err
	}
	state, err := execute.StateOf(&c)
	if err != nil {
		return nil, asUsageError(err)
	}
	compiled, err := train.Compile(backend, t.Job.Program)
	if err != nil {
		return nil, err
	}
	run, err := compiled.Restore(backend.Device(), t.Job, seed, state, c.Row.Epoch, int(c.Row.Images))
	if err != nil {
		return nil, asUsageError(fmt.Errorf("checkpoint of trial %s: %w", t.ID, err))
	}
	return &generator{run, c.Row.Epoch, t.Job.Program.Config.SampleBatch}, nil
}

// keptWeights returns the weights that a study keeps of a trial that generates samples.
func keptWeights(v *results.View, t *restored) (c results.Checkpoint, err error) {
	if t.Job.Program.Sample == nil {
		return c, usageErrorf("trial %s generates no samples", t.ID)
	}
	c, err = v.LoadCheckpoint(t.ID)
	if errors.Is(err, os.ErrNotExist) {
		return c, noWeights(v, t.ID)
	}
	return c, asUsageError(err)
}

// noWeights is the error for a trial without weights.
func noWeights(v *results.View, trial string) error {
	kept := withWeights(v)
	if len(kept) == 0 {
		return usageErrorf("the study keeps no weights of trial %s, nor of any other", trial)
	}
	return usageErrorf("the study keeps no weights of trial %s; it keeps those of %s", trial, fewNames(kept))
}

// withWeights returns the trials of a study that have kept weights.
func withWeights(v *results.View) (kept []results.State) {
	for _, t := range v.Trials() {
		if v.HasCheckpoint(t.ID) {
			kept = append(kept, t)
		}
	}
	return kept
}

// images draws the samples from, from+1, ..., to-1, until the context ends.
func (g *generator) images(ctx context.Context, from, to int) ([]float32, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return g.Sample(from, to)
}
