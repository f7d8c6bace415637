//go:build unix

package data

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/require"
)

func TestSpecialFilesAreRefusedByName(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "1.png", tile(t, 1, 1, 1))
	pipe := filepath.Join(dir, "control")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	st := store(t)
	if s := open(t, st, spec.Data{Name: "images", Path: dir}); s.N != 1 || !slices.Equal(s.Notes,
		[]string{"left out 1 pipe, socket or device: control"}) {
		t.Errorf("got %d images, notes %q", s.N, s.Notes)
	}
	if err := os.Rename(pipe, filepath.Join(dir, "2.png")); err != nil {
		t.Fatal(err)
	}
	_, err := st.Open(context.Background(), spec.Data{Name: "images", Path: dir})
	wantError(t, err, "2.png: got a named pipe, want a file")
	for name, path := range map[string]string{"images": "2.png", "parquet": "2.png", "dicom": "2.png"} {
		_, err := st.Open(context.Background(), spec.Data{Name: name, Path: filepath.Join(dir, path)})
		wantError(t, err, name+": ", "2.png: got a named pipe, want a file")
	}
	if err := os.Rename(filepath.Join(dir, "2.png"), filepath.Join(dir, "a.zip")); err != nil {
		t.Fatal(err)
	}
	_, err = st.Open(context.Background(), spec.Data{Name: "images", Path: filepath.Join(dir, "a.zip")})
	wantError(t, err, "a.zip: got a named pipe, want a file")
}

// /proc/kmsg looks like a regular file, but reading it waits for messages of the kernel.
func TestFilesOfTheKernelAreNotWaitedFor(t *testing.T) {
	const kernel = "/proc/kmsg"
	if _, err := os.Stat(kernel); err != nil {
		require.Unavailable(t, "%v", err)
	}
	dir := t.TempDir()
	write(t, dir, "1.png", tile(t, 1, 1, 1))
	if err := os.Symlink(kernel, filepath.Join(dir, "messages")); err != nil {
		t.Fatal(err)
	}
	done := make(chan *Set)
	go func() {
		s, err := store(t).Open(context.Background(), spec.Data{Name: "images", Path: dir})
		if err != nil {
			t.Error(err)
		}
		done <- s
	}()
	select {
	case s := <-done:
		if s != nil && s.N != 1 {
			t.Errorf("got %d images", s.N)
		}
	case <-time.After(10 * time.Second):
		t.Error("waits")
	}
}
