package prune_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/prune"
)

var (
	byFID  = []pareto.Objective{{Name: "fid", Direction: pareto.Min}}
	byBoth = append(slices.Clone(byFID), pareto.Objective{Name: "recall", Direction: pareto.Max})
)

// Rungs are the first evaluations after 2, 6 and 18 epochs of 30.
func TestATrialIsComparedAtItsRungs(t *testing.T) {
	h := prune.Halving{Reduction: 3, Least: 2, Objectives: byFID}
	for every, want := range map[int][]int{1: {2, 6, 18}, 2: {2, 6, 18}, 4: {4, 8, 20}, 5: {5, 10, 20}, 15: {15}, 20: {20}, 30: nil} {
		trial := sweep.Trial{ID: "00000000", Budget: 30, Evaluation: spec.Evaluation{Every: every}}
		var got []int
		for epoch := 1; epoch <= 30; epoch++ {
			trial.Epochs = append(trial.Epochs, sweep.Epoch{Epoch: epoch, Evaluated: epoch%every == 0 || epoch == 30})
			if bracket, due := h.Enter(trial); due {
				got = append(got, epoch)
			} else if bracket != 0 {
				t.Errorf("got bracket %d", bracket)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("every %d: got %v, want %v", every, got, want)
		}
	}
}

// Of 9 epochs with a reduction of 3 there are the rungs 1 and 3, and Hyperband has brackets of 9, 5 and 3 trials with 2, 1 and 0 rungs.
func TestBracketsHaveHyperbandsShares(t *testing.T) {
	h := prune.Halving{Reduction: 3, Least: 1, Brackets: true, Objectives: byFID}
	trials, rungs := map[int]int{}, map[int][]int{0: {1, 3}, 1: {3}}
	const n = 17 * 100
	for i := range n {
		trial := sweep.Trial{ID: fmt.Sprintf("%08x", uint32((float64(i)+0.5)/n*(1<<32))), Budget: 9, Evaluation: spec.Evaluation{Every: 1}}
		var in int
		var got []int
		for epoch := 1; epoch <= 9; epoch++ {
			trial.Epochs = append(trial.Epochs, sweep.Epoch{Epoch: epoch, Evaluated: true})
			bracket, due := h.Enter(trial)
			if in = bracket; due {
				got = append(got, epoch)
			}
		}
		if trials[in]++; !slices.Equal(got, rungs[in]) {
			t.Fatalf("bracket %d: got rungs %v, want %v", in, got, rungs[in])
		}
	}
	if fmt.Sprint(trials) != "map[0:900 1:500 2:300]" {
		t.Errorf("got %v", trials)
	}
}

// entries are a line for each: trial, epoch, fid and, with two objectives, recall; - for a value that is missing. Each has the verdict of h
// given those before it.
func entries(h prune.Halving, lines string) (list []sweep.Entry) {
	for line := range strings.Lines(lines) {
		var e sweep.Entry
		words := strings.Fields(line)
		fmt.Sscan(words[0], &e.Trial)
		fmt.Sscan(words[1], &e.Epoch)
		e.Values = map[string]float64{}
		for j, o := range h.Objectives {
			var v float64
			if n, _ := fmt.Sscan(words[2+j], &v); n == 1 {
				e.Values[o.Name] = v
			}
		}
		e.Verdict = h.Verdict(e, sweep.Entries{List: list})
		list = append(list, e)
	}
	return list
}

func actions(list []sweep.Entry) string {
	var texts []string
	for _, e := range list {
		texts = append(texts, e.Trial+" "+e.Action.String())
	}
	return strings.Join(texts, ", ")
}

func TestTheBestOfARungGoOn(t *testing.T) {
	for name, c := range map[string]struct {
		objectives     []pareto.Objective
		lines          string
		want, promoted string // of the entries; of those that go on afterwards
	}{
		"none of two":       {byFID, "a 1 5\nb 1 4", "a pause, b pause", ""},
		"the best of three": {byFID, "a 1 5\nb 1 4\nc 1 3", "a pause, b pause, c continue", ""},
		"one before":        {byFID, "a 1 5\nb 1 3\nc 1 4", "a pause, b pause, c pause", "b"},
		"equal ones":        {byFID, "a 1 3\nb 1 3\nc 1 3", "a pause, b pause, c pause", "a"},
		"without a value":   {byFID, "a 1 -\nb 1 -\nc 1 9", "a pause, b pause, c continue", ""},
		"other epochs":      {byFID, "a 1 5\nb 2 4\nc 3 3", "a pause, b pause, c pause", ""},
		"two of six": {byFID, "a 1 1\nb 1 2\nc 1 3\nd 1 4\ne 1 5\nf 1 6", "a pause, b pause, c pause, d pause, e pause, f pause",
			"a, b"},
		"further on": {byFID, "a 1 9\nb 1 9\nc 1 3\nc 3 3\nd 1 2\nd 3 4", "a pause, b pause, c continue, c pause, d continue, d pause", ""},
		"on a front": {byBoth, "a 1 1 0.1\nb 1 5 0.2\nc 1 9 0.9", "a pause, b pause, c pause", "a"},
		"dominated":  {byBoth, "a 1 2 0.1\nb 1 5 0.2\nc 1 1 0.9", "a pause, b pause, c continue", ""},
		"without an objective": {byBoth, "a 1 0 -\nb 1 5 0.2\nc 1 9 0.1", "a pause, b pause, c pause",
			"b"},
	} {
		h := prune.Halving{Reduction: 3, Least: 1, Objectives: c.objectives}
		list := entries(h, c.lines)
		if got := actions(list); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		var promoted []string
		for _, e := range h.Promoted(sweep.Entries{List: list}) {
			promoted = append(promoted, e.Trial)
		}
		if got := strings.Join(promoted, ", "); got != c.promoted {
			t.Errorf("%s: got %q promoted, want %q", name, got, c.promoted)
		}
	}
}

// When nothing else can run, the best of each rung that is short of trials goes on, unless one has; and the others end.
func TestInTheEndTheBestGoesOn(t *testing.T) {
	h := prune.Halving{Reduction: 3, Least: 1, Objectives: byFID}
	list := entries(h, "a 1 5\nb 1 4\nc 1 3\nc 3 2\nd 1 9")
	end := sweep.Entries{List: list, Over: true}
	if got := h.Promoted(end); len(got) != 1 || got[0].Trial != "c" || got[0].Epoch != 3 {
		t.Errorf("got %+v, want c after epoch 3", got)
	}
	want := sweep.Verdict{Action: sweep.Stop, Status: sweep.Pruned, Reason: "epoch 1: place 3 of 4 trials, of which 1 goes on"}
	if got := h.Verdict(list[0], end); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	promoted := list[3]
	promoted.Verdict = sweep.Verdict{}
	if got := h.Promoted(sweep.Entries{List: append(list, promoted), Over: true}); len(got) != 0 {
		t.Errorf("got %+v once it goes on", got)
	}
}

func TestTheMedianOfOthersEndsATrial(t *testing.T) {
	rule := spec.Rule{Kind: spec.Median, Metric: "fid", Trials: 3, After: 2}
	for epoch, want := range map[int]bool{2: false, 3: true, 9: true, 10: false} {
		trial := sweep.Trial{Budget: 10, Epochs: []sweep.Epoch{{Epoch: epoch}}}
		if _, due := (prune.Median{Rule: rule}).Enter(trial); due != want {
			t.Errorf("epoch %d: due is %t", epoch, due)
		}
	}
	others := func(values ...float64) (list []sweep.Entry) {
		for i, v := range values {
			list = append(list, sweep.Entry{Trial: fmt.Sprint(i), Epoch: 4, Values: map[string]float64{"fid": v}})
		}
		return append(list, sweep.Entry{Trial: "far", Epoch: 5, Values: map[string]float64{"fid": 0}})
	}
	own := func(values ...float64) (list []sweep.Entry) {
		for i, v := range values {
			list = append(list, sweep.Entry{Trial: "own", Epoch: 5 - len(values) + i, Values: map[string]float64{"fid": v}})
		}
		return list
	}
	for _, c := range []struct {
		own, others []sweep.Entry
		larger      bool
		want        string
	}{
		{own(9), others(1, 2), false, ""}, // too few
		{own(9), others(1, 2, 3), false, "epoch 4: fid was at best 9, and the median of 3 other trials is 2"},
		{own(2), others(1, 2, 3), false, ""},
		{own(1.5, 9), others(1, 2, 3), false, ""}, // it was better before
		{own(9), others(1, 2, 9, 10), false, "epoch 4: fid was at best 9, and the median of 4 other trials is 2"},
		{own(9), others(1, 2, 3), true, ""},
		{own(1.5), others(1, 2, 3), true, "epoch 4: fid was at best 1.5, and the median of 3 other trials is 2"},
	} {
		m := prune.Median{Rule: rule}
		m.Larger = c.larger
		last := len(c.own) - 1
		got := m.Verdict(c.own[last], sweep.Entries{List: append(c.others, c.own[:last]...)})
		want := sweep.Verdict{}
		if c.want != "" {
			want = sweep.Verdict{Action: sweep.Stop, Status: sweep.Pruned, Reason: c.want}
		}
		if got != want {
			t.Errorf("%v beside %v: got %+v, want %+v", c.own, c.others, got, want)
		}
	}
	lost := sweep.Entry{Trial: "own", Epoch: 4}
	m := prune.Median{Rule: rule}
	want := "epoch 4: fid has no value, and the median of 3 other trials is 2"
	if got := m.Verdict(lost, sweep.Entries{List: others(1, 2, 3)}); got.Reason != want {
		t.Errorf("got %+v of a trial without a value, want %s", got, want)
	}
}
