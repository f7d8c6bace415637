package execute

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/results"
)

// dtype is a type of numbers, in checkpoints and in training.
type dtype struct {
	saved   safetensors.DType
	trained expr.DType
}

var dtypes = [...]dtype{{safetensors.F32, expr.F32}, {safetensors.F64, expr.F64}, {safetensors.U32, expr.U32},
	{safetensors.I32, expr.I32}, {safetensors.Bool, expr.Bool}}

// numericsKey is the key of the backend's numerics in a checkpoint: a trial should resume where its program produces the same bits.
const numericsKey = "numerics"

// StateOf returns the state of a trial that a checkpoint holds.
func StateOf(c *results.Checkpoint) (state []train.Tensor, err error) {
	for _, x := range c.Tensors {
		i := slices.IndexFunc(dtypes[:], func(d dtype) bool { return d.saved == x.DType })
		if i < 0 {
			return nil, fmt.Errorf("checkpoint of trial %s: tensor %s has an unknown type %s", c.Row.Trial, x.Name, x.DType)
		}
		state = append(state, train.Tensor{Name: x.Name, DType: dtypes[i].trained, Shape: x.Shape, Data: x.Data})
	}
	return state, nil
}

// checkpointOf returns the checkpoint of a state and the row of its epoch.
func checkpointOf(state []train.Tensor, row results.Epoch, numerics string) (c results.Checkpoint, err error) {
	c = results.Checkpoint{Row: row, Meta: map[string]string{numericsKey: numerics}}
	for _, x := range state {
		i := slices.IndexFunc(dtypes[:], func(d dtype) bool { return d.trained == x.DType })
		if i < 0 {
			return c, fmt.Errorf("checkpoint of trial %s: tensor %s has the type %v, which checkpoints lack", row.Trial, x.Name, x.DType)
		}
		c.Tensors = append(c.Tensors, safetensors.Tensor{Name: x.Name, DType: dtypes[i].saved, Shape: x.Shape, Data: x.Data})
	}
	return c, nil
}
