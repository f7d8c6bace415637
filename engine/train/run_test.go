package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
)

func TestDivergenceNamesEpochAndStep(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		job := points.job(t)
		for i, r := range job.Reals { // the weights overflow in the step after the rate does
			if r.Site == "generator/lr" {
				var err error
				job.Reals[i].Value, err = spec.Piecewise([]float64{13}, []spec.Schedule{spec.Constant(1e-3), spec.Constant(math.Inf(1))}, spec.Steps)
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		r := start(t, b, job, ring(100), 1)
		epoch(t, r)
		epoch(t, r)
		_, err := r.Epoch(context.Background())
		var d *Diverged
		if !errors.As(err, &d) || d.Epoch != 2 || d.Step != 13 || d.What == "" {
			t.Fatalf("got %v, want divergence in epoch 2, step 13", err)
		}
		if _, err := r.Epoch(context.Background()); err == nil {
			t.Error("a diverged run continued")
		}
	})
}

func TestAHugeLearningRateDiverges(t *testing.T) {
	m := points
	m.lr = 1e30
	r := start(t, open(t, "cpu"), m.job(t), ring(100), 1)
	_, err := r.Epoch(context.Background())
	var d *Diverged
	if !errors.As(err, &d) || d.Epoch != 0 {
		t.Fatalf("got %v, want divergence in epoch 0", err)
	}
	t.Log(err)
}

func TestACancelledEpochStopsWithinAStep(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		ctx, cancel := context.WithCancel(context.Background())
		images, seen := ring(100), 0
		gather := images.Batch
		images.Batch = func(dst []float32, index []int32) {
			if seen++; seen == 3 {
				cancel()
			}
			gather(dst, index)
		}
		r := start(t, b, points.job(t), images, 1)
		if b.deviceLoop {
			cancel() // the batches are gathered on the device
		}
		if _, err := r.Epoch(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
		if !b.deviceLoop && seen != 3 {
			t.Errorf("%d batches, want 3", seen)
		}
		if _, err := r.Epoch(context.Background()); err == nil && !b.deviceLoop {
			t.Error("an interrupted epoch ran again without its first steps")
		}
	})
}

// failingStepper is a device that fails, for tests.
type failingStepper struct{ stepper }

func (failingStepper) advance([]*lower.Buffer, int, []int32) ([][]float64, error) {
	return nil, errors.New("the device is gone")
}

// A step that fails on the device takes the state with it, and every later call says why.
// counted counts the calls of a stepper.
type counted struct {
	stepper
	calls int
}

func (c *counted) advance(state []*lower.Buffer, first int, index []int32) ([][]float64, error) {
	c.calls++
	return c.stepper.advance(state, first, index)
}

// Calls grow to as many steps as an epoch has, and stay so in the epochs that follow.
func TestCallsOfALaterEpochAreLong(t *testing.T) {
	r := start(t, common(t, "cpu loop"), points.job(t), ring(points.batch*20), 1)
	c := &counted{stepper: r.stepper}
	r.stepper = c
	steps := r.StepsPerEpoch()
	for e, most := range []int{5, 3, 1} { // of 1, 2, 4, 8 and the 5 that are left; 16 and 4; 20
		c.calls = 0
		epoch(t, r)
		if c.calls > most {
			t.Errorf("epoch %d of %d steps: got %d calls, want at most %d", e, steps, c.calls, most)
		}
	}
}

func TestARunWhoseStateIsLostSaysWhy(t *testing.T) {
	r := start(t, open(t, "cpu"), tiny.job(t), blobs(20, 8, 8), 1)
	epoch(t, r)
	own := r.state
	r.state, r.stepper = slices.Clone(own), failingStepper{r.stepper}
	const want = "step 3: the device is gone"
	if _, err := r.Epoch(t.Context()); err == nil || err.Error() != want {
		t.Errorf("got the error %v, want %s", err, want)
	}
	for what, do := range map[string]func() error{
		"the run has ended: ":  func() error { return r.Steps(t.Context(), 1) },
		"the state is lost: ":  func() error { _, err := r.State(); return err },
		"sample: the state is": func() error { _, err := r.Sample(0, 1); return err },
	} {
		if err := do(); err == nil || !strings.HasPrefix(err.Error(), what) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got the error %v, want %s... %s", err, what, want)
		}
	}
	if err := lower.Free(own...); err != nil {
		t.Error(err)
	}
}

// A closed run says so, unless it ended before.
func TestAClosedRunIsClosed(t *testing.T) {
	r := start(t, open(t, "cpu"), tiny.job(t), blobs(20, 8, 8), 1)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.State(); !errors.Is(err, errClosed) {
		t.Errorf("got the error %v, want %v", err, errClosed)
	}
	if _, err := r.Epoch(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("got the error %v, want %v", err, errClosed)
	}
}

func TestInvalidArgumentsAreErrors(t *testing.T) {
	b := open(t, "cpu")
	job := tiny.job(t)
	c, err := Compile(b, job.Program)
	if err != nil {
		t.Fatal(err)
	}
	run := start(t, b, job, blobs(20, 8, 8), 1)
	saved := state(t, run)
	short := append([]Tensor{}, saved...)
	short[2].Data = short[2].Data[1:]
	unlabelled := ring(100)
	unlabelled.Labels = nil
	classes := classifier(t, 8)
	cc, err := Compile(b, classes.Program)
	if err != nil {
		t.Fatal(err)
	}
	fewer := *job
	fewer.Reals = fewer.Reals[1:]
	begin := func(c *Compiled, job *model.Job, images Images) func() (*Run, error) {
		return func() (*Run, error) { return c.NewRun(b.Device(), job, images, 1) }
	}
	resume := func(state []Tensor) func() (*Run, error) {
		return func() (*Run, error) { return c.Resume(b.Device(), job, blobs(20, 8, 8), 1, state, 1) }
	}
	for want, do := range map[string]func() (*Run, error){
		"data: got 5 images, want at least 6: one iteration takes 1 of 6": begin(c, job, blobs(5, 8, 8)),
		"data: got images f32[h9 w9 c1], want f32[h8 w8 c1]":              begin(c, job, blobs(20, 9, 9)),
		"data: got 0 labels for 100 images, and the program uses them":    begin(cc, classes, unlabelled),
		"got a job of program " + classes.Program.Fingerprint():           begin(c, classes, ring(100)),
		"real numbers, want the":                                          begin(c, &fewer, blobs(20, 8, 8)),
		"resume: the state lacks " + saved[0].Name:                        resume(saved[1:]),
		"resume: " + saved[2].Name + ": got":                              resume(short),
	} {
		if _, err := do(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestRunsMayShareABackend(t *testing.T) {
	b, job := open(t, "cpu"), tiny.job(t)
	runs := make([]*Run, 3)
	for i := range runs {
		runs[i] = start(t, b, job, blobs(20, 8, 8), uint32(i))
	}
	done := make(chan error)
	for _, r := range runs {
		go func() {
			_, err := r.Epoch(context.Background())
			done <- err
		}()
	}
	for range runs {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range runs {
		alone := start(t, b, job, blobs(20, 8, 8), uint32(i))
		epoch(t, alone)
		same(t, fmt.Sprint("run ", i, " next to others and alone"), state(t, r), state(t, alone))
	}
}

// Runs on all devices of a backend, such as the four of XLA on the processor, have the same bits.
func TestRunsOnEveryDeviceAreBitIdentical(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		job, images := tiny.job(t), blobs(20, 8, 8)
		var want []Tensor
		for _, on := range b.Devices() {
			c, err := Compile(b, job.Program)
			if err != nil {
				t.Fatal(err)
			}
			r, err := c.NewRun(on, job, images, 7)
			if err != nil {
				t.Fatal(err)
			}
			epoch(t, r)
			got := state(t, r)
			snapshot, err := r.Snapshot(got)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := snapshot.Sample(0, 3); err != nil {
				t.Error(err)
			}
			if want == nil {
				want = got
			}
			same(t, on.String(), got, want)
			if err := errors.Join(snapshot.Close(), r.Close()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestRunsOnOneDataSetShareItOnTheDevice(t *testing.T) {
	b := open(t, "cpu loop")
	images := blobs(20, 8, 8)
	copies, gather := 0, images.Batch
	images.Batch = func(dst []float32, index []int32) { copies++; gather(dst, index) }
	for seed := range uint32(2) {
		one, two := start(t, b, tiny.job(t), images, seed), start(t, b, tiny.job(t), images, seed+5)
		epoch(t, one)
		epoch(t, two)
		for _, r := range []*Run{one, two} {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if copies != 1 {
		t.Errorf("four runs copied the data %d times, want once", copies)
	}
	other := blobs(12, 8, 8)
	other.ID = "other"
	start(t, b, tiny.job(t), other, 1)
	if len(b.resident) != 1 {
		t.Errorf("%d data sets on the device, want that of the run alone", len(b.resident))
	}
	unnamed := blobs(12, 8, 8)
	unnamed.ID = ""
	start(t, b, tiny.job(t), unnamed, 1)
	if len(b.resident) != 1 {
		t.Error("a data set without an ID is shared")
	}
}
