package results_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// verifiable is a study with two finished trials and one that was left after two epochs, with a checkpoint. Their IDs are real ones.
func verifiable(t *testing.T) (dir string, ids []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "study")
	s := create(t, dir)
	for i := range 3 {
		x := trial("", i)
		x.ID = spec.TrialID(x.Configuration, uint32(x.Seed))
		ids = append(ids, x.ID)
		check(t, s.BeginTrial(x))
		for e := 1; e <= 2; e++ {
			check(t, s.AppendSample(results.Sample{Trial: x.ID, Epoch: e, Kind: "grid", PNG: picture(t, 4+e)}))
			check(t, s.AppendEpoch(epoch(x.ID, e)))
		}
		if i < 2 {
			check(t, s.FinishTrial(outcome(x.ID, results.Completed)))
		}
		check(t, s.Publish())
	}
	check(t, s.SaveCheckpoint(checkpoint(ids[2], 2)))
	check(t, s.Close())
	return dir, ids
}

// problems returns the problems of a study, "path: what", the harmless ones in parentheses.
func problems(t *testing.T, dir string) (lines []string, found results.Verified) {
	t.Helper()
	found, err := results.Verify(t.Context(), dir, results.Options{}, func(p results.Problem) {
		line := p.Path + ": " + p.What
		if p.Harmless {
			line = "(" + line + ")"
		}
		lines = append(lines, line)
	})
	check(t, err)
	return lines, found
}

func TestASoundStudyHasNoProblems(t *testing.T) {
	dir, _ := verifiable(t)
	before := contents(t, dir)
	lines, found := problems(t, dir)
	wantLines(t, lines)
	if found.Trials != 3 || found.Journals != 1 || found.Rows != 2+6+6 || found.Checkpoints != 1 || found.Tables < 4 {
		t.Errorf("got %+v", found)
	}
	if after := contents(t, dir); !slices.Equal(before, after) {
		t.Errorf("it changed the study:\n%v\n%v", before, after)
	}
	w, err := results.Continue(dir, hourly)
	check(t, err)
	_, err = w.Compact()
	check(t, err)
	check(t, w.Close())
	lines, found = problems(t, dir)
	wantLines(t, lines)
	if found.Rows != 14 {
		t.Errorf("compacted: got %+v", found)
	}
}

// contents lists the files of a folder with their sizes.
func contents(t *testing.T, dir string) (list []string) {
	t.Helper()
	check(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		list = append(list, fmt.Sprint(path, info.Size(), info.ModTime()))
		return err
	}))
	return list
}

// A byte of each file is flipped, at its beginning, in its middle and at its end, and each file is cut and removed.
func TestVerifyFindsDamageInEveryFile(t *testing.T) {
	dir, _ := verifiable(t)
	for _, path := range files(t, dir) {
		if strings.HasPrefix(path, "script/") { // whose hashes the script language makes
			continue
		}
		original, err := os.ReadFile(filepath.Join(dir, path))
		check(t, err)
		n := len(original)
		for what, damaged := range map[string][]byte{
			"first byte": withFlip(original, 0), "middle byte": withFlip(original, n/2), "last byte": withFlip(original, n-1),
			"half": original[:n/2], "empty": {},
		} {
			check(t, os.WriteFile(filepath.Join(dir, path), damaged, 0o666))
			lines, _ := problems(t, dir)
			if !slices.ContainsFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "(") && strings.Contains(line, path) }) {
				t.Errorf("%s, %s: got %q", path, what, lines)
			}
		}
		check(t, os.WriteFile(filepath.Join(dir, path), original, 0o666))
	}
	lines, _ := problems(t, dir)
	wantLines(t, lines)
}

func withFlip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 4
	return b
}

// files are the paths of all files below a folder.
func files(t *testing.T, dir string) (paths []string) {
	t.Helper()
	check(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

func TestVerifySaysWhatIsWrong(t *testing.T) {
	move := func(dir, from, to string) { check(t, os.Rename(filepath.Join(dir, from), filepath.Join(dir, to))) }
	copyOf := func(dir, from, to string) {
		b, err := os.ReadFile(filepath.Join(dir, from))
		check(t, err)
		check(t, os.WriteFile(filepath.Join(dir, to), b, 0o666))
	}
	write := func(dir, path string) {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o777))
		check(t, os.WriteFile(filepath.Join(dir, path), []byte("x"), 0o666))
	}
	segmentOf := func(dir string, table results.Table) string {
		path, err := filepath.Rel(dir, segments(t, dir, table)[1])
		check(t, err)
		return path
	}
	segment := func(dir string) string { return segmentOf(dir, results.Epochs) }
	for name, c := range map[string]struct {
		harm func(dir string, ids []string)
		want string
	}{
		"copy": {func(dir string, _ []string) { copyOf(dir, segment(dir), "epochs/copy.parquet") },
			"epochs/copy.parquet: not a file of the study, but readers"},
		"stray": {func(dir string, _ []string) { write(dir, "notes.txt") }, "(notes.txt: not a file of the study)"},
		"half":  {func(dir string, _ []string) { write(dir, "epochs/.x.parquet.tmp") }, "(epochs/.x.parquet.tmp: left half-written"},
		"gone": {func(dir string, _ []string) { check(t, os.Remove(filepath.Join(dir, segment(dir)))) },
			"(epochs: 2 rows of the journals are in no file"},
		"exchanged": {func(dir string, _ []string) { copyOf(dir, segmentOf(dir, results.Samples), segment(dir)) },
			"it is of another study, or was renamed"},
		"no tables": {func(dir string, _ []string) { check(t, os.RemoveAll(filepath.Join(dir, "epochs"))) },
			"(epochs/0-compact.parquet: missing"},
		"suggestion": {func(dir string, _ []string) { write(dir, "suggestions/000003.json") },
			"suggestions/000003.json: not the decision"},
		"verdict": {func(dir string, _ []string) { write(dir, "verdicts/000003.json") }, "verdicts/000003.json: not the decision"},
		"checkpoint": {func(dir string, ids []string) {
			move(dir, "checkpoints/"+ids[2]+".safetensors", "checkpoints/"+ids[1]+".safetensors")
		}, "the checkpoint is of trial"},
		"folder": {func(dir string, ids []string) {
			check(t, os.Mkdir(filepath.Join(dir, "checkpoints", ids[1]+".safetensors"), 0o777))
		},
			"got a folder, want a file"},
		"pipe": {func(dir string, _ []string) {
			check(t, os.Remove(filepath.Join(dir, "pareto/pareto.parquet")))
			check(t, exec.Command("mkfifo", filepath.Join(dir, "pareto/pareto.parquet")).Run())
		}, "pareto/pareto.parquet: "},
		"unknown": {func(dir string, _ []string) { write(dir, "checkpoints/x.txt") }, "(checkpoints/x.txt: not a file of the study)"},
	} {
		dir, ids := verifiable(t)
		c.harm(dir, ids)
		lines, _ := problems(t, dir)
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, c.want) }) {
			t.Errorf("%s: got %q, want %q", name, lines, c.want)
		}
	}
}

func TestVerifyFindsTrialsThatBearOthersIDs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "study")
	s := create(t, dir)
	train(t, s, "a", 0, 1)
	check(t, s.Close())
	lines, _ := problems(t, dir)
	wantLines(t, lines, fmt.Sprintf(": trial a: its configuration c-a and seed %d are those of trial %s", 1<<60, spec.TrialID("c-a", 0)))
}

// A process that is killed after it has recorded the end of a trial that was extended leaves the row of its former end in the table.
func TestVerifyNotesFilesOfBeforeAnExtension(t *testing.T) {
	dir, ids := verifiable(t)
	before := map[string][]byte{}
	for _, path := range files(t, dir) {
		if strings.HasPrefix(path, "trials/") {
			before[path] = readFile(t, dir, path)
		}
	}
	s := create(t, dir)
	x := trial("", 0)
	x.ID, x.Length = ids[0], x.Length+1
	check(t, s.BeginTrial(x))
	check(t, s.AppendEpoch(epoch(x.ID, 3)))
	check(t, s.Publish())
	lines, _ := problems(t, dir)
	wantLines(t, lines, "(: a process writes the study: its tables are not compared)")
	check(t, s.Close())
	lines, _ = problems(t, dir)
	wantLines(t, lines)
	s = create(t, dir)
	check(t, s.BeginTrial(x))
	check(t, s.FinishTrial(outcome(x.ID, results.Completed)))
	check(t, s.Close())
	for path, b := range before {
		check(t, os.WriteFile(filepath.Join(dir, path), b, 0o666))
	}
	lines, _ = problems(t, dir)
	if len(lines) != 1 || !strings.Contains(lines[0], "rows that no longer count") || !strings.HasPrefix(lines[0], "(trials/") {
		t.Errorf("got %q, want a note", lines)
	}
	w, err := results.Continue(dir, hourly)
	check(t, err)
	check(t, w.Close())
	lines, _ = problems(t, dir)
	wantLines(t, lines)
}

// The pareto table waits for its turn. One that has as many points as the journals, but is of before a trial was extended, is no damage.
func TestVerifyNotesAParetoTableOfBeforeAnExtension(t *testing.T) {
	dir, ids := verifiable(t)
	before := readFile(t, dir, "pareto/pareto.parquet")
	s := create(t, dir)
	x := trial("", 0)
	x.ID, x.Length = ids[0], x.Length+1
	check(t, s.BeginTrial(x))
	check(t, s.Close())
	check(t, os.WriteFile(filepath.Join(dir, "pareto/pareto.parquet"), before, 0o666))
	lines, _ := problems(t, dir)
	wantLines(t, lines, "(pareto/pareto.parquet: it is of before the last rows of the journals: the next run writes it anew)")
}

// What a repair has acknowledged is no problem any more, although the next run has yet to train it again.
func TestVerifyAcceptsWhatARepairCouldNotTakeBack(t *testing.T) {
	dir, ids := verifiable(t)
	path := journalOf(t, dir)
	journal := readFile(t, "", path)
	at := bytes.LastIndex(journal, []byte(`"epoch":1`)) // of the unfinished trial
	check(t, os.WriteFile(path, withFlip(journal, at), 0o666))
	check(t, os.RemoveAll(filepath.Join(dir, "epochs")))
	lines, _ := problems(t, dir)
	left := fmt.Sprintf(": trial %s: 1 rows are left out since those that they depend on are lost", ids[2])
	if !slices.Contains(lines, left) {
		t.Errorf("got %q, want %q", lines, left)
	}
	_, err := results.Repair(dir, hourly)
	check(t, err)
	lines, _ = problems(t, dir)
	if !slices.Contains(lines, "("+left+": the next run trains them again)") {
		t.Errorf("got %q", lines)
	}
}

func TestRepairSaysWhichFilesItMakesAnewAndWhichItRemoves(t *testing.T) {
	dir, ids := verifiable(t)
	s, err := results.Continue(dir, hourly)
	check(t, err)
	_, err = s.Compact()
	check(t, err)
	check(t, s.Close())
	var damaged []string
	for _, path := range []string{"epochs/0-compact.parquet", "checkpoints/" + ids[0] + ".safetensors"} {
		from := strings.ReplaceAll(path, ids[0], ids[2])
		b := readFile(t, dir, from)
		check(t, os.WriteFile(filepath.Join(dir, path), withFlip(b, len(b)/2), 0o666))
		damaged = append(damaged, path)
	}
	r, err := results.Repair(dir, hourly)
	check(t, err)
	if len(r.Notes) != 2 || !strings.Contains(r.Notes[0], damaged[0]+": written anew") || !strings.Contains(r.Notes[1], damaged[1]) {
		t.Errorf("got the notes %q", r.Notes)
	}
	lines, found := problems(t, dir)
	wantLines(t, lines)
	if found.Checkpoints != 1 {
		t.Errorf("got %d checkpoints, want that of the unfinished trial", found.Checkpoints)
	}
	r, err = results.Repair(dir, hourly)
	check(t, err)
	wantLines(t, r.Notes)
}

func TestVerifyLeavesTheTablesOfAStudyInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "study")
	s := create(t, dir)
	x := trial("", 0)
	x.ID = spec.TrialID(x.Configuration, uint32(x.Seed))
	check(t, s.BeginTrial(x))
	check(t, s.AppendEpoch(epoch(x.ID, 1)))
	lines, _ := problems(t, dir)
	wantLines(t, lines, "(: a process writes the study: its tables are not compared)")
}

func TestVerifyReadsTheJournalsAgainIfACheckpointIsAhead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "study")
	s := create(t, dir)
	x := trial("", 0)
	x.ID = spec.TrialID(x.Configuration, uint32(x.Seed))
	check(t, s.BeginTrial(x))
	check(t, s.AppendEpoch(epoch(x.ID, 1)))
	var found []string
	_, err := results.Verify(t.Context(), dir, results.Options{}, func(p results.Problem) {
		if found = append(found, p.What); len(found) == 1 { // the journals have been read
			check(t, s.AppendEpoch(epoch(x.ID, 2), epoch(x.ID, 3)))
			check(t, s.SaveCheckpoint(checkpoint(x.ID, 3)))
		}
	})
	check(t, err)
	wantLines(t, found, "a process writes the study: its tables are not compared")
}

func TestVerifyRefusesWhatIsNoStudy(t *testing.T) {
	if _, err := results.Verify(t.Context(), t.TempDir(), results.Options{}, nil); !errors.Is(err, results.ErrNoStudy) {
		t.Errorf("got %v", err)
	}
	dir, _ := verifiable(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := results.Verify(ctx, dir, results.Options{}, func(results.Problem) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A copy of what a view read of the journals, with the tables that it writes, is a study of its own, whatever is appended meanwhile.
func TestASnapshotIsAStudy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "study")
	s := create(t, dir)
	x := trial("", 0)
	x.ID = spec.TrialID(x.Configuration, uint32(x.Seed))
	check(t, s.BeginTrial(x))
	check(t, s.AppendEpoch(epoch(x.ID, 1), epoch(x.ID, 2)))
	v, err := results.Open(dir)
	check(t, err)
	defer v.Close()
	want := allRows(t, v)
	check(t, s.AppendEpoch(epoch(x.ID, 3)))
	to := filepath.Join(t.TempDir(), "copy")
	put := func(path string, content []byte) {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(to, path)), 0o777))
		check(t, os.WriteFile(filepath.Join(to, path), content, 0o666))
	}
	description, err := os.ReadFile(filepath.Join(dir, "study.json"))
	check(t, err)
	put("study.json", description)
	for _, j := range v.Journals() {
		b, err := os.ReadFile(j.Path)
		check(t, err)
		put("journal/"+j.Name, b[:j.Size])
	}
	for _, table := range results.Tables() {
		var b bytes.Buffer
		check(t, v.WriteTable(table, &b))
		put(results.TableFile(table), b.Bytes())
	}
	lines, found := problems(t, to)
	wantLines(t, lines)
	if found.Rows != 2 {
		t.Errorf("got %+v", found)
	}
	s2, err := results.Open(to)
	check(t, err)
	defer s2.Close()
	wantLines(t, allRows(t, s2), want...)
	wantLines(t, segmentRows(t, to, results.Epochs, "epoch"), "1", "2")
}
