package results

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// If directories cannot be locked, the first writer stops as soon as its file is not the one that others find.
func TestALockOfAFileAloneEndsWithItsName(t *testing.T) {
	dir := t.TempDir()
	l, err := newLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !l.whole {
		t.Log("this file system does not lock directories")
	}
	l.whole = false
	if err := l.check(); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	path := filepath.Join(dir, "lock")
	for range 2 {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := l.check(); !errors.Is(err, ErrStorage) {
			t.Errorf("got %v, want ErrStorage", err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := l.check(); !errors.Is(err, ErrStorage) {
			t.Errorf("a new file of the name: got %v, want ErrStorage", err)
		}
	}
}
