package durable

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestAFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := WriteFile(path, text("old")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := WriteFile(path, func(w io.Writer) error {
		if got := content(t, path); got != "old" {
			t.Errorf("while writing: got %q, want old", got)
		}
		io.WriteString(w, strings.Repeat("half of the new ", 10000))
		return boom
	})
	if !errors.Is(err, boom) || errors.Is(err, ErrStorage) || content(t, path) != "old" {
		t.Errorf("got error %v and %q, want boom and old", err, content(t, path))
	}
	if err := WriteFile(path, text("new")); err != nil || content(t, path) != "new" {
		t.Errorf("got error %v and %q, want new", err, content(t, path))
	}
	if got := names(t, filepath.Dir(path)); len(got) != 1 {
		t.Errorf("got files %v, want one", got)
	}
}

func TestACrashLeavesOneTemporaryFileThatTheNextWriteReuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for range 2 {
		if err := os.WriteFile(filepath.Join(dir, ".file"+TempSuffix), []byte("half"), 0o666); err != nil { // of a writer that was killed
			t.Fatal(err)
		}
		if err := WriteFile(path, text("new")); err != nil {
			t.Fatal(err)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
			t.Errorf("got files %v, want one", got)
		}
	}
}

func TestSeveralProcessesMayWriteASharedFileAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	err := WriteShared(path, func(w io.Writer) error {
		io.WriteString(w, "fir")
		if err := WriteShared(path, text("second")); err != nil { // another writer, which ends before this one
			return err
		}
		if got := content(t, path); got != "second" {
			t.Errorf("got %q, want second", got)
		}
		_, err := io.WriteString(w, "st")
		return err
	})
	if err != nil || content(t, path) != "first" {
		t.Errorf("got error %v and %q, want first", err, content(t, path))
	}
	if err := WriteShared(path, func(io.Writer) error { return errors.New("boom") }); err == nil || content(t, path) != "first" {
		t.Errorf("got error %v and %q, want boom and first", err, content(t, path))
	}
	if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
		t.Errorf("got files %v, want one", got)
	}
	info, err := os.Stat(path)
	other, otherErr := os.Create(filepath.Join(dir, "other"))
	if err != nil || otherErr != nil {
		t.Fatal(err, otherErr)
	}
	if want, _ := other.Stat(); info.Mode() != want.Mode() {
		t.Errorf("got mode %v, want %v, that of any new file", info.Mode(), want.Mode())
	}
}

func TestTemporaryFilesOfCrashedWritersAreRemovedAfterADay(t *testing.T) {
	dir := t.TempDir()
	old, young := time.Now().Add(-25*time.Hour), time.Now().Add(-23*time.Hour)
	for name, at := range map[string]time.Time{
		".gone.0123456789abcdef.tmp": old,
		".busy.0123456789abcdef.tmp": young,
		"mine.0123456789abcdef.tmp":  old,
		".mine.0123456789abcdeg.tmp": old,
		".mine.tmp":                  old,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteShared(filepath.Join(dir, "file"), text("x")); err != nil {
		t.Fatal(err)
	}
	want := []string{".busy.0123456789abcdef.tmp", ".mine.0123456789abcdeg.tmp", ".mine.tmp", "file", "mine.0123456789abcdef.tmp"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("got files %v, want %v", got, want)
	}
}

func TestErrorsOfTheDiskAreStorageErrorsWithThePath(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(blocked, "x")
	for name, err := range map[string]error{
		"MkdirAll of a file": MkdirAll(blocked),
		"WriteFile":          WriteFile(inside, text("x")),
		"WriteShared":        WriteShared(inside, text("x")),
		"MkdirAll":           MkdirAll(inside),
		"SyncDir":            SyncDir(inside),
		"Remove":             Remove(inside),
	} {
		if !errors.Is(err, ErrStorage) || !strings.Contains(err.Error(), blocked) {
			t.Errorf("%s: got %v, want ErrStorage with %s", name, err, blocked)
		}
	}
	if err := Remove(filepath.Join(t.TempDir(), "absent")); err != nil {
		t.Errorf("removing a file that is not there: %v", err)
	}
}

func TestDirectoriesAreMadeWithTheirParents(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 {
		if err := MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		t.Errorf("got %v, %v", info, err)
	}
}
