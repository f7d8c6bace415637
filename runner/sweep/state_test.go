package sweep_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Every pair of a state and an event, with the state that follows; - if the event cannot happen.
const life = `
          begin    leave    pause   promote  complete   prune   collapse   diverge   fail    skip     extend   retry
waiting   running  -        -       -        -          -       -          -         failed  skipped  -        -
running   -        waiting  paused  -        completed  pruned  collapsed  diverged  failed  -        -        -
paused    -        -        -       waiting  -          pruned  -          -         -       -        -        -
completed -        -        -       -        -          -       -          -         -       -        waiting  waiting
pruned    -        -        -       -        -          -       -          -         -       -        -        waiting
collapsed -        -        -       -        -          -       -          -         -       -        waiting  waiting
diverged  -        -        -       -        -          -       -          -         -       -        waiting  waiting
failed    -        -        -       -        -          -       -          -         -       -        -        waiting
skipped   -        -        -       -        -          -       -          -         -       -        -        -
`

func TestEveryPairOfAStateAndAnEvent(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(life), "\n")
	events := strings.Fields(lines[0])
	if len(events) != len(sweep.Events) || len(lines)-1 != len(sweep.States) {
		t.Fatalf("got a table of %d events and %d states, want %d and %d", len(events), len(lines)-1, len(sweep.Events), len(sweep.States))
	}
	for _, line := range lines[1:] {
		row := strings.Fields(line)
		state := sweep.State(row[0])
		if !slices.Contains(sweep.States, state) {
			t.Errorf("there is no state %s", state)
		}
		for i, want := range row[1:] {
			event := sweep.Event(events[i])
			if !slices.Contains(sweep.Events, event) {
				t.Errorf("there is no event %s", event)
			}
			got, err := state.After(event)
			switch {
			case want == "-" && (err == nil || got != state || err.Error() != fmt.Sprintf("a trial that is %s cannot %s", state, event)):
				t.Errorf("%s after %s: got %s and %v, want an error", event, state, got, err)
			case want != "-" && (err != nil || got != sweep.State(want)):
				t.Errorf("%s after %s: got %s and %v, want %s", event, state, got, err, want)
			}
		}
	}
}

// Whatever happens to trials, they come to an end, a final state is left only to run again, and only running trials train.
func TestRandomWalksThroughALife(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	ends := map[sweep.State]int{}
	for range 2000 {
		state := sweep.Waiting
		for range 50 {
			event := sweep.Events[random.IntN(len(sweep.Events))]
			next, err := state.After(event)
			if err != nil {
				continue
			}
			switch {
			case state.Final() && (next != sweep.Waiting || event != sweep.Extends && event != sweep.Retries):
				t.Fatalf("got %s after %s at the final state %s", next, event, state)
			case next.Final() && state != sweep.Running && event != sweep.Skips && event != sweep.Fails && event != sweep.Prunes:
				t.Fatalf("got %s from %s by %s", next, state, event)
			case state == sweep.Skipped:
				t.Fatal("got a skipped trial that goes on")
			}
			state = next
		}
		ends[state]++
		// From everywhere an end can be reached.
		for range 2 {
			if state.Final() {
				break
			}
			for _, e := range []sweep.Event{sweep.Begins, sweep.Completes, sweep.Prunes} {
				if next, err := state.After(e); err == nil {
					state = next
					break
				}
			}
		}
		if !state.Final() {
			t.Fatalf("got no end from %s", state)
		}
	}
	for _, s := range sweep.States {
		if ends[s] == 0 {
			t.Errorf("no walk ended in %s", s)
		}
	}
}

// A record has a status that is no state: interrupted. Such a trial has not ended.
func TestWhatIsNoStateHasNotEnded(t *testing.T) {
	for _, s := range []sweep.State{"interrupted", ""} {
		if s.Final() {
			t.Errorf("%q has ended", s)
		}
	}
}

func TestALargerBudgetReopensTrialsThatTheirBudgetEnded(t *testing.T) {
	for _, c := range []struct {
		state                  sweep.State
		epochs, budget, wanted int
		want                   bool
	}{
		{sweep.Completed, 10, 10, 20, true},
		{sweep.Completed, 10, 10, 10, false},
		{sweep.Completed, 10, 10, 5, false}, // a prefix
		{sweep.Collapsed, 10, 10, 20, true}, // perhaps only at the end
		{sweep.Collapsed, 5, 10, 20, false}, // the larger budget would not have mattered
		{sweep.Diverged, 9, 10, 20, true},
		{sweep.Diverged, 4, 10, 20, false},
		{sweep.Pruned, 5, 10, 20, false},
		{sweep.Failed, 9, 10, 20, false}, // it runs again in any case
		{sweep.Skipped, 0, 0, 20, false},
		{sweep.Waiting, 5, 10, 20, false}, // it never ended
		{sweep.Paused, 5, 10, 20, false},
	} {
		if got := c.state.Extends(c.epochs, c.budget, c.wanted); got != c.want {
			t.Errorf("%+v: got %t", c, got)
		}
		if _, err := c.state.After(sweep.Extends); c.want && err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestFailuresOfMemoryDoNotRunAgain(t *testing.T) {
	for _, s := range sweep.States {
		for _, class := range []string{"", sweep.FailureData, sweep.FailureDevice, sweep.FailureScript, sweep.FailureMemory} {
			if got, want := s.RunsAgain(class), s == sweep.Failed && class != "memory"; got != want {
				t.Errorf("%s of class %q: got %t, want %t", s, class, got, want)
			}
		}
	}
}

// A trial that was extended from 5 epochs to 8 is judged by what one of 8 epochs at once is judged by.
func TestJudgesSeeTheEvaluationsOfThePresentBudget(t *testing.T) {
	trial := sweep.Trial{Budget: 8, Evaluation: spec.Evaluation{Every: 3}}
	for epoch := 1; epoch <= 8; epoch++ {
		trial.Epochs = append(trial.Epochs, sweep.Epoch{Epoch: epoch, Evaluated: epoch%3 == 0 || epoch == 5 || epoch == 8})
	}
	for budget, want := range map[int]string{8: "[3 6 8]", 5: "[3 5]", 9: "[3 6]", 7: "[3 6]"} {
		trial.Budget = budget
		var got []int
		for _, e := range trial.Evaluations() {
			got = append(got, e.Epoch)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("budget %d: got %v, want %s", budget, got, want)
		}
	}
	if last := trial.Last(); last != 8 {
		t.Errorf("got the last epoch %d", last)
	}
	if last := (sweep.Trial{}).Last(); last != 0 {
		t.Errorf("got the last epoch %d of a trial that has none", last)
	}
}

// fixedJudge has one verdict.
type fixedJudge sweep.Verdict

func (j fixedJudge) Judge(sweep.Trial, sweep.History) sweep.Verdict { return sweep.Verdict(j) }

func TestOfSeveralVerdictsTheMostDecisiveCounts(t *testing.T) {
	goes := fixedJudge{}
	waits := fixedJudge{Action: sweep.Pause}
	prunes := fixedJudge{sweep.Stop, sweep.Pruned, "slow"}
	collapses := fixedJudge{sweep.Stop, sweep.Collapsed, "one image"}
	for _, c := range []struct {
		judges sweep.Judges
		want   fixedJudge
	}{
		{nil, goes},
		{sweep.Judges{goes, goes}, goes},
		{sweep.Judges{goes, waits}, waits},
		{sweep.Judges{waits, collapses, prunes}, collapses},
		{sweep.Judges{prunes, waits, collapses}, prunes},
	} {
		if got := c.judges.Judge(sweep.Trial{}, nil); got != sweep.Verdict(c.want) {
			t.Errorf("%v: got %v, want %v", c.judges, got, c.want)
		}
	}
}
