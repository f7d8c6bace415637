// Package train runs model.Programs on backends. It opens a backend, compiles each program once for all trials that share it,
// and advances a Run, one trial of one seed, from epoch to epoch; State and Resume stop and continue it bit for bit. Programs come
// from engine/model, and engine/lower compiles them. It knows neither scripts nor tables; of files it knows only the plugins of
// XLA, whose folders are arguments, as is the clock.
//
// A Run passes its iterations to a stepper: hostSteps makes one call per step, deviceLoop runs many steps per call inside a While.
package train

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/expr"
)

// Images is a data set as training sees it. Everything in it is read-only.
type Images struct {
	ID      string // of the content: runs on images of one ID share one copy on the device; those of "" share none
	N       int
	H, W, C int
	Labels  []int32 // [n], nil if there are none
	// Batch writes the images at index to dst, [len(index) h w c]. It is safe for concurrent use.
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
	Data  []byte // row-major, in the byte order of the processor (little-endian on all platforms of starsweep)
}

// Value is a named number.
type Value struct {
	Name string
	V    float64
}

// Epoch is the result of one pass over the data.
type Epoch struct {
	Number int // from 0
	Steps  int // iterations
	Images int // real examples seen
	Values []Value
	Reals  []Value // the program's named real numbers, at the last step
}

// Diverged is the error of a run whose loss or weights are no longer finite.
type Diverged struct {
	Epoch, Step int    // both from 0; Step counts from the beginning of the run
	What        string // which number it is, and its value
}

func (d *Diverged) Error() string {
	return fmt.Sprintf("diverged in epoch %d, step %d: %s", d.Epoch, d.Step, d.What)
}
