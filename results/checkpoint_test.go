package results_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/internal/safetensors"
	"github.com/starsweep/starsweep/results"
)

func checkpoint(id string, e int) results.Checkpoint {
	return results.Checkpoint{
		Row: epoch(id, e),
		Tensors: []safetensors.Tensor{
			safetensors.New("generator/w", []int{2, 2}, []float32{float32(e), 2, 3, 4}),
			safetensors.New("adam/step", []int{1}, []int64{int64(e)}),
		},
		Meta: map[string]string{"backend": "cpu"},
	}
}

func TestACrashBetweenCheckpointAndRowLosesNeither(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	check(t, s.BeginTrial(trial("a", 0)))
	if _, found, err := s.Resume("a"); found || err != nil {
		t.Fatalf("got %v, %v before the first checkpoint", found, err)
	}
	for e := 1; e <= 3; e++ {
		check(t, s.SaveCheckpoint(checkpoint("a", e)))
		if e < 3 {
			check(t, s.AppendEpoch(epoch("a", e)))
		}
	}
	check(t, s.Close())

	s = create(t, dir)
	if got := s.LastEpoch("a"); got != 2 {
		t.Errorf("got last epoch %d, want 2", got)
	}
	for range 2 {
		c, found, err := s.Resume("a")
		check(t, err)
		if !found || !reflect.DeepEqual(c, checkpoint("a", 3)) {
			t.Errorf("got %v, %+v", found, c)
		}
		wantLines(t, columns(t, s.View, results.Epochs, "epoch"), "1", "2", "3")
	}
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	if _, err := s.LoadCheckpoint("a"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the end: got %v, want no checkpoint", err)
	}
	wantError(t, s.SaveCheckpoint(checkpoint("a", 4)), "the trial is finished (completed)")
}

func TestACheckpointOlderThanTheJournalIsTrainedUpWithoutNewRows(t *testing.T) {
	s := create(t, t.TempDir())
	train(t, s, "a", 0, 1)
	check(t, s.SaveCheckpoint(checkpoint("a", 1)))
	check(t, s.AppendEpoch(epoch("a", 2)))
	c, _, err := s.Resume("a")
	check(t, err)
	for e := c.Row.Epoch + 1; e <= 3; e++ {
		check(t, s.AppendEpoch(epoch("a", e)))
	}
	wantLines(t, columns(t, s.View, results.Epochs, "epoch"), "1", "2", "3")
}

func TestADamagedCheckpointIsNotResumed(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	check(t, s.BeginTrial(trial("a", 0), trial("b", 1)))
	check(t, s.SaveCheckpoint(checkpoint("a", 1)))
	path := filepath.Join(dir, "checkpoints", "a.safetensors")
	good, err := os.ReadFile(path)
	check(t, err)
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 1
		check(t, os.WriteFile(path, bad, 0o666))
		c, err := s.LoadCheckpoint("a")
		if i >= len(good)-24 && err == nil {
			t.Fatalf("byte %d of the data flipped: got no error", i)
		}
		if err == nil && !reflect.DeepEqual(c.Tensors[0].Data, checkpoint("a", 1).Tensors[0].Data) {
			t.Fatalf("byte %d flipped: got other data and no error", i)
		}
	}
	check(t, os.WriteFile(path, good[:len(good)-1], 0o666))
	_, _, err = s.Resume("a")
	wantError(t, err, path, "forget the trial to run it anew")
	check(t, os.WriteFile(filepath.Join(dir, "checkpoints", "b.safetensors"), good, 0o666))
	_, _, err = s.Resume("b")
	wantError(t, err, `the checkpoint is of trial "a"`)
	c := checkpoint("a", 1)
	c.Meta["starsweep.x"] = "y"
	wantError(t, s.SaveCheckpoint(c), "reserved")
	wantError(t, s.SaveCheckpoint(checkpoint("c", 1)), "trial c was never begun")
}

func TestCheckpointsThatACrashLeftAreCleanedUp(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a", 0, 1)
	train(t, s, "b", 1, 1)
	check(t, s.SaveCheckpoint(checkpoint("a", 1)))
	check(t, s.SaveCheckpoint(checkpoint("b", 1)))
	path := func(name string) string { return filepath.Join(dir, "checkpoints", name) }
	b, err := os.ReadFile(path("a.safetensors"))
	check(t, err)
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	check(t, s.Close())
	check(t, os.WriteFile(path("a.safetensors"), b, 0o666)) // the crash came before the removal
	check(t, os.WriteFile(path(".b.safetensors.tmp"), b, 0o666))
	create(t, dir)
	names, err := filepath.Glob(path("*"))
	check(t, err)
	hidden, err := filepath.Glob(path(".*"))
	check(t, err)
	wantLines(t, append(names, hidden...), path("b.safetensors"))
}

func TestCheckpointsOfFinishedTrialsAreKeptOnRequest(t *testing.T) {
	dir := t.TempDir()
	o := hourly
	o.KeepCheckpoints = true
	for range 2 {
		s, err := results.Create(dir, meta, nil, o)
		check(t, err)
		if !s.Found.Continued {
			train(t, s, "a", 0, 1)
			check(t, s.SaveCheckpoint(checkpoint("a", 1)))
			check(t, s.FinishTrial(outcome("a", results.Completed)))
		}
		if _, err := s.LoadCheckpoint("a"); err != nil {
			t.Error(err)
		}
		check(t, s.Close())
	}
}
