package runner

import (
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
)

func TestWhatRemainsIsEstimatedFromTheEpochsSoFar(t *testing.T) {
	now := time.Unix(0, 0)
	p := newPaces(func() time.Time { return now })
	small := plan.Trial{ID: "a", Job: &model.Job{Program: &model.Program{}}}
	text := func(lanes int, epochs ...int) string {
		r := remaining{measured: p.all.Epochs > 0}
		for _, n := range epochs {
			r.add(n, p.program(small.Job.Program))
		}
		return r.text(lanes)
	}
	if got, want := text(1, 3), "1 trial with 3 epochs to go, of unknown duration"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.Began(small)
	now = now.Add(time.Hour) // a compiler
	p.Epoch(small, results.Epoch{SecondsTrain: 1, SecondsEvaluate: 1})
	now = now.Add(4 * time.Second) // with a checkpoint
	p.Epoch(small, results.Epoch{SecondsTrain: 1, SecondsEvaluate: 1})
	p.Ended(small, results.Outcome{})
	now = now.Add(time.Hour) // other trials
	p.Epoch(small, results.Epoch{SecondsTrain: 3})
	for _, c := range []struct {
		lanes  int
		epochs []int
		want   string
	}{
		{1, []int{1}, "1 trial with 1 epoch to go: about 3s"},
		{1, []int{10, 30}, "2 trials with 40 epochs to go: about 2m00s"},
		{2, []int{10, 30}, "2 trials with 40 epochs to go: about 1m30s with 2 at the same time"},
		{2, []int{30, 30}, "2 trials with 60 epochs to go: about 1m30s with 2 at the same time"},
		{8, []int{4000}, "1 trial with 4000 epochs to go: about 3h20m"},
		{1, []int{50000}, "1 trial with 50000 epochs to go: about 41h40m"},
	} {
		if got := text(c.lanes, c.epochs...); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
