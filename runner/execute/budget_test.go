package execute

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep"
)

// epochs are the metrics of a trial's epochs.
func (w *world) epochs(trial string) (list []results.Metrics) {
	w.Helper()
	rows, err := w.view().Epochs(trial)
	if err != nil {
		w.Fatal(err)
	}
	for _, r := range rows {
		list = append(list, r.Metrics)
	}
	return list
}

// More epochs extend finished trials: from their checkpoints if those were kept, else from their beginning. Only the evaluation at the
// old end, which a longer trial would not have, tells them from trials that had so many epochs at once.
func TestMoreEpochsExtendFinishedTrials(t *testing.T) {
	once := newWorld(t, rings)
	once.set = []string{"epochs=8"}
	once.mustRun(1)
	for _, keep := range []results.Keep{results.KeepAll, results.KeepNone} {
		w := newWorld(t, rings)
		w.keep = keep
		w.mustRun(1)
		w.set = []string{"epochs=8"}
		x, d := w.executor(), &diary{}
		if err := x.Prepare(t.Context(), func() {}); err != nil {
			t.Fatal(err)
		}
		if e := x.Earlier(); e.Finished != 0 || len(e.Extended) != 2 {
			t.Errorf("got %+v, want 2 trials to extend", e)
		}
		if err := w.run(x, 1, d); err != nil {
			t.Fatal(err)
		}
		trained := 2 * 3
		if keep == results.KeepNone {
			trained = 2 * 8
		}
		if got := len(d.all()) - 2*2; got != trained {
			t.Errorf("keep %s: got %d epochs, want %d: %v", keep, got, trained, d.all())
		}
		for _, s := range w.states() {
			if s.Status != results.Completed || s.Epochs != 8 || s.Length != 8 {
				t.Errorf("keep %s: got %+v, want 8 epochs", keep, s)
			}
			got, want := w.epochs(s.ID), once.epochs(s.ID)
			if _, evaluated := got[4]["fid"]; !evaluated && keep == results.KeepAll {
				t.Error("the evaluation of the old end is lost")
			}
			got[4], want[4] = nil, nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("keep %s: got\n%v\nwant\n%v", keep, got, want)
			}
		}
	}
}

// Fewer epochs are a prefix of what is there.
func TestFewerEpochsNeedNoTraining(t *testing.T) {
	w := newWorld(t, rings)
	w.mustRun(1)
	w.set = []string{"epochs=3"}
	d := &diary{}
	w.mustRun(1, d)
	if events := d.all(); len(events) > 0 {
		t.Errorf("got the events %v", events)
	}
}

// An unfinished trial that has the epochs already is finished without training.
func TestAnUnfinishedTrialIsFinishedByFewerEpochs(t *testing.T) {
	w := newWorld(t, rings)
	x := w.executor()
	ctx, cancel := background(t)
	d := &diary{epoch: nil}
	d.epoch = stopAfter(3, cancel)
	if err := x.Prepare(ctx, func() {}); err != nil {
		t.Fatal(err)
	}
	if err := x.Run(ctx, 1, d); err == nil {
		t.Error("got no error of an interrupted run")
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	w.set = []string{"epochs=2"}
	d = &diary{}
	w.mustRun(1, d)
	if d.count("completed") != 2 || d.count("epoch 1") != 1 || d.count("epoch 2") != 1 {
		t.Errorf("got the events %v, want one trial to be trained", d.all())
	}
}

// strict is a made-up judge that finds a collapse in the last epoch of any budget.
type strict struct{}

func (strict) Judge(t sweep.Trial) sweep.Verdict {
	if e := t.Evaluations(); len(e) == 0 || t.Last() < t.Budget {
		return sweep.Verdict{}
	}
	return sweep.Verdict{Action: sweep.Stop, Status: sweep.Collapsed, Reason: "in the end"}
}

// A collapse that only the end of a smaller budget has shown does not end a trial that gets more epochs.
func TestACollapseAtTheEndOfABudgetIsNotTheEndOfALargerOne(t *testing.T) {
	w := newWorld(t, rings)
	w.set = []string{"lr=0.001"}
	w.keep = results.KeepAll
	w.config = func(c *Config) { c.Judges.Alone = []sweep.Judge{strict{}} }
	for _, epochs := range []int{5, 7} {
		w.set = []string{"lr=0.001", fmt.Sprint("epochs=", epochs)}
		d := &diary{}
		w.mustRun(1, d)
		if s := w.states()[0]; s.Status != results.Collapsed || s.Epochs != epochs || d.count("begins") != 1 {
			t.Errorf("got %s after %d epochs, want %d: %v", s.Status, s.Epochs, epochs, d.all())
		}
	}
}
