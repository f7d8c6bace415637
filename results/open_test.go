package results_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

func TestADifferentStudyInTheSameDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	check(t, create(t, dir).Close())
	for want, change := range map[string]func(*results.Meta){
		`study: got "other", but the directory has "ring"`:              func(m *results.Meta) { m.Study = "other" },
		`script: got "a.star", but the directory has "ring.star"`:       func(m *results.Meta) { m.Script = "a.star" },
		`hyperparameter batch: got "bool", but the directory has "int"`: func(m *results.Meta) { m.Columns[2].Kind = spec.Bool },
		`objectives: got [], but the directory has [{"metric":"fid"`:    func(m *results.Meta) { m.Objectives = nil },
	} {
		other := meta
		other.Columns = slices.Clone(meta.Columns)
		change(&other)
		_, err := createStudy(dir, other, nil, hourly)
		wantError(t, err, "holds a different study: choose another directory", want)
		if !errors.Is(err, results.ErrOther) {
			t.Errorf("got error %v, want ErrOther", err)
		}
	}

	part := meta // metrics that are left out or come in another order
	part.Metrics = slices.Clone(meta.Metrics[1:])
	slices.Reverse(part.Metrics)
	s, err := createStudy(dir, part, nil, hourly)
	check(t, err)
	if got := s.Meta().Metrics; !slices.Equal(got, meta.Metrics) {
		t.Errorf("got the metrics %v, want %v", got, meta.Metrics)
	}
	check(t, s.Close())

	newer := meta // a script that was edited and grew a value goes on
	newer.ScriptHash, newer.Version = "77aa", "0.2.0"
	s, err = createStudy(dir, newer, map[string][]byte{"ring.star": []byte("main = 2\n"), "lib/nets.star": []byte("x = 1\n")}, hourly)
	check(t, err)
	check(t, s.Close())
	for path, want := range map[string]string{"5c41/ring.star": "main = 1\n", "77aa/ring.star": "main = 2\n",
		"77aa/lib/nets.star": "x = 1\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, "script", path)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v", path, got, err)
		}
	}
	_, err = createStudy(dir, meta, map[string][]byte{"../../evil.star": nil}, hourly)
	wantError(t, err, "want a path inside")
}

func TestStudyFilesThatDoNotBelongTogetherAreRefused(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a", 0, 2)
	check(t, s.Close())
	edit := func(name string, f func([]byte) []byte) (undo func()) {
		path := filepath.Join(dir, name)
		old, err := os.ReadFile(path)
		check(t, err)
		check(t, os.WriteFile(path, f(bytes.Clone(old)), 0o666))
		return func() { check(t, os.WriteFile(path, old, 0o666)) }
	}
	reopen := func() error {
		s, err := createStudy(dir, meta, nil, hourly)
		if err == nil {
			s.Close()
		}
		return err
	}
	undo := edit("study.json", func([]byte) []byte { return []byte(`{"schema": 5, "version": "0.9"}`) })
	wantError(t, reopen(), "got schema version 5, want 4", "0.9")
	undo()
	foreign := filepath.Join(t.TempDir(), "other")
	other := meta
	other.Study = "other"
	o, err := createStudy(foreign, other, nil, hourly)
	check(t, err)
	train(t, o, "b", 0, 2)
	check(t, o.Close())
	undo = edit(filepath.Join("journal", filepath.Base(journalOf(t, dir))), func([]byte) []byte {
		b, err := os.ReadFile(journalOf(t, foreign))
		check(t, err)
		return b
	})
	err = reopen()
	if !errors.Is(err, results.ErrCorrupt) {
		t.Errorf("got error %v, want ErrCorrupt", err)
	}
	wantError(t, err, "the journal belongs to another study")
	undo()
	check(t, reopen())
	_, err = results.Open(t.TempDir())
	wantError(t, err, "not the directory of a study")
}

func TestWritersAreNamedWhileTheyHaveTheStudyOpen(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	v := open(t, dir)
	want := func(n int) {
		t.Helper()
		list, err := v.Writers()
		check(t, err)
		if len(list) != n {
			t.Fatalf("got the writers %v, want %d", list, n)
		}
		host, _ := os.Hostname()
		for _, p := range list {
			if p.String() != fmt.Sprintf("process %d on %s", os.Getpid(), host) || !p.Live {
				t.Errorf("got the writer %+v", p)
			}
		}
	}
	want(1)
	other := create(t, dir)
	want(2)
	check(t, other.Close())
	want(1)
	check(t, s.Close())
	want(0)
}

func TestARemovedJournalIsNoticedAtTheNextRow(t *testing.T) {
	for name, spoil := range map[string]func(journal string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o666)) },
		"cut":      func(path string) error { return os.Truncate(path, 10) },
		"renamed":  func(path string) error { return os.Rename(path, path+".old") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := create(t, dir)
			train(t, s, "a", 0, 1)
			path := journalOf(t, dir)
			check(t, spoil(path))
			if err := s.Publish(); !errors.Is(err, results.ErrStorage) {
				t.Errorf("publishing: got %v, want ErrStorage", err)
			}
			err := s.AppendEpoch(epoch("a", 2))
			if !errors.Is(err, results.ErrStorage) {
				t.Fatalf("got %v, want ErrStorage", err)
			}
			wantError(t, err, path)
		})
	}
}
