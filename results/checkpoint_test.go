package results_test

import (
	"bytes"
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
	if got := epochsOf(s.View, "a"); got != 2 {
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
	for bit := range 8 * len(good) {
		bad := slices.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		check(t, os.WriteFile(path, bad, 0o666))
		c, err := s.LoadCheckpoint("a")
		if bit/8 >= len(good)-24 && err == nil {
			t.Fatalf("bit %d of the data flipped: got no error", bit)
		}
		if err == nil && !reflect.DeepEqual(c, checkpoint("a", 1)) { // an unused bit of the header
			t.Fatalf("bit %d flipped: got another checkpoint and no error: %q", bit, bad)
		}
	}
	exchanged := bytes.Replace(good, []byte("generator/w"), []byte("generator/x"), 1)
	exchanged = bytes.Replace(exchanged, []byte(`\"step\":100`), []byte(`\"step\":900`), 1)
	check(t, os.WriteFile(path, exchanged, 0o666))
	_, _, err = s.Resume("a")
	wantError(t, err, path, "damaged")
	check(t, os.WriteFile(path, good[:len(good)-1], 0o666))
	_, _, err = s.Resume("a")
	if !errors.Is(err, results.ErrCheckpoint) {
		t.Errorf("got %v, want ErrCheckpoint", err)
	}
	wantError(t, err, path)
	check(t, os.WriteFile(filepath.Join(dir, "checkpoints", "b.safetensors"), good, 0o666))
	_, _, err = s.Resume("b")
	wantError(t, err, `the checkpoint is of trial "a"`)
	c := checkpoint("a", 1)
	c.Meta["starsweep.x"] = "y"
	wantError(t, s.SaveCheckpoint(c), "reserved")
	wantError(t, s.SaveCheckpoint(checkpoint("c", 1)), "trial c was never begun")
}

// The weights and their moments may have equal shapes: the names are part of the checksum.
func TestACheckpointWithExchangedTensorsIsNotResumed(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	check(t, s.BeginTrial(trial("a", 0)))
	c := checkpoint("a", 1)
	c.Tensors = []safetensors.Tensor{safetensors.New("w", []int{2}, []float32{1, 2}), safetensors.New("m", []int{2}, []float32{3, 4})}
	check(t, s.SaveCheckpoint(c))
	path := filepath.Join(dir, "checkpoints", "a.safetensors")
	good, err := os.ReadFile(path)
	check(t, err)
	bad := bytes.Replace(good, []byte(`"w":`), []byte(`"x":`), 1)
	bad = bytes.Replace(bad, []byte(`"m":`), []byte(`"w":`), 1)
	bad = bytes.Replace(bad, []byte(`"x":`), []byte(`"m":`), 1)
	tensors, _, err := safetensors.Read(bad)
	if err != nil || len(tensors) != 2 || bytes.Equal(good, bad) {
		t.Fatalf("the file should be sound but for the names: got %v, %v", tensors, err)
	}
	check(t, os.WriteFile(path, bad, 0o666))
	if _, _, err := s.Resume("a"); !errors.Is(err, results.ErrCheckpoint) {
		t.Errorf("got %v, want ErrCheckpoint", err)
	}
	check(t, os.WriteFile(path, good, 0o666))
	_, found, err := s.Resume("a")
	if !found || err != nil {
		t.Errorf("as it was: got %t, %v", found, err)
	}
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
	check(t, s.Forget("a"))
	check(t, s.Close())
	check(t, os.WriteFile(path("a.safetensors"), b, 0o666)) // the crash came before the removal
	check(t, os.WriteFile(path(".b.safetensors.tmp"), b, 0o666))
	check(t, longAgo(path(".b.safetensors.tmp")))
	create(t, dir)
	names, err := filepath.Glob(path("*"))
	check(t, err)
	hidden, err := filepath.Glob(path(".*"))
	check(t, err)
	wantLines(t, append(names, hidden...), path("b.safetensors"))
}

func TestCheckpointsOfFinishedTrialsStayUntilTheyAreRemoved(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	for i, id := range []string{"a", "b"} {
		train(t, s, id, i, 1)
		check(t, s.SaveCheckpoint(checkpoint(id, 1)))
	}
	check(t, s.FinishTrial(outcome("a", results.Completed)))
	check(t, s.Close())
	w, err := results.Continue(dir, hourly)
	check(t, err)
	defer w.Close()
	if _, err := w.View().LoadCheckpoint("a"); err != nil {
		t.Error(err)
	}
	for range 2 {
		check(t, w.RemoveCheckpoints("a", "b"))
	}
	if w.View().HasCheckpoint("a") || !w.View().HasCheckpoint("b") {
		t.Error("want the checkpoint of the unfinished trial and no other")
	}
}

func TestACheckpointThatIsAFolderSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	check(t, s.BeginTrial(trial("a", 0)))
	path := filepath.Join(dir, "checkpoints", "a.safetensors")
	check(t, os.MkdirAll(path, 0o777))
	_, _, err := s.Resume("a")
	if !errors.Is(err, results.ErrStorage) {
		t.Errorf("got %v, want ErrStorage", err)
	}
	wantError(t, err, path, "remove it")
	check(t, os.Remove(path))
	if _, found, err := s.Resume("a"); found || err != nil {
		t.Errorf("after removing it: got %v, %v", found, err)
	}
}

func TestACheckpointFarAheadOfTheJournalIsNotUsed(t *testing.T) {
	s := create(t, t.TempDir())
	train(t, s, "a", 0, 1)
	check(t, s.SaveCheckpoint(checkpoint("a", 3)))
	_, _, err := s.Resume("a")
	if !errors.Is(err, results.ErrCheckpoint) {
		t.Errorf("got %v, want ErrCheckpoint", err)
	}
	wantError(t, err, "it is of epoch 3, but the journal has lost the epochs after 1")
}

// Any bytes in the place of a checkpoint are an error or a checkpoint of the trial; what is accepted can be saved.
func FuzzCheckpoint(f *testing.F) {
	dir := f.TempDir()
	s := create(f, dir)
	check(f, s.BeginTrial(trial("a", 0)))
	check(f, s.SaveCheckpoint(checkpoint("a", 1)))
	path := filepath.Join(dir, "checkpoints", "a.safetensors")
	good, err := os.ReadFile(path)
	check(f, err)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(bytes.Replace(good, []byte("generator/w"), []byte("generator/v"), 1))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\x7f{}"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		check(t, os.WriteFile(path, file, 0o666))
		c, err := s.LoadCheckpoint("a")
		if err == nil && !reflect.DeepEqual(c, checkpoint("a", 1)) {
			t.Errorf("got another checkpoint: %+v", c)
		}
	})
}
