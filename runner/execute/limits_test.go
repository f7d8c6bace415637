package execute

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/results"
)

// slow makes the epochs of an executor take as long as a test wants: it receives from begins when one begins, and sends to go on.
type slow struct{ begins, goOn chan bool }

func newSlow(x *Executor) slow {
	s := slow{make(chan bool), make(chan bool)}
	x.epoch = func(ctx context.Context, t *Trainee) (results.Epoch, error) {
		s.begins <- true
		select {
		case <-s.goOn:
		case <-ctx.Done():
			return results.Epoch{}, context.Cause(ctx)
		}
		row, err := trainEpoch(ctx, t)
		row.SecondsTrain = 1 // as the pace is to learn
		return row, err
	}
	return s
}

// one is a study of one trial of 5 epochs.
func one(t *testing.T) *world {
	w := newWorld(t, rings)
	w.set = []string{"lr=0.001"}
	return w
}

// A run that is asked to leave finishes the epoch in training if that is expected to take no longer than it may, and else gives it up.
func TestARunThatStopsFinishesAnEpochThatEndsInTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		grace time.Duration
		after int // epochs that have ended before
		want  int // epochs in the end
	}{
		{"in time", time.Minute, 2, 3},
		{"too late", time.Millisecond, 2, 2},
		{"of unknown duration", time.Minute, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := one(t)
			stop := make(chan struct{})
			w.config = func(f *Config) { f.Limits = Limits{Stop: stop, Grace: c.grace} }
			x := w.executor()
			x.overlaps = false
			s := newSlow(x)
			ended := make(chan error, 1)
			go func() { ended <- w.run(x, 1) }()
			for range c.after {
				<-s.begins
				s.goOn <- true
			}
			<-s.begins
			close(stop)
			if c.want > c.after {
				s.goOn <- true
			}
			select {
			case err := <-ended:
				if !errors.Is(err, ErrStopped) {
					t.Errorf("got %v, want ErrStopped", err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("the run does not end")
			}
			if got := w.states()[0]; got.Epochs != c.want || got.Status != results.Interrupted {
				t.Errorf("got %s after %d epochs, want %d", got.Status, got.Epochs, c.want)
			}
		})
	}
}

// An epoch that was expected to end in time and does not is given up.
func TestAnEpochIsGivenUpAfterTheGrace(t *testing.T) {
	w := one(t)
	stop := make(chan struct{})
	w.config = func(f *Config) { f.Limits = Limits{Stop: stop, Grace: 1200 * time.Millisecond} }
	x := w.executor()
	s := newSlow(x)
	ended := make(chan error, 1)
	go func() { ended <- w.run(x, 1) }()
	for range 2 {
		<-s.begins
		s.goOn <- true
	}
	<-s.begins // it takes a second, as the pace believes, and is not evaluated
	start := time.Now()
	close(stop)
	if err := <-ended; !errors.Is(err, ErrStopped) {
		t.Errorf("got %v, want ErrStopped", err)
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("it was given up after %v", took)
	}
	if got := w.states()[0]; got.Epochs != 2 {
		t.Errorf("got %d epochs, want 2", got.Epochs)
	}
}

// runUntilLate runs a study in one lane. In its second epoch the deadline comes so near that it is too late for a third one, and for other
// trials.
func (w *world) runUntilLate(observers ...Observer) error {
	x := w.executor()
	s := newSlow(x) // epochs of a second, as the pace believes
	start := time.Now()
	var passed atomic.Int64
	x.lab.Now = func() time.Time { return start.Add(time.Duration(passed.Load())) }
	x.Limits.Deadline = start.Add(time.Minute)
	ended := make(chan error, 1)
	go func() { ended <- w.run(x, 1, observers...) }()
	<-s.begins
	s.goOn <- true
	<-s.begins
	passed.Store(int64(time.Minute - time.Second/2))
	s.goOn <- true
	return <-ended
}

// No epoch begins that would not end before the deadline, and no trial whose first epoch would not. The run does not wait for the deadline.
func TestNoEpochBeginsThatWouldEndAfterTheDeadline(t *testing.T) {
	w, d := newWorld(t, rings), &diary{}
	if err := w.runUntilLate(d); !errors.Is(err, ErrStopped) {
		t.Errorf("got %v, want ErrStopped", err)
	}
	if d.count("begins") != 1 || d.count("epoch 2") != 1 || d.count("epoch 3") != 0 {
		t.Errorf("got the events %v", d.all())
	}
}

// The deadline ends a run like a request to leave.
func TestTheDeadlineEndsARun(t *testing.T) {
	w := one(t)
	x := w.executor()
	s := newSlow(x)
	x.Limits.Deadline = time.Now().Add(300 * time.Millisecond)
	ended := make(chan error, 1)
	go func() { ended <- w.run(x, 1) }()
	<-s.begins // of unknown duration, so that it may try
	if err := <-ended; !errors.Is(err, ErrStopped) {
		t.Errorf("got %v, want ErrStopped", err)
	}
}

// A lost device ends the run without an outcome of its trials, and another process goes on.
func TestALostDeviceLeavesItsTrialsToOthers(t *testing.T) {
	w := newWorld(t, rings)
	w.mustRun(1)
	want := w.rows()
	w = newWorld(t, rings)
	x := w.executor()
	x.epoch = func(ctx context.Context, t *Trainee) (results.Epoch, error) {
		if t.Done == 3 {
			return results.Epoch{}, errors.New("step 24: PJRT error (code=13): CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure")
		}
		return trainEpoch(ctx, t)
	}
	if err := w.run(x, 1); !errors.Is(err, ErrDeviceLost) {
		t.Errorf("got %v, want ErrDeviceLost", err)
	}
	if s := w.states()[0]; s.Status != results.Interrupted || s.Epochs != 3 {
		t.Errorf("got %s after %d epochs, want no outcome", s.Status, s.Epochs)
	}
	w.mustRun(1)
	if got := w.rows(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// That a device is lost counts as an attempt, since the trial may be why.
func TestALostDeviceCountsAsAnAttempt(t *testing.T) {
	w := one(t)
	for i := range 3 {
		x := w.executor()
		x.epoch = func(context.Context, *Trainee) (results.Epoch, error) {
			return results.Epoch{}, errors.New("PJRT error (code=14): UNAVAILABLE")
		}
		if err := w.run(x, 1); !errors.Is(err, ErrDeviceLost) {
			t.Fatalf("got %v, want ErrDeviceLost", err)
		}
		if s := w.states()[0]; s.Attempts != i+1 {
			t.Errorf("got %d attempts, want %d", s.Attempts, i+1)
		}
	}
}

// What failed for want of memory would fail again: the next run leaves it alone. What failed otherwise runs again.
func TestATrialThatNeedsTooMuchMemoryDoesNotRunAgain(t *testing.T) {
	for _, c := range []struct {
		err    error
		class  results.Failure
		again  int
		status results.Status
	}{
		{errors.New("PJRT error (code=8): RESOURCE_EXHAUSTED: Out of memory"), results.FailureMemory, 0, results.Failed},
		{errors.New("no luck"), results.FailureOther, 1, results.Completed},
		{&train.Diverged{Epoch: 0, Step: 3, What: "loss_generator is NaN"}, "", 0, results.Diverged},
	} {
		w := one(t)
		x := w.executor()
		x.epoch = func(context.Context, *Trainee) (results.Epoch, error) { return results.Epoch{}, c.err }
		if err := w.run(x, 1); err != nil {
			t.Fatal(err)
		}
		if s := w.states()[0]; s.Failure != c.class || s.Status == results.Completed {
			t.Errorf("%v: got %s of class %q", c.err, s.Status, s.Failure)
		}
		d := &diary{}
		w.mustRun(1, d)
		if s := w.states()[0]; d.count("begins") != c.again || s.Status != c.status {
			t.Errorf("%v: got %s after the events %v", c.err, s.Status, d.all())
		}
	}
}

// A process that replaces another one, or belongs to the same command, does not run again what has failed since that began.
func TestACommandRunsAFailedTrialOnce(t *testing.T) {
	w := one(t)
	began := time.Now()
	w.config = func(c *Config) { c.Began = began }
	x := w.executor()
	x.epoch = func(context.Context, *Trainee) (results.Epoch, error) { return results.Epoch{}, errors.New("no luck") }
	if err := w.run(x, 1); err != nil {
		t.Fatal(err)
	}
	d := &diary{}
	w.mustRun(1, d)
	if events := d.all(); len(events) > 0 {
		t.Errorf("got the events %v in a process of the same command", events)
	}
	began = time.Now()
	w.mustRun(1, d)
	if d.count("completed") != 1 {
		t.Errorf("got the events %v in the next command", d.all())
	}
}

// A trial that the script skips has an outcome, and neither epochs nor a turn on the device.
func TestSkippedTrialsAreRecordedWithoutTraining(t *testing.T) {
	w := newWorld(t, rings)
	w.script = skipping
	d := &diary{}
	w.mustRun(1, d)
	ended := map[results.Status]int{}
	for _, s := range w.states() {
		ended[s.Status]++
		if s.Status == results.Skipped && (s.Reason != "too fast" || s.Epochs != 0) {
			t.Errorf("got %+v", s)
		}
	}
	if ended[results.Skipped] != 1 || ended[results.Completed] != 1 || d.count("begins") != 1 || d.count("skipped") != 1 {
		t.Errorf("got %v after the events %v", ended, d.all())
	}
	d = &diary{}
	w.mustRun(1, d)
	if events := d.all(); len(events) > 0 {
		t.Errorf("got the events %v in a later run", events)
	}
}
