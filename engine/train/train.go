// Package train runs model.Programs on GoMLX backends. It opens a backend, compiles each program once however many trials
// share it, and carries a Run, one trial of one seed, from epoch to epoch; State and Resume stop and continue it bit for bit.
// It knows neither scripts nor files: programs come from engine/model, and paths and the clock are arguments.
//
// A Run hands its iterations to a machine: hostSteps makes one call a step, deviceLoop many steps a call inside a While.
package train

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/expr"
)

// Images is a data set as training sees it. Everything in it is read only.
type Images struct {
	ID      string // of the content: runs on images of one ID share one copy on the device; "" is shared with nobody
	N       int
	H, W, C int
	Labels  []int32 // [n], nil if there are none
	// Batch writes the images at index to dst, [len(index) h w c]. Several goroutines may call it at once.
	Batch func(dst []float32, index []int32)
}

// size is the number of values of one image.
func (m Images) size() int { return m.H * m.W * m.C }

// check reports whether a program for examples of the shape given can train on m.
func (m Images) check(example expr.Shape) error {
	got := expr.Of(expr.F32, "hwc", m.H, m.W, m.C)
	if example.Axes() == "c" && m.H == 1 && m.W == 1 { // points
		got = got.Without("hw")
	}
	if want := example.As(expr.F32); got != want {
		return fmt.Errorf("data: got images %v, want %v", got, want)
	}
	return nil
}

// Tensor is a host copy of one tensor of a run's state.
type Tensor struct {
	Name  string
	DType expr.DType
	Shape []int
	Data  []byte // row-major, in the byte order of the machine (little-endian on all that we build for)
}

// Value is a named number.
type Value struct {
	Name string
	V    float64
}

// Epoch is what one pass over the data gave.
type Epoch struct {
	Number   int // from 0
	Steps    int // iterations
	Images   int // real examples seen
	Readings []Value
	Reals    []Value // the program's named real numbers, at the last step
}

// Diverged ends a run whose loss or weights are not finite any more.
type Diverged struct {
	Epoch, Step int    // both from 0; Step counts from the beginning of the run
	What        string // what was found
}

func (d *Diverged) Error() string {
	return fmt.Sprintf("diverged in epoch %d, step %d: %s", d.Epoch, d.Step, d.What)
}
