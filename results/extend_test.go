package results_test

import (
	"testing"

	"github.com/starsweep/starsweep/results"
)

// finishFive makes a study with a finished trial a of five epochs, whose weights are kept or not.
func finishFive(t *testing.T, dir string, kept bool) {
	t.Helper()
	s, err := createStudy(dir, meta, nil, hourly)
	check(t, err)
	train(t, s, "a", 0, 5)
	check(t, s.SaveCheckpoint(checkpoint("a", 5)))
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	if !kept {
		check(t, s.RemoveCheckpoints("a"))
	}
	check(t, s.Close())
	wantLines(t, segmentRows(t, dir, results.Trials, "trial", "epochs_planned"), "a 5")
}

func TestMoreEpochsExtendAFinishedTrial(t *testing.T) {
	ends := []string{"trial", "epochs", "epochs_planned", "steps", "best_fid", "loss_discriminator"}
	points := func(t *testing.T, dir string) []string {
		return segmentRows(t, dir, results.Pareto, "scope", "trial", "epoch", "epochs_planned", "fid")
	}
	for _, kept := range []bool{true, false} {
		dir := t.TempDir()
		finishFive(t, dir, kept)
		s, err := createStudy(dir, meta, nil, hourly)
		check(t, err)
		c := claimed(t, s, "a")
		wantError(t, c.Begin(trial("a", 0), nil), "trial a is finished (completed)")
		longer := trial("a", 0)
		longer.Length = 7
		from, err := c.Checkpoint()
		check(t, err)
		if (from != nil) != kept {
			t.Fatalf("got the checkpoint %v", from)
		}
		check(t, c.Begin(longer, from))
		if state, _ := s.State("a"); state.Status != results.Interrupted || state.Length != 7 || state.Epochs != 5 {
			t.Errorf("got %+v, want an unfinished trial of 7 epochs", state)
		}
		first := 6
		if from == nil {
			first = 1
		}
		for e := first; e <= 6; e++ {
			check(t, c.AppendEpoch(epoch("a", e)))
		}
		check(t, s.Publish())
		was := []string{"a 5 5 500 0.1 -5"} // its former end
		wantLines(t, segmentRows(t, dir, results.Trials, ends...), was...)
		wantLines(t, columns(t, s.View, results.Trials, ends...), was...)
		wantLines(t, points(t, dir), "configuration <null> <null> 5 0.1", "study a 4 5 0.1",
			"trial a 2 7 2.1", "trial a 4 7 0.1", "trial a 6 7 2.1")
		if state, _ := s.State("a"); state.Former == nil || *state.Former != (results.Former{Status: results.Completed, Epochs: 5}) ||
			state.Epochs != 6 || state.Remark() != "extended; until it ends, its 5 epochs count (completed)" {
			t.Errorf("got %+v, want the former end", state)
		}
		check(t, c.AppendEpoch(epoch("a", 7)))
		check(t, c.Finish(outcome("a", results.Completed)))
		is := []string{"a 7 7 700 0.1 -7"} // at once
		wantLines(t, segmentRows(t, dir, results.Trials, ends...), is...)
		if state, _ := s.State("a"); state.Former != nil || state.Remark() != "" {
			t.Errorf("got %+v, want no former end", state)
		}
		check(t, s.Close())
		wantLines(t, segmentRows(t, dir, results.Trials, ends...), is...)
		wantLines(t, points(t, dir), "configuration <null> <null> 7 2.1", "study a 6 7 2.1",
			"trial a 2 7 2.1", "trial a 4 7 0.1", "trial a 6 7 2.1")
		wantLines(t, segmentRows(t, dir, results.Trials, "trial", "epochs", "epochs_planned"), "a 7 7")
		wantLines(t, segmentRows(t, dir, results.Epochs, "epoch"), "1", "2", "3", "4", "5", "6", "7")
	}
}
