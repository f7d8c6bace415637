package sweep_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
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

// fixed is a judge with one verdict, and a contest that compares after even epochs.
type fixed sweep.Verdict

func (f fixed) Judge(sweep.Trial) sweep.Verdict { return sweep.Verdict(f) }

func (fixed) Metrics() []string { return []string{"fid"} }

func (fixed) Enter(t sweep.Trial) (bracket int, due bool) { return 3, t.Last()%2 == 0 }

func (f fixed) Verdict(sweep.Entry, sweep.Entries) sweep.Verdict { return sweep.Verdict(f) }

func (f fixed) Promoted(now sweep.Entries) []sweep.Entry { return now.List }

var (
	goes      = fixed{}
	waits     = fixed{Action: sweep.Pause}
	prunes    = fixed{sweep.Stop, sweep.Pruned, "slow"}
	collapses = fixed{sweep.Stop, sweep.Collapsed, "one image"}
)

func TestOfSeveralVerdictsOnATrialAloneTheFirstCounts(t *testing.T) {
	for _, c := range []struct {
		judges []sweep.Judge
		want   fixed
	}{
		{nil, goes},
		{[]sweep.Judge{goes, goes}, goes},
		{[]sweep.Judge{goes, collapses, prunes}, collapses},
	} {
		if got := (sweep.Judges{Alone: c.judges}).Judge(sweep.Trial{}); got != sweep.Verdict(c.want) {
			t.Errorf("%v: got %v, want %v", c.judges, got, c.want)
		}
	}
}

func TestOfSeveralContestsTheMostDecisiveCounts(t *testing.T) {
	at := func(epoch int) sweep.Trial { return sweep.Trial{Epochs: []sweep.Epoch{{Epoch: epoch}}} }
	for _, c := range []struct {
		contests []sweep.Contest
		want     fixed
	}{
		{nil, goes},
		{[]sweep.Contest{goes, waits}, waits},
		{[]sweep.Contest{waits, collapses, prunes}, collapses},
		{[]sweep.Contest{prunes, waits, collapses}, prunes},
	} {
		js := sweep.Judges{Contests: c.contests}
		if got := js.Compare(at(2), sweep.Entry{}, sweep.Entries{}); got != sweep.Verdict(c.want) {
			t.Errorf("%v: got %v, want %v", c.contests, got, c.want)
		}
		if got := js.Compare(at(3), sweep.Entry{}, sweep.Entries{}); got != (sweep.Verdict{}) {
			t.Errorf("%v: got %v of those that do not compare", c.contests, got)
		}
	}
}

// An entry has the values of the trial's last epoch, without those that are not finite, if that was evaluated and is compared.
func TestEntries(t *testing.T) {
	js := sweep.Judges{Contests: []sweep.Contest{goes, waits}}
	trial := func(last sweep.Epoch) sweep.Trial {
		return sweep.Trial{Suggestion: sweep.Suggestion{}, ID: "a", Budget: 9, Evaluation: spec.Evaluation{Every: 1},
			Epochs: []sweep.Epoch{{Epoch: 1, Evaluated: true, Values: map[string]float64{"fid": 9}}, last}}
	}
	for _, c := range []struct {
		last sweep.Epoch
		due  bool
		want map[string]float64
	}{
		{sweep.Epoch{Epoch: 2, Evaluated: true, Values: map[string]float64{"fid": 3, "loss": 4}}, true, map[string]float64{"fid": 3}},
		{sweep.Epoch{Epoch: 2, Evaluated: true, Values: map[string]float64{"fid": math.Inf(1)}}, true, map[string]float64{}},
		{sweep.Epoch{Epoch: 2}, false, nil},
		{sweep.Epoch{Epoch: 3, Evaluated: true}, false, nil},
	} {
		e, due := js.Enter(trial(c.last))
		if due != c.due {
			t.Errorf("%+v: due is %t", c.last, due)
		}
		if want := (sweep.Entry{Trial: "a", Epoch: 2, Bracket: 3, Values: c.want}); due && !reflect.DeepEqual(e, want) {
			t.Errorf("%+v: got %+v, want %+v", c.last, e, want)
		}
	}
	text, err := json.Marshal(sweep.Entry{Trial: "a", Epoch: 2, Values: map[string]float64{}, Verdict: sweep.Verdict(waits)})
	if want := `{"trial":"a","epoch":2,"values":{},"action":"pause"}`; string(text) != want || err != nil {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	var back sweep.Entry
	if err := json.Unmarshal([]byte(`{"action":"sleep"}`), &back); err == nil || !strings.Contains(err.Error(), "[continue pause stop]") {
		t.Errorf("got %v of an unknown action", err)
	}
	if got := js.Promoted(sweep.Entries{List: []sweep.Entry{{Trial: "a", Verdict: sweep.Verdict(waits)}}, Over: true}); len(got) != 2 ||
		!got[0].Over || got[0].Verdict != (sweep.Verdict{}) {
		t.Errorf("got %+v promoted", got)
	}
}
