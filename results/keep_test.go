package results_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/results"
)

func TestTheWeightsOfTheFrontAreKept(t *testing.T) {
	s := createRivals(t, t.TempDir())
	rival(t, s, "a", 1, 0, results.Completed, 4, 0.5)
	wantLines(t, s.Unkept(results.KeepFront))
	rival(t, s, "b", 2, 0, results.Completed, 5, 0.4) // dominated
	rival(t, s, "c", 3, 0, results.Completed, 9, 0.9) // another end of the front
	rival(t, s, "d", 4, 0, results.Collapsed, 4, 0.5) // equal to a
	rival(t, s, "e", 5, 0, results.Diverged, 1, 0.9)  // would dominate all
	rival(t, s, "f", 6, 0, results.Failed)
	rival(t, s, "g", 7, 0, "", 8, 0.1) // not finished
	rival(t, s, "h", 8, 0, results.Completed, math.NaN(), 0.9)
	wantLines(t, s.Unkept(results.KeepFront), "b", "e", "f", "h")
	wantLines(t, s.Unkept(""), "b", "e", "f", "h")
	wantLines(t, s.Unkept(results.KeepNone), "a", "b", "c", "d", "e", "f", "h")
	wantLines(t, s.Unkept(results.KeepAll))

	rival(t, s, "i", 9, 0, results.Completed, 3, 0.95)
	wantLines(t, s.Unkept(results.KeepFront), "a", "b", "c", "d", "e", "f", "h")
	check(t, s.Forget("i"))
	check(t, s.BeginPlan(results.Plan{Trials: []string{"b", "f"}, Began: start})) // b is the front of its plan
	wantLines(t, s.Unkept(results.KeepFront), "e", "f", "h")
	check(t, s.BeginPlan(results.Plan{Trials: []string{"b", "h"}, Epochs: []int{3, 9}, Began: start})) // h goes on
	wantLines(t, s.Unkept(results.KeepFront), "e", "f")
	wantLines(t, s.Unkept(results.KeepNone), "a", "b", "c", "d", "e", "f")
}

func TestAPlanOfFewerEpochsKeepsTheWeightsOfLongerTrials(t *testing.T) {
	s := createRivals(t, t.TempDir())
	rival(t, s, "a", 1, 0, results.Completed, 5, 0.5, 2, 0.5) // the best at its last epoch, not at its first
	rival(t, s, "b", 2, 0, results.Completed, 4, 0.5)
	wantLines(t, s.Unkept(results.KeepFront), "b")
	check(t, s.BeginPlan(results.Plan{Trials: []string{"a", "b"}, Epochs: []int{1, 1}, Began: start}))
	wantLines(t, s.Unkept(results.KeepFront))
}

// weights gives trials weights.
func weights(t *testing.T, s *study, ids ...string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Join(s.Dir(), "checkpoints"), 0o777))
	for _, id := range ids {
		check(t, os.WriteFile(filepath.Join(s.Dir(), "checkpoints", id+".safetensors"), nil, 0o666))
	}
}

func TestATrialWithoutWeightsTakesThoseOfNoOther(t *testing.T) {
	s := createRivals(t, t.TempDir())
	rival(t, s, "a", 1, 0, results.Completed, 3, 0.5) // the best, but its weights are lost
	rival(t, s, "b", 2, 0, results.Completed, 4, 0.5)
	rival(t, s, "c", 3, 0, results.Completed, 5, 0.5)
	rival(t, s, "d", 4, 0, results.Completed, 6, 0.5)
	wantLines(t, s.Unkept(results.KeepFront), "b", "c", "d")
	weights(t, s, "b", "c")
	wantLines(t, s.Unkept(results.KeepFront), "c", "d")
	weights(t, s, "a")
	wantLines(t, s.Unkept(results.KeepFront), "b", "c", "d")
}

// Two processes find what they may remove at different times. What each has found stays right when the other has removed its share.
func TestWeightsOfTheFrontStayInWhateverOrderOthersAreRemoved(t *testing.T) {
	s := createRivals(t, t.TempDir())
	rival(t, s, "a", 1, 0, results.Completed, 5, 0.5)
	rival(t, s, "b", 2, 0, results.Completed, 4, 0.5)
	weights(t, s, "a", "b")
	early := s.Unkept(results.KeepFront)
	rival(t, s, "c", 3, 0, results.Completed, 3, 0.5)
	weights(t, s, "c")
	late := s.Unkept(results.KeepFront)
	wantLines(t, early, "a")
	wantLines(t, late, "a", "b")
	for _, c := range s.claims {
		check(t, c.Release())
	}
	check(t, s.RemoveCheckpoints(late...))
	check(t, s.RemoveCheckpoints(early...))
	wantLines(t, s.Unkept(results.KeepFront), "a", "b")
	if !s.HasCheckpoint("c") || s.HasCheckpoint("a") || s.HasCheckpoint("b") {
		t.Error("want the weights of c alone")
	}
}

func TestAnExtendedTrialTakesNoWeights(t *testing.T) {
	s := createRivals(t, t.TempDir())
	rival(t, s, "a", 1, 0, results.Completed, 3, 0.5)
	rival(t, s, "b", 2, 0, results.Completed, 4, 0.5)
	weights(t, s, "a", "b")
	wantLines(t, s.Unkept(results.KeepFront), "b")
	state, _ := s.State("a")
	state.Trial.Length++
	check(t, s.claims["a"].Release())
	delete(s.claims, "a")
	check(t, s.BeginTrial(state.Trial))
	wantLines(t, s.Unkept(results.KeepFront))
	if state, _ := s.State("a"); state.Former == nil {
		t.Error("a was not extended")
	}
}

func TestWithoutObjectivesTheFirstTrialOfAConfigurationIsKept(t *testing.T) {
	plain := rivals
	plain.Objectives = nil
	s, err := createStudy(t.TempDir(), plain, nil, hourly)
	check(t, err)
	defer s.Close()
	rival(t, s, "a", 1, 0, results.Failed)
	rival(t, s, "b", 1, 1, results.Completed, 4, 0.5)
	rival(t, s, "c", 1, 2, results.Completed, 3, 0.5)
	rival(t, s, "d", 2, 0, results.Completed, 9, 0.5)
	wantLines(t, s.Unkept(results.KeepFront), "a", "c")
	weights(t, s, "c") // b, which is before it, has none
	wantLines(t, s.Unkept(results.KeepFront), "a")
}

func TestAPolicyIsFrontAllOrNone(t *testing.T) {
	for _, k := range []results.Keep{results.KeepFront, results.KeepAll, results.KeepNone} {
		if got, err := results.ParseKeep(string(k)); got != k || err != nil {
			t.Errorf("got %v, %v, want %v", got, err, k)
		}
	}
	_, err := results.ParseKeep("best")
	wantError(t, err, `got "best", want front, all or none`)
}
