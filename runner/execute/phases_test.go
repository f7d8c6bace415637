package execute

import (
	"testing"
	"time"
)

// The phases are the sums of what the rows of a study say, and a lane that has nothing to do waits.
func TestPhasesAddUpWhatTheEpochsTook(t *testing.T) {
	w := newWorld(t, rings)
	x := w.executor()
	began := time.Now()
	if err := w.run(x, 3); err != nil { // two trials
		t.Fatal(err)
	}
	took := time.Since(began).Seconds()
	var want Phases
	v := w.view()
	for _, s := range w.states() {
		rows, err := v.Epochs(s.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			want.Train, want.Evaluate, want.Images = want.Train+r.SecondsTrain, want.Evaluate+r.SecondsEvaluate, want.Images+r.Images
		}
	}
	got := x.Phases()
	near := func(a, b float64) bool { return a > b-1e-9 && a < b+1e-9 }
	if !near(got.Train, want.Train) || !near(got.Evaluate, want.Evaluate) || got.Images != want.Images || got.Train <= 0 {
		t.Errorf("got %+v, want the sums %+v", got, want)
	}
	if got.Publish <= 0 || got.Wait <= 0 || got.Wait > 3*took {
		t.Errorf("got %+v after %v s", got, took)
	}
}
