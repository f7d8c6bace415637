package durable

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
	if names, _ := os.ReadDir(filepath.Dir(path)); len(names) != 1 {
		t.Errorf("got files %v, want one", names)
	}
}

func TestErrorsOfTheDiskAreStorageErrorsWithThePath(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(blocked, "x")
	for name, err := range map[string]error{
		"WriteFile": WriteFile(inside, text("x")),
		"MkdirAll":  MkdirAll(inside),
		"SyncDir":   SyncDir(inside),
		"Remove":    Remove(inside),
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
