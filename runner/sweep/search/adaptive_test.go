package search

import (
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

// racing is a study of the points x = 0, 1, ... with adaptive seeds and an objective to minimize.
func racing(points, start, most int) Study {
	s := Study{Search: spec.Search{Kind: spec.List}, Adaptive: &spec.Adaptive{Start: start, Error: 0.05},
		Objectives: []pareto.Objective{{Name: "fid", Direction: pareto.Min}}}
	for x := range points {
		s.Search.Points = append(s.Search.Points, spec.Point{{Name: "x", Value: spec.IntValue(int64(x))}})
	}
	for seed := range most {
		s.Seeds = append(s.Seeds, uint32(seed))
	}
	return s
}

func adaptive(t testing.TB, s Study) *Adaptive {
	t.Helper()
	a, err := NewAdaptive(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// place is the x of a suggestion.
func place(s sweep.Suggestion) int {
	x, _ := s.Point.Get("x")
	return int(x.Any().(int64))
}

// ended is the end of a suggestion's trial.
type ended func(s sweep.Suggestion) sweep.Trial

// measuring ends trials after two epochs with a value.
func measuring(fid func(x int, seed uint32) float64) ended {
	return func(s sweep.Suggestion) sweep.Trial {
		v := fid(place(s), s.Seed)
		return sweep.Trial{Suggestion: s, ID: fmt.Sprint(s.Point, s.Seed), State: sweep.Completed, Epochs: []sweep.Epoch{
			{Epoch: 1, Values: map[string]float64{"fid": 2 * v}}, {Epoch: 2, Values: map[string]float64{"fid": v}}}}
	}
}

// far values: of the points from 2 they are surely larger than those of 0 and 1, which are like each other.
var far = measuring(func(x int, seed uint32) float64 {
	wave := []float64{-1, 1, -0.5, 0.5}[seed%4]
	if x < 2 {
		return wave + float64(x)/10
	}
	return 1000*float64(x) + wave
})

// raced goes on with a history until its source has no more, with a number of trials in progress that end in an order of their own.
func raced(t testing.TB, source sweep.Source, h sweep.Trials, atOnce int, end ended) sweep.Trials {
	t.Helper()
	draws := model.NewSource(9, "order")
	h = slices.Clone(h)
	var open []int
	for {
		s, err := source.Next(len(h), h)
		switch {
		case errors.Is(err, io.EOF) && len(open) == 0:
			return h
		case err == nil && len(open) < atOnce:
			x := end(s)
			x.State, x.Epochs = sweep.Running, nil
			h = append(h, x)
			open = append(open, s.Index)
			continue
		case err != nil && !errors.Is(err, sweep.ErrWait), err != nil && len(open) == 0:
			t.Fatalf("got %v with %d trials in progress", err, len(open))
		}
		k := int(draws.Uint64() % uint64(len(open)))
		h[open[k]] = end(h[open[k]].Suggestion)
		open = slices.Delete(open, k, k+1)
	}
}

// order is the points and seeds of a history.
func order(h sweep.Trials) string {
	var list []string
	for _, t := range h {
		list = append(list, fmt.Sprint(place(t.Suggestion), "/", t.Seed))
	}
	return strings.Join(list, " ")
}

// decision is what is decided of the points, by their x.
func decision(t testing.TB, a *Adaptive, h sweep.Trials) string {
	t.Helper()
	d, err := a.Decided(h)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, list := range [][]spec.Point{d.Front, d.Undecided, d.Out} {
		text += "|"
		for _, p := range list {
			text += fmt.Sprint(place(sweep.Suggestion{Point: p}))
		}
	}
	return text
}

// All points have the first seeds, in blocks; then only those that are undecided get more, all of them at once.
func TestUndecidedPointsGetMoreSeeds(t *testing.T) {
	for _, atOnce := range []int{1, 4} {
		a := adaptive(t, racing(4, 2, 4))
		h := raced(t, a, nil, atOnce, far)
		if got, want := order(h), "0/0 1/0 2/0 3/0 0/1 1/1 2/1 3/1 0/2 1/2 0/3 1/3"; got != want {
			t.Errorf("%d at once: got %s, want %s", atOnce, got, want)
		}
		for i, saw := range map[int]int{7: 0, 8: 8, 9: 0, 10: 2, 11: 0} {
			if len(h[i].Saw) != saw {
				t.Errorf("suggestion %d saw %v, want the ends of %d trials", i, h[i].Saw, saw)
			}
		}
		if got := decision(t, a, h); got != "||01|23" {
			t.Errorf("got %s, want that 0 and 1 are undecided", got)
		}
		if a.Least() != 8 || a.Most() != 16 {
			t.Errorf("got %d to %d suggestions, want 8 to 16", a.Least(), a.Most())
		}
	}
	a := adaptive(t, racing(1, 2, 4))
	if h := raced(t, a, nil, 1, far); len(h) != 2 || decision(t, a, h) != "|0||" {
		t.Errorf("got %s of a single point, want no more seeds", order(h))
	}
}

// noisy are two objectives of points that are hard to tell apart; some trials diverge.
func noisy(s sweep.Suggestion) sweep.Trial {
	x, draws := float64(place(s)), model.NewSource(s.Seed, fmt.Sprint("noise", s.Point))
	t := sweep.Trial{Suggestion: s, ID: fmt.Sprint(s.Point, s.Seed), State: sweep.Completed}
	if draws.Uniform() < 0.1 {
		t.State = sweep.Diverged
	}
	t.Epochs = []sweep.Epoch{{Epoch: 1, Values: map[string]float64{
		"fid": math.Exp(x/4 + draws.Uniform()/10), "recall": x*x/50 + draws.Uniform()/10}}}
	return t
}

// The sequence is the same for any number of workers, and each suggestion is made again from what it and those before it saw, by a source
// that goes on and by one that has just begun.
func TestAdaptiveSeedsAreOneSequence(t *testing.T) {
	s := racing(12, 3, 8)
	s.Objectives = append(s.Objectives, pareto.Objective{Name: "recall", Direction: pareto.Max})
	h := raced(t, adaptive(t, s), nil, 1, noisy)
	for _, atOnce := range []int{2, 7} {
		if got := raced(t, adaptive(t, s), nil, atOnce, noisy); !reflect.DeepEqual(got, h) {
			t.Errorf("%d at once: got %s, want %s", atOnce, order(got), order(h))
		}
	}
	if len(h) <= 36 || len(h) >= 96 {
		t.Errorf("got %d suggestions, want more than at least and fewer than at most: is anything decided?", len(h))
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	clear(h)
	if err := json.Unmarshal(text, &h); err != nil { // as from files
		t.Fatal(err)
	}
	same := adaptive(t, s)
	for i := range h {
		for _, source := range []*Adaptive{same, same, same, adaptive(t, s)} { // what is asked for again changes nothing
			got, err := source.Next(i, seenBy(h, i))
			if err != nil || !reflect.DeepEqual(got, h[i].Suggestion) {
				t.Fatalf("suggestion %d: got %+v, %v, want %+v", i, got, err, h[i].Suggestion)
			}
		}
	}
}

// A study that gains seeds or points goes on with what it has.
func TestAdaptiveSeedsGoOn(t *testing.T) {
	h := raced(t, adaptive(t, racing(4, 2, 3)), nil, 2, far)
	for _, c := range []struct {
		study Study
		gains string
	}{
		{racing(4, 2, 4), "0/3 1/3"},
		{racing(4, 3, 4), "2/2 3/2 0/3 1/3"},
		{racing(5, 2, 3), "4/0 4/1"},
		{racing(3, 2, 3), ""}, {racing(3, 2, 4), "0/3 1/3"},
	} {
		a := adaptive(t, c.study)
		got := raced(t, a, h, 1, far)
		if text := order(got[len(h):]); text != c.gains {
			t.Errorf("got %s, want %s", text, c.gains)
		}
		for i := len(h); i < len(got); i++ {
			if again, err := adaptive(t, c.study).Next(i, seenBy(got, i)); err != nil || !reflect.DeepEqual(again, got[i].Suggestion) {
				t.Errorf("suggestion %d: got %+v, %v, want %+v", i, again, err, got[i].Suggestion)
			}
		}
	}
}

// Points that are undecided again, since less error is allowed, catch up with the others before these get more.
func TestPointsCatchUp(t *testing.T) {
	s := racing(3, 2, 4)
	s.Adaptive.Error = 0.5
	near := measuring(func(x int, seed uint32) float64 { return 8*float64(x/2) + []float64{-1, 1, -0.5, 0.5, 0}[seed] })
	h := raced(t, adaptive(t, s), nil, 1, near)
	if got, want := order(h), "0/0 1/0 2/0 0/1 1/1 2/1 0/2 1/2 0/3 1/3"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	s = racing(3, 2, 5)
	s.Adaptive.Error = 1e-9
	if got, want := order(raced(t, adaptive(t, s), h, 1, near)[len(h):]), "2/2 2/3 0/4 1/4 2/4"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A point whose trials have no value is out, and so is one whose trials judges have ended, if those of others were trained to the end. Of a
// point with both, those with values count.
func TestTrialsWithoutValuesInARace(t *testing.T) {
	states := map[int]sweep.State{2: sweep.Diverged, 3: sweep.Pruned, 4: sweep.Failed, 5: sweep.Skipped}
	end := func(s sweep.Suggestion) sweep.Trial {
		trial := far(sweep.Suggestion{Index: s.Index, Point: racing(1, 2, 3).Search.Points[0], Seed: s.Seed, Saw: s.Saw})
		trial.Suggestion, trial.ID = s, fmt.Sprint(s.Point, s.Seed)
		if state, ends := states[place(s)]; ends {
			trial.State = state
		}
		if place(s) == 1 && s.Seed == 0 {
			trial.State = sweep.Diverged
		}
		return trial
	}
	a := adaptive(t, racing(6, 2, 4))
	h := raced(t, a, nil, 3, end)
	if got, want := order(h[12:]), "0/2 1/2 0/3 1/3"; got != want || decision(t, a, h) != "||01|2345" {
		t.Errorf("got %s and %s, want %s and that the others are out", got, decision(t, a, h), want)
	}
	// The cause of the failures is gone: the point is as good as the others.
	delete(states, 4)
	for i := range h {
		h[i] = end(h[i].Suggestion)
	}
	got := raced(t, adaptive(t, racing(6, 2, 4)), h, 1, end)
	if text := order(got[16:]); text != "4/2 4/3" || len(got[16].Saw) != 4 {
		t.Errorf("got %s, first seeing %v, want the point that failed", text, got[16].Saw)
	}
	states[1], states[4] = sweep.Diverged, sweep.Diverged
	best := adaptive(t, racing(6, 2, 4))
	if h := raced(t, best, nil, 1, end); len(h) != 12 || decision(t, best, h) != "|0||12345" {
		t.Errorf("got %s and %s, want that 0 is best, since no other is left", order(h), decision(t, best, h))
	}
	states[0], states[3] = sweep.Diverged, sweep.Diverged
	lost := adaptive(t, racing(5, 2, 4))
	if h := raced(t, lost, nil, 1, end); len(h) != 10 || decision(t, lost, h) != "|||01234" {
		t.Errorf("got %s where all diverge, want no more seeds", order(h))
	}
}

// Trials that go on with more epochs are compared at their new ends, which a later suggestion lists again, and those that have more epochs
// than they need at the last that they need.
func TestARaceOfLongerTrials(t *testing.T) {
	h := raced(t, adaptive(t, racing(4, 2, 3)), nil, 1, far)
	a := adaptive(t, racing(4, 2, 4))
	longer := slices.Clone(h)
	longer[3].State = sweep.Running
	if _, err := a.Next(len(h), longer); !errors.Is(err, sweep.ErrWait) {
		t.Errorf("got %v while a trial goes on, want that the next round waits", err)
	}
	longer[3].State = sweep.Completed
	longer[3].Epochs = append(slices.Clone(h[3].Epochs), sweep.Epoch{Epoch: 3, Values: map[string]float64{"fid": 1}})
	got, err := a.Next(len(h), longer)
	if sight := got.Saw[h[3].ID]; err != nil || sight.Epochs != 3 || len(got.Saw) != 3 {
		t.Errorf("got %+v, %v, want that it saw the longer trial and the two of the last round", got, err)
	}
	longer[3].Budget = 2
	if got, err := a.Next(len(h), longer); err != nil || got.Saw[h[3].ID].Epochs != 0 || len(got.Saw) != 2 {
		t.Errorf("got %+v, %v, want that it saw the two trials of the last round", got, err)
	}
}

// What is asked for and not recorded has no part in what follows, and what an earlier suggestion saw may not be here yet.
func TestTheRecordOfARaceCounts(t *testing.T) {
	s := racing(4, 2, 4)
	whole := raced(t, adaptive(t, s), nil, 1, far)
	a := adaptive(t, s)
	for range 3 {
		if got, err := a.Next(8, whole[:8]); err != nil || !reflect.DeepEqual(got, whole[8].Suggestion) {
			t.Fatalf("got %+v, %v, want %+v", got, err, whole[8].Suggestion)
		}
	}
	late := slices.Clone(whole[:9])
	late[2].Epochs = late[2].Epochs[:1]
	if _, err := a.Next(9, late); !errors.Is(err, sweep.ErrWait) {
		t.Errorf("got %v without an epoch that suggestion 8 saw, want that it waits", err)
	}
	for i := 9; i < len(whole); i++ {
		if got, err := a.Next(i, whole[:i]); err != nil || !reflect.DeepEqual(got, whole[i].Suggestion) {
			t.Errorf("got %+v, %v, want %+v", got, err, whole[i].Suggestion)
		}
	}
	// The difference is sure at the second look, and would not be at a third one.
	near := measuring(func(x int, seed uint32) float64 { return 4.8*float64(x) + []float64{-1, 1, 0, -1}[seed] })
	if got, want := order(raced(t, adaptive(t, racing(2, 2, 4)), nil, 1, near)), "0/0 1/0 0/1 1/1 0/2 1/2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, err := a.Next(4, whole[:4]); err != nil || !reflect.DeepEqual(got, whole[4].Suggestion) {
		t.Errorf("got %+v, %v of a shorter history, want %+v", got, err, whole[4].Suggestion)
	}
}

// Points that are equal, or have the same trials, are one.
func TestPointsOfOneConfigurationAreOneInARace(t *testing.T) {
	s := racing(4, 2, 4)
	s.Search.Points = append(s.Search.Points, s.Search.Points[0])
	end := func(s sweep.Suggestion) sweep.Trial {
		trial := far(s)
		if place(s) == 1 { // the script does not read what distinguishes it from 0
			trial = far(sweep.Suggestion{Index: s.Index, Point: racing(1, 2, 3).Search.Points[0], Seed: s.Seed, Saw: s.Saw})
			trial.Suggestion = s
		}
		return trial
	}
	a := adaptive(t, s)
	h := raced(t, a, nil, 1, end)
	if got, want := order(h), "0/0 1/0 2/0 3/0 0/1 1/1 2/1 3/1"; got != want || decision(t, a, h) != "|0||23" {
		t.Errorf("got %s and %s, want %s and that 0 is best", got, decision(t, a, h), want)
	}
	if sample, err := a.Sample(t.Context()); err != nil || sample.Len() != 4 {
		t.Errorf("got %d points, %v, want 4", sample.Len(), err)
	}
}

// The variance of two such points counts once: with two degrees of freedom 15 is not sure, and with three it would be.
func TestTwinsAddNoDegreesOfFreedom(t *testing.T) {
	near := measuring(func(x int, seed uint32) float64 { return 7.5*float64(x) + []float64{-1, 1}[seed%2] })
	end := func(s sweep.Suggestion) sweep.Trial {
		if place(s) != 1 {
			return near(s)
		}
		trial := near(sweep.Suggestion{Index: s.Index, Point: racing(1, 2, 3).Search.Points[0], Seed: s.Seed, Saw: s.Saw})
		trial.Suggestion = s
		return trial
	}
	if got, want := order(raced(t, adaptive(t, racing(3, 2, 3)), nil, 1, end)), "0/0 1/0 2/0 0/1 1/1 2/1 0/2 2/2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStudiesWithoutARace(t *testing.T) {
	learns, aimless := racing(4, 2, 4), racing(4, 2, 4)
	learns.Search.Kind, aimless.Objectives = spec.TPE, nil
	for want, s := range map[string]Study{
		"tpe suggests them one by one: use seeds = 2": learns, "the study has none": aimless,
		"there are 4097, want at most 4096": racing(4097, 2, 4), "got 1000001 trials": racing(1, 2, spec.MaxPoints+1),
	} {
		if _, err := NewAdaptive(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
