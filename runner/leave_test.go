package runner

import (
	"testing"
	"time"

	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/plan"
)

func TestARunSaysHowItLeaves(t *testing.T) {
	step := func(place, epoch int, left time.Duration) execute.Step {
		return execute.Step{Trial: plan.Trial{Place: place}, Epoch: epoch, Left: left}
	}
	short, long := 4*time.Second, 40*time.Second
	for _, c := range []struct {
		steps []execute.Step
		want  string
	}{
		{nil, "no epoch is in progress"},
		{[]execute.Step{step(3, 7, short)}, "finishing epoch 7 of trial 3, about 4s"},
		{[]execute.Step{step(3, 7, time.Second), step(4, 2, short)},
			"finishing epoch 7 of trial 3, epoch 2 of trial 4, about 4s"},
		{[]execute.Step{step(1, 1, short), step(2, 1, short), step(3, 1, short), step(4, 1, short)},
			"finishing the epochs of 4 trials, about 4s"},
		{[]execute.Step{step(3, 7, long)}, "leaving 1 trial after the last finished epoch, since the next may take more than 10s (--grace)"},
		{[]execute.Step{step(3, 7, short), step(4, 7, long)}, "finishing epoch 7 of trial 3, about 4s; " +
			"leaving 1 trial after the last finished epoch, since the next may take more than 10s (--grace)"},
	} {
		if got := leaving(c.steps, 10*time.Second); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}
