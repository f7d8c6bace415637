package results_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

// longAgo makes a file one that was last written to long ago. The clocks of file systems tick every few milliseconds, so that a file that
// a test has just written may be as young as the heartbeat of a process that joins after it.
func longAgo(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)) }

// A file that was last written to after this process joined may be of one that joined later, and is being written.
func TestHalfWrittenFilesOfLaterProcessesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	check(t, create(t, dir).Close())
	old, young := filepath.Join(dir, "pareto", ".pareto.parquet.0.tmp"), filepath.Join(dir, "pareto", ".pareto.parquet.1.tmp")
	for path, age := range map[string]time.Duration{old: time.Hour, young: -time.Hour} {
		check(t, os.WriteFile(path, []byte("half"), 0o666))
		check(t, os.Chtimes(path, time.Time{}, time.Now().Add(-age)))
	}
	check(t, create(t, dir).Close())
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that a crash left: got %v, want that it is gone", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("a file that may be written now: got %v, want it left alone", err)
	}
}

// Processes that begin later would take it for a living one.
func TestTheLastProcessForgetsThoseThatDiedElsewhere(t *testing.T) {
	dir := t.TempDir()
	stopped := ""
	a := create(t, dir)
	train(t, a, "a", 0, 1)
	b, err := createStudy(dir, meta, nil, stoppable(&stopped))
	check(t, err)
	defer b.Close()
	stopped = filepath.Base(journalOf(t, dir))
	c := takeOver(t, b, "a")
	check(t, c.Begin(trial("a", 0), nil))
	check(t, c.Finish(outcome("a", results.Completed)))
	check(t, c.Release())
	_, err = b.Compact()
	check(t, err)
	if _, err := os.Stat(filepath.Join(dir, "writers", stopped)); !os.IsNotExist(err) {
		t.Errorf("got %v, want no heartbeat of the dead process", err)
	}
}
