package results_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

// donor is the directory of a study of finished trials, with a picture and a checkpoint of the last of three epochs.
func donor(t *testing.T, ids map[string]results.Status) string {
	t.Helper()
	dir := t.TempDir()
	w, err := results.Create(dir, meta, map[string][]byte{"ring.star": []byte("main = 1\n"), "lib/x.star": []byte("x = 1\n")}, hourly)
	check(t, err)
	for id, status := range ids {
		c, err := w.Claim(id)
		check(t, err)
		check(t, c.Begin(trial(id, int(id[0]-'a')), nil))
		for e := 1; e <= 3; e++ {
			p := checkpoint(id, e)
			p.Row = epoch(id, e)
			check(t, c.SaveCheckpoint(p))
			check(t, c.AppendEpoch(epoch(id, e), results.Sample{Trial: id, Epoch: e, Kind: "grid", PNG: picture(t, 4+e)}))
		}
		if status != results.Interrupted {
			check(t, c.Finish(outcome(id, status)))
		}
		check(t, c.Release())
	}
	check(t, w.Close())
	return dir
}

func canonical(t *testing.T, dir string, table results.Table) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, results.Canonical(dir, table, &b))
	return b.Bytes()
}

// A trial that is taken over has the rows, the samples, the weights and the script of the original, and says where they are from.
func TestATrialIsTakenOverWhole(t *testing.T) {
	from := donor(t, map[string]results.Status{"a": results.Completed})
	dir := t.TempDir()
	other := meta
	other.ScriptHash = "0ther"
	w, err := results.Create(dir, other, map[string][]byte{"ring.star": []byte("main = 2\n")}, hourly)
	check(t, err)
	defer w.Close()
	mine := trial("a", 0)
	mine.Length, mine.Started = 2, start.Add(time.Hour) // planned here, and not as it was trained
	check(t, w.Reuse(open(t, from).Donor(), "a", mine))
	check(t, w.Close())
	for _, table := range []results.Table{results.Epochs, results.Samples} {
		if !bytes.Equal(canonical(t, from, table), canonical(t, dir, table)) {
			t.Errorf("the tables %s differ", table)
		}
	}
	found := agreement(t, from, dir, results.CompareOptions{})
	if found.Trials != 1 || found.Rows != 1+3+3 || len(found.Different)+len(found.OnlyA)+len(found.OnlyB) > 0 {
		t.Errorf("got %+v, want one equal trial of 7 rows", found)
	}
	wantLines(t, columns(t, open(t, dir), results.Trials, "trial", "reused", "epochs_planned", "started", "version"),
		"a "+from+" 5 "+start.String()+" 0.1.0")
	for _, name := range []string{"checkpoints/a.safetensors", "script/5c41/ring.star", "script/5c41/lib/x.star"} {
		if got := readFile(t, dir, name); !bytes.Equal(got, readFile(t, from, name)) {
			t.Errorf("%s differs from the original", name)
		}
	}
	again := t.TempDir() // from a study that has it from another: the first is the origin
	last, err := results.Create(again, other, nil, hourly)
	check(t, err)
	defer last.Close()
	check(t, last.Reuse(open(t, dir).Donor(), "a", mine))
	wantLines(t, columns(t, last.View(), results.Trials, "trial", "reused"), "a "+from)
}

func TestOnlyEqualFinishedTrialsAreTakenOver(t *testing.T) {
	from := donor(t, map[string]results.Status{"a": results.Completed, "b": results.Failed, "c": results.Interrupted})
	w, err := results.Create(t.TempDir(), meta, nil, hourly)
	check(t, err)
	defer w.Close()
	v := open(t, from).Donor()
	other := trial("a", 0)
	other.Configuration = "another"
	for id, mine := range map[string]results.Trial{"a": other, "b": trial("b", 1), "c": trial("c", 2), "d": trial("d", 3)} {
		if err := w.Reuse(v, id, mine); !errors.Is(err, results.ErrReuse) {
			t.Errorf("trial %s: got %v, want ErrReuse", id, err)
		}
	}
	if begun := w.View().Trials(); len(begun) > 0 {
		t.Errorf("got the trials %v, want none", begun)
	}
	c, err := w.Claim("a")
	check(t, err)
	if err := w.Reuse(v, "a", trial("a", 0)); !errors.Is(err, results.ErrClaimed) {
		t.Errorf("a trial that another worker has: got %v, want ErrClaimed", err)
	}
	check(t, c.Release())
}

// A damaged checkpoint is no reason to train again: the rows do not need it.
func TestDamagedWeightsAreNotTakenOver(t *testing.T) {
	from := donor(t, map[string]results.Status{"a": results.Completed})
	check(t, os.WriteFile(filepath.Join(from, "checkpoints", "a.safetensors"), []byte("damaged"), 0o644))
	dir := t.TempDir()
	w, err := results.Create(dir, meta, nil, hourly)
	check(t, err)
	defer w.Close()
	check(t, w.Reuse(open(t, from).Donor(), "a", trial("a", 0)))
	if w.View().HasCheckpoint("a") {
		t.Error("the damaged checkpoint was taken over")
	}
	wantLines(t, columns(t, w.View(), results.Trials, "trial", "status"), "a completed")
}
