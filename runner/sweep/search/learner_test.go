package search

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

// learning is a study of mixedSpace with two objectives.
func learning(t testing.TB, kind spec.SearchKind, trials int) Study {
	return Study{Space: mixedSpace(t), Search: spec.Search{Kind: kind, Trials: trials, Even: 6, Seed: 5}, Seeds: []uint32{0},
		Objectives: []pareto.Objective{{Name: "loss", Direction: pareto.Min}, {Name: "score", Direction: pareto.Max}}}
}

func learner(t testing.TB, s Study) *Learner {
	t.Helper()
	l, err := NewLearner(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// trained is what becomes of a suggestion: objectives that are functions of the point. Some trials diverge.
func trained(s sweep.Suggestion) sweep.Trial {
	t := sweep.Trial{Suggestion: s, ID: fmt.Sprint(s.Point, s.Seed), State: sweep.Completed, Budget: 2}
	x, _ := s.Point.Get("x0")
	a, _ := s.Point.Get("a")
	v := x.Any().(float64)
	if a.Any() == "q" && v > .8 {
		t.State = sweep.Diverged
	}
	for epoch := range 2 {
		t.Epochs = append(t.Epochs, sweep.Epoch{Epoch: epoch + 1, Evaluated: true, Values: map[string]float64{
			"loss": math.Abs(v-.3) + float64(len(fmt.Sprint(a))) + 1/float64(epoch+1) + float64(s.Seed), "score": v}})
	}
	return t
}

// trainedFor trains the suggestions of a source until it has n, with a number of trials in progress at the same time that end in an order
// of their own. A third of them pauses on the way, and goes on later.
func trainedFor(t testing.TB, source sweep.Source, h sweep.Trials, n, atOnce int) sweep.Trials {
	t.Helper()
	draws := model.NewSource(9, "order")
	h = slices.Clone(h)
	var open []int
	for len(h) < n || len(open) > 0 {
		if len(h) < n && len(open) < atOnce {
			s, err := source.Next(len(h), h)
			if err != nil {
				t.Fatal(err)
			}
			h = append(h, trained(s))
			h[s.Index].State, h[s.Index].Epochs = sweep.Running, nil
			open = append(open, s.Index)
			continue
		}
		k := int(draws.Uint64() % uint64(len(open)))
		t := &h[open[k]]
		was := t.State
		if *t = trained(t.Suggestion); open[k]%3 == 0 && was == sweep.Running {
			t.State, t.Epochs = sweep.Paused, t.Epochs[:1]
			continue
		}
		open = slices.Delete(open, k, k+1)
	}
	return h
}

// seenBy is the history that a suggestion was made from: of its trials only what it and the suggestions before it saw.
func seenBy(h sweep.Trials, i int) sweep.Trials {
	saw := sweep.Seen{}
	for _, s := range h[:i+1] {
		for id, sight := range s.Saw {
			saw[id] = sight
		}
	}
	past := slices.Clone(h[:i])
	for j := range past {
		sight, seen := saw[past[j].ID]
		if past[j].State = sight.State; !seen {
			past[j].State = sweep.Running
		}
		past[j].Epochs = past[j].Epochs[:sight.Epochs]
	}
	return past
}

// Each suggestion is made again from what it and those before it saw, by a source that goes on and by one that has just begun.
func TestWhatASuggestionSawMakesItAgain(t *testing.T) {
	for _, kind := range []spec.SearchKind{spec.TPE, spec.NSGA2, spec.GP} {
		for _, atOnce := range []int{1, 4} {
			n := map[spec.SearchKind]int{spec.TPE: 40, spec.NSGA2: 40, spec.GP: 12}[kind]
			s := learning(t, kind, n)
			h := trainedFor(t, learner(t, s), nil, n, atOnce)
			text, err := json.Marshal(h)
			if err != nil {
				t.Fatal(err)
			}
			clear(h)
			if err := json.Unmarshal(text, &h); err != nil { // as from files
				t.Fatal(err)
			}
			same := learner(t, s)
			for i := range h {
				for _, source := range []*Learner{same, learner(t, s)} {
					got, err := source.Next(i, seenBy(h, i))
					if err != nil || !reflect.DeepEqual(got, h[i].Suggestion) {
						t.Fatalf("%s, %d at once, suggestion %d: got %+v, %v, want %+v", kind, atOnce, i, got, err, h[i].Suggestion)
					}
				}
			}
			if _, err := same.Next(len(h), h); !errors.Is(err, io.EOF) {
				t.Errorf("got %v after the last suggestion, want io.EOF", err)
			}
			apart := map[string]bool{}
			for _, x := range h {
				apart[x.Point.String()] = true
			}
			if len(apart) != len(h) {
				t.Errorf("got %d different points of %d", len(apart), len(h))
			}
		}
	}
}

// A suggestion that another process was the first to record counts, and what it saw.
func TestTheRecordCountsNotWhatWasAsked(t *testing.T) {
	s := learning(t, spec.TPE, 20)
	h := trainedFor(t, learner(t, s), nil, 12, 3)
	a, b := learner(t, s), learner(t, s)
	for range 2 { // b asks, and is too late
		if _, err := b.Next(len(h), h); err != nil {
			t.Fatal(err)
		}
	}
	running := slices.Clone(h)
	running[11].State, running[11].Epochs = sweep.Running, nil
	one, err := a.Next(len(h), running)
	if err != nil {
		t.Fatal(err)
	}
	h = append(h, trained(one))
	got, err := b.Next(len(h), h)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := learner(t, s).Next(len(h), h)
	if !reflect.DeepEqual(got, want) || got.Saw[h[11].ID].Epochs != 2 {
		t.Errorf("got %+v, want %+v, which saw trial 11", got, want)
	}
}

// What an earlier suggestion saw may not be here yet: another process wrote it.
func TestASuggestionWaitsForWhatAnEarlierOneSaw(t *testing.T) {
	s := learning(t, spec.TPE, 20)
	h := trainedFor(t, learner(t, s), nil, 15, 1)
	late := slices.Clone(h)
	late[3].State, late[3].Epochs = sweep.Running, late[3].Epochs[:1]
	l := learner(t, s)
	if _, err := l.Next(len(h), late); !errors.Is(err, sweep.ErrWait) {
		t.Errorf("got %v, want ErrWait", err)
	}
	got, err := l.Next(len(h), h)
	want, _ := learner(t, s).Next(len(h), h)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// A trial that failed may run again, and then counts as it ended. Any other end stays what it was when it was seen.
func TestAFailureMayBeMended(t *testing.T) {
	s := learning(t, spec.TPE, 20)
	h := trainedFor(t, learner(t, s), nil, 12, 1)
	h[11].State, h[11].Epochs = sweep.Failed, nil
	l := learner(t, s)
	first, err := l.Next(len(h), h)
	if err != nil || first.Saw[h[11].ID] != (sweep.Sight{State: sweep.Failed}) {
		t.Fatalf("got %+v, %v, want that it saw the failure", first, err)
	}
	h = append(h, trained(first))
	h[11] = trained(h[11].Suggestion)
	got, err := l.Next(len(h), h)
	if err != nil || got.Saw[h[11].ID].Epochs != 2 {
		t.Errorf("got %+v, %v, want that it saw the trial again", got, err)
	}
}

// Every point has all seeds before the next, and a study that gains a seed gives it to all points.
func TestSeedsOfALearner(t *testing.T) {
	s := learning(t, spec.TPE, 12)
	s.Seeds = []uint32{3, 1}
	l := learner(t, s)
	if l.Most() != 24 {
		t.Errorf("got at most %d, want 24", l.Most())
	}
	h := trainedFor(t, l, nil, 24, 1)
	for i := 0; i < 24; i += 2 {
		if h[i].Point.String() != h[i+1].Point.String() || h[i].Seed != 3 || h[i+1].Seed != 1 {
			t.Errorf("got %+v and %+v, want one point with both seeds", h[i].Suggestion, h[i+1].Suggestion)
		}
	}
	ended := slices.IndexFunc(l.points, func(p observation) bool { return p.costs != nil })
	one, other := h[2*ended].Epochs[1].Values["loss"], h[2*ended+1].Epochs[1].Values["loss"]
	if got, want := l.points[ended].costs[0], (one+other)/2; math.Abs(got-want) > 1e-12 || one == other {
		t.Errorf("got the cost %g, want the mean %g over the seeds", got, want)
	}
	s.Seeds = []uint32{3, 1, 4}
	l = learner(t, s)
	for i := range 12 {
		got, err := l.Next(len(h), h)
		if err != nil || got.Seed != 4 || got.Point.String() != h[2*i].Point.String() {
			t.Fatalf("got %+v, %v, want the seed 4 of point %d", got, err, i)
		}
		h = append(h, trained(got))
	}
	if _, err := l.Next(len(h), h); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want io.EOF", err)
	}
}

// The points of the script come first, then even ones, all different and within the constraint; a space without new points ends the search.
func TestPointsOfALearner(t *testing.T) {
	s := learning(t, spec.NSGA2, 100)
	s.Space = s.Space[:2]
	s.Search.Points = []spec.Point{{{Name: "a", Value: spec.StringValue("r")}, {Name: "n", Value: spec.IntValue(32)}}}
	s.Allows = func(_ context.Context, p spec.Point) (bool, error) {
		a, _ := p.Get("a")
		return a.Any() != "q", nil
	}
	l := learner(t, s)
	var h sweep.Trials
	for {
		got, err := l.Next(len(h), h)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		h = append(h, sweep.Trial{Suggestion: got, ID: got.Point.String(), State: sweep.Completed, Epochs: []sweep.Epoch{{Epoch: 1,
			Values: map[string]float64{"loss": 1, "score": float64(len(h))}}}})
	}
	if len(h) != 6 || h[0].ID != `a="r" n=32` {
		t.Errorf("got %d points, first %s, want the 6 that satisfy the constraint, that of the script first", len(h), h[0].ID)
	}
	sample, err := l.Sample(t.Context())
	if err != nil || sample.Len() != 6 {
		t.Errorf("got a sample of %d, %v", sample.Len(), err)
	}
	broken := errors.New("broken")
	s.Allows = func(context.Context, spec.Point) (bool, error) { return false, broken }
	if _, err := NewLearner(t.Context(), s); !errors.Is(err, broken) {
		t.Errorf("got %v, want the error of the constraint", err)
	}
	s.Allows = func(context.Context, spec.Point) (bool, error) { return false, nil }
	if _, err := NewLearner(t.Context(), s); err == nil || !strings.Contains(err.Error(), "constraint") {
		t.Errorf("got %v, want that nothing satisfies the constraint", err)
	}
	s.Allows, s.Search.Kind, s.Objectives = nil, spec.GP, make([]pareto.Objective, 3)
	if _, err := NewLearner(t.Context(), s); err == nil || !strings.Contains(err.Error(), "gp learns from one objective or two") {
		t.Errorf("got %v, want that there are too many objectives", err)
	}
	s.Objectives = nil
	if _, err := NewLearner(t.Context(), s); err == nil || !strings.Contains(err.Error(), "objectives") {
		t.Errorf("got %v, want that there are no objectives", err)
	}
}

// What counts of trials: the last epoch with all objectives; nothing of one without a usable model.
func TestCosts(t *testing.T) {
	s := learning(t, spec.TPE, 1)
	trial := sweep.Trial{State: sweep.Completed, Epochs: []sweep.Epoch{
		{Epoch: 1, Values: map[string]float64{"loss": 1, "score": 2}}, {Epoch: 2, Values: map[string]float64{"loss": 3, "score": 4}},
		{Epoch: 3, Values: map[string]float64{"loss": 5, "score": math.NaN()}}, {Epoch: 4, Values: map[string]float64{"loss": 6}}}}
	for sight, want := range map[sweep.Sight][]float64{
		{State: sweep.Completed, Epochs: 4}: {3, -4}, {State: sweep.Collapsed, Epochs: 1}: {1, -2}, {State: sweep.Completed}: nil,
		{State: sweep.Diverged, Epochs: 4}: nil, {State: sweep.Failed, Epochs: 4}: nil, {State: sweep.Skipped}: nil,
	} {
		if got := s.costs(trial, sight); !slices.Equal(got, want) {
			t.Errorf("%+v: got %v, want %v", sight, got, want)
		}
	}
}

// Of a trial that a rule ended counts what it was compared by, and nothing takes the place of a final value that is missing.
func TestCostsOfFinalEvaluations(t *testing.T) {
	s := learning(t, spec.TPE, 1)
	s.Objectives = []pareto.Objective{{Name: "final_fid", Direction: pareto.Min}, {Name: "score", Direction: pareto.Max}}
	trial := sweep.Trial{Epochs: []sweep.Epoch{{Epoch: 1, Values: map[string]float64{"fid": 9, "score": 1}},
		{Epoch: 2, Values: map[string]float64{"fid": 8, "score": 2, "final_fid": 70}}}}
	for sight, want := range map[sweep.Sight][]float64{
		{State: sweep.Completed, Epochs: 2}: {70, -2}, {State: sweep.Pruned, Epochs: 1}: {9, -1}, {State: sweep.Paused, Epochs: 1}: {9, -1},
		{State: sweep.Completed, Epochs: 1}: nil, {State: sweep.Collapsed, Epochs: 1}: nil,
	} {
		if got := s.costs(trial, sight); !slices.Equal(got, want) {
			t.Errorf("%+v: got %v, want %v", sight, got, want)
		}
	}
}

func TestTheFittestComeFirst(t *testing.T) {
	of := func(pruned int, costs ...float64) observation {
		o := observation{ended: true, costs: costs, lasted: toTheEnd}
		if pruned > 0 {
			o.lasted = pruned
		}
		return o
	}
	for _, c := range []struct {
		seen []observation
		want []int
	}{
		{[]observation{of(0, 3), of(2, 0), of(0, 1), {}, of(5, 9), of(5, 8), {ended: true}}, []int{2, 0, 5, 4, 1}},
		// The front is 0, 2, 3 and 4, whose ends have the most room, and then 4 and 2 by theirs; 1 is dominated.
		{[]observation{of(0, 0, 9), of(0, 5, 6), of(0, 1, 5), of(0, 9, 0), of(0, 4, 4)}, []int{0, 3, 4, 2, 1}},
	} {
		for n := range len(c.seen) + 1 {
			if got, want := fittest(c.seen, n), c.want[:min(n, len(c.want))]; !slices.Equal(got, want) {
				t.Errorf("the %d fittest of %v: got %v, want %v", n, c.seen, got, want)
			}
		}
	}
}
