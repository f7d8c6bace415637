package runner

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
)

// open starts a trial, or resumes it from its checkpoint, and returns the number of epochs that it has done.
func (t *trainer) open(p plan.Trial, compiled *train.Compiled, set *data.Set) (*train.Run, int, error) {
	images := trainImages(set)
	c := t.held(p).from
	if c == nil {
		run, err := compiled.NewRun(t.backend.Device(), p.Job, images, p.Seed)
		return run, 0, err
	}
	if was, is := c.Meta[checkpointNumerics], t.backend.Numerics(); was != is {
		t.warn(fmt.Errorf("trial %s resumes after epoch %d on a different device (was %s, now %s): results may differ in the last digits",
			p.ID, c.Row.Epoch, was, is))
	}
	state, err := trainedState(c)
	if err != nil {
		return nil, 0, err
	}
	run, err := compiled.Resume(t.backend.Device(), p.Job, images, p.Seed, state, c.Row.Epoch)
	return run, c.Row.Epoch, err
}

// trainedState returns the tensors of a checkpoint as training has them.
func trainedState(c *results.Checkpoint) (state []train.Tensor, err error) {
	for _, x := range c.Tensors {
		i := slices.IndexFunc(dtypes[:], func(d dtype) bool { return d.saved == x.DType })
		if i < 0 {
			return nil, fmt.Errorf("checkpoint of trial %s: tensor %s has an unknown type %s", c.Row.Trial, x.Name, x.DType)
		}
		state = append(state, train.Tensor{Name: x.Name, DType: dtypes[i].trained, Shape: x.Shape, Data: x.Data})
	}
	return state, nil
}

// dtype is a type of numbers, in checkpoints and in training.
type dtype struct {
	saved   safetensors.DType
	trained expr.DType
}

var dtypes = [...]dtype{{safetensors.F32, expr.F32}, {safetensors.F64, expr.F64}, {safetensors.U32, expr.U32},
	{safetensors.I32, expr.I32}, {safetensors.Bool, expr.Bool}}

// checkpointNumerics is the key of the backend's numerics in a checkpoint: a trial should resume where its program produces the same
// bits.
const checkpointNumerics = "numerics"

// save makes an epoch durable: first the checkpoint, which holds the state and the row, and then the row.
func (t *trainer) save(state []train.Tensor, row results.Epoch) error {
	c := results.Checkpoint{Row: row, Meta: map[string]string{checkpointNumerics: t.backend.Numerics()}}
	for _, x := range state {
		i := slices.IndexFunc(dtypes[:], func(d dtype) bool { return d.trained == x.DType })
		if i < 0 {
			return fmt.Errorf("checkpoint of trial %s: tensor %s has the type %v, which checkpoints lack", row.Trial, x.Name, x.DType)
		}
		c.Tensors = append(c.Tensors, safetensors.Tensor{Name: x.Name, DType: dtypes[i].saved, Shape: x.Shape, Data: x.Data})
	}
	claim := t.claimOf(row.Trial)
	if err := claim.SaveCheckpoint(c); err != nil {
		return err
	}
	return claim.AppendEpoch(row)
}
