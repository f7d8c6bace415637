package claim

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// elsewhere makes the heartbeat of a process of another machine that beat long ago.
func elsewhere(t testing.TB, dir, name string, ago time.Duration) string {
	t.Helper()
	path := filepath.Join(dir, "writers", name)
	check(t, os.MkdirAll(filepath.Dir(path), 0o777))
	check(t, os.WriteFile(path, []byte(`{"writer":"`+name+`","host":"far","boot":"b","namespace":"n","pid":7,"start":"1"}`), 0o666))
	at := time.Now().Add(-ago)
	check(t, os.Chtimes(path, at, at))
	return path
}

var quick = Options{HeartbeatEvery: 10 * time.Millisecond, StaleAfter: time.Minute}

// asked returns a function for Watch that notes for whom it waits.
func asked(of *[]string) func([]Writer) {
	return func(list []Writer) {
		for _, w := range list {
			*of = append(*of, w.Name)
		}
	}
}

func TestAWriterWatchesOldHeartbeatsAlone(t *testing.T) {
	dir := t.TempDir()
	d, err := Join(dir, NewWriter(""), quick)
	check(t, err)
	defer d.Close()
	elsewhere(t, dir, "young", 0)
	elsewhere(t, dir, "old", time.Hour)
	moves := elsewhere(t, dir, "moves", time.Hour)
	var waited []string
	check(t, d.Watch(t.Context(), func(list []Writer) {
		asked(&waited)(list)
		check(t, os.Chtimes(moves, time.Now(), time.Now()))
	}))
	if want := []string{"moves", "old"}; !slices.Equal(waited, want) {
		t.Errorf("it waited for %v, want %v", waited, want)
	}
	others, err := d.Others()
	check(t, err)
	if len(others) != 2 || others[0].Name != "moves" || others[1].Name != "young" {
		t.Errorf("got living writers %v, want the one that moved and the young one", others)
	}
	waited = nil
	check(t, d.Watch(t.Context(), asked(&waited)))
	if len(waited) > 0 {
		t.Errorf("it waited again for %v", waited)
	}
}

// The file system's clock is an hour behind that of this machine: its heartbeats are young.
func TestAWriterAsksTheClockOfTheFileSystem(t *testing.T) {
	dir := t.TempDir()
	o := quick
	o.ModTime = func(path string) (time.Time, error) {
		at, err := modTime(path)
		if filepath.Base(path) != "other" {
			at = at.Add(-time.Hour)
		}
		return at, err
	}
	d, err := Join(dir, NewWriter(""), o)
	check(t, err)
	defer d.Close()
	elsewhere(t, dir, "other", time.Hour)
	check(t, d.Watch(t.Context(), func(list []Writer) { t.Errorf("it waits for %v", list) }))
	if others, err := d.Others(); err != nil || len(others) != 1 {
		t.Errorf("got %v, %v, want one living writer", others, err)
	}
}

// A reader may have a clock that is ahead, so that it watches a heartbeat that beats.
func TestAReaderBelievesNoClockButWhatStandsStill(t *testing.T) {
	dir := t.TempDir()
	elsewhere(t, dir, "young", 0)
	old := elsewhere(t, dir, "old", time.Hour)
	beats := elsewhere(t, dir, "beats", time.Hour)
	o := quick
	o.StaleAfter = 60 * time.Millisecond
	var waited []string
	start := time.Now()
	young := filepath.Join(dir, "writers", "young")
	check(t, os.Chtimes(young, start.Add(time.Hour), start.Add(time.Hour)))
	dead, err := Watch(t.Context(), dir, o, func(list []Writer) {
		asked(&waited)(list)
		check(t, os.Chtimes(beats, start, start.Add(-time.Minute)))
		check(t, os.Chtimes(young, start, start.Add(2*time.Hour)))
	})
	check(t, err)
	if took := time.Since(start); took < 7*o.HeartbeatEvery {
		t.Errorf("it watched for %v, want as long as a heartbeat must stand still", took)
	}
	if want := []string{"beats", "old"}; !slices.Equal(waited, want) {
		t.Errorf("it waited for %v, want %v", waited, want)
	}
	written, err := modTime(old)
	check(t, err)
	if at, found := dead["old"]; len(dead) != 1 || !found || !at.Equal(written) {
		t.Errorf("got dead writers %v, want the old one of %v", dead, written)
	}
	files(t, filepath.Join(dir, "writers"), "beats", "old", "young")
}

func TestWatchingEndsWithTheContext(t *testing.T) {
	dir := t.TempDir()
	elsewhere(t, dir, "old", time.Hour)
	ctx, stop := context.WithCancel(t.Context())
	o := Options{HeartbeatEvery: time.Hour, StaleAfter: time.Minute}
	if _, err := Watch(ctx, dir, o, func([]Writer) { stop() }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

// A rehearsal of a repair works on links to the files of a study.
func TestOnlyFilesAndLinksToFilesCount(t *testing.T) {
	dir, linked := t.TempDir(), t.TempDir()
	a := join(t, dir)
	take(t, a, "x", 0, 1)
	for _, folder := range []string{"claims", "writers"} {
		check(t, os.Mkdir(filepath.Join(linked, folder), 0o777))
		list, err := names(filepath.Join(dir, folder))
		check(t, err)
		for _, name := range list {
			check(t, os.Symlink(filepath.Join(dir, folder, name), filepath.Join(linked, folder, name)))
		}
		for name, make := range map[string]func(string) error{
			"folder.000007": func(path string) error { return os.Mkdir(path, 0o777) },
			"pipe.000007":   func(path string) error { return syscall.Mkfifo(path, 0o666) },
			"loop.000007":   func(path string) error { return os.Symlink(path, path) },
			"gone.000007":   func(path string) error { return os.Symlink(path+"x", path) },
		} {
			check(t, make(filepath.Join(linked, folder, name)))
		}
	}
	b := join(t, linked)
	taken(t, b, "x")
	for _, trial := range []string{"folder", "pipe", "loop", "gone"} {
		c, err := b.Take(trial, 6) // 7 is taken, though by nobody
		check(t, err)
		if c.Generation != 8 {
			t.Errorf("%s: got generation %d, want 8", trial, c.Generation)
		}
	}
	r, err := Read(linked)
	check(t, err)
	if len(r.Writers) != 2 || len(r.Claims) != 5 {
		t.Errorf("got writers %v and claims %v, want 2 and 5", r.Writers, r.Claims)
	}
}
