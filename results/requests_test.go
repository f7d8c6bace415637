package results_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/results"
)

// requestFiles are the names in the folder of requests.
func requestFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(dir, "requests"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// asked reports whether a claim of a trial is asked to prune it.
func asked(t *testing.T, s *study, id string) bool {
	t.Helper()
	c, err := s.claim(id)
	check(t, err)
	is, err := c.AskedToPrune()
	check(t, err)
	return is
}

func TestARequestToPruneIsForOneTrialUntilItEnds(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a1", 0, 1)
	train(t, s, "b2", 1, 1)
	v, err := results.Open(dir) // of a process that only reads
	check(t, err)
	defer v.Close()
	if asked(t, s, "a1") {
		t.Error("a trial is asked before anybody has asked")
	}
	check(t, errors.Join(v.AskToPrune("a1"), v.AskToPrune("a1")))
	if !asked(t, s, "a1") || asked(t, s, "b2") {
		t.Error("want a request to a1 alone")
	}
	trials, writers, err := v.Requests()
	check(t, err)
	if !trials["a1"] || len(trials) != 1 || len(writers) != 0 {
		t.Errorf("got requests to %v and %v", trials, writers)
	}
	check(t, s.FinishTrial(outcome("a1", results.Pruned)))
	if left := requestFiles(t, dir); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
	for _, id := range []string{"a1", "c3", "../b2", ""} {
		if err := v.AskToPrune(id); !errors.Is(err, results.ErrNotRunning) {
			t.Errorf("%q: got %v, want that nobody trains it", id, err)
		}
	}
}

// The process that sees a request may die before it can end the trial, or between the end and the removal of the file.
func TestARequestToPruneOutlivesAProcessAndNotTheEndOfItsTrial(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a1", 0, 1)
	check(t, s.AskToPrune("a1"))
	name := requestFiles(t, dir)[0]
	c, err := s.claim("a1")
	check(t, err)
	check(t, c.Release())
	if !asked(t, s, "a1") { // of the next generation
		t.Error("the next owner of the trial does not see the request")
	}
	longer := trial("a1", 0)
	check(t, errors.Join(s.BeginTrial(longer), s.FinishTrial(outcome("a1", results.Completed))))
	path := filepath.Join(dir, "requests", name)
	check(t, os.WriteFile(path, nil, 0o666)) // as if it had not been removed
	longer.Length = 9
	check(t, s.BeginTrial(longer))
	if asked(t, s, "a1") {
		t.Error("a trial that has more epochs than it had when somebody wanted it to end is asked to end")
	}
	check(t, s.Close())
	var found []string
	_, err = results.Verify(context.Background(), dir, hourly, func(p results.Problem) {
		if p.Harmless {
			found = append(found, p.Path+": "+p.What)
		}
	})
	check(t, err)
	if want := "requests/" + name + ": the trial has ended"; !slices.Contains(found, want) {
		t.Errorf("got %q, want %q", found, want)
	}
	check(t, create(t, dir).Close())
	if exists(path) {
		t.Errorf("%s is left", name)
	}
}

func TestARequestToStopIsForTheProcessesThatAreThere(t *testing.T) {
	dir := t.TempDir()
	a, b := create(t, dir), create(t, dir)
	if n, err := a.AskToStop(); n != 2 || err != nil {
		t.Fatalf("got %d, %v, want 2 that are asked", n, err)
	}
	if !a.AskedToStop() || !b.AskedToStop() {
		t.Error("one is not asked")
	}
	if _, writers, err := a.Requests(); err != nil || len(writers) != 2 {
		t.Errorf("got %v, %v", writers, err)
	}
	later := create(t, dir)
	if later.AskedToStop() {
		t.Error("a process that has come later is asked")
	}
	check(t, errors.Join(a.Close(), b.Close(), later.Close()))
	if left := requestFiles(t, dir); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
	v, err := results.Open(dir)
	check(t, err)
	defer v.Close()
	if _, err := v.AskToStop(); !errors.Is(err, results.ErrNotRunning) {
		t.Errorf("got %v, want that nobody is there", err)
	}
}

func TestFilesThatAreNoRequestsAskNothing(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	train(t, s, "a1", 0, 1)
	check(t, os.MkdirAll(filepath.Join(dir, "requests"), 0o777))
	names := []string{"prune.a1", "prune.a1.1", "prune.a1.0000001", "prune.a1.-00001", "prune.a1.000000", "prune..000001", "a1.000001",
		"stop.", "x"}
	for _, name := range names {
		check(t, os.WriteFile(filepath.Join(dir, "requests", name), nil, 0o666))
	}
	if asked(t, s, "a1") || s.AskedToStop() {
		t.Error("one of them counts")
	}
	found := 0
	_, err := results.Verify(context.Background(), dir, hourly, func(p results.Problem) {
		if filepath.Dir(p.Path) == "requests" && p.Harmless && p.What == "not a file of the study" {
			found++
		}
	})
	check(t, err)
	if found != len(names) {
		t.Errorf("verify reports %d, want %d", found, len(names))
	}
}
