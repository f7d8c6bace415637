//go:build unix

package regular_test

import (
	"errors"
	"io/fs"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/starsweep/starsweep/internal/regular"
)

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	pipe, socket := filepath.Join(dir, "pipe"), filepath.Join(dir, "socket")
	if err := errors.Join(os.WriteFile(file, []byte("text"), 0o666), os.Symlink(file, link), syscall.Mkfifo(pipe, 0o666)); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, path := range []string{file, link} {
		f, err := regular.Open(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		f.Close()
	}
	for path, want := range map[string]string{
		dir: "got a folder, want a file", pipe: "got a named pipe, want a file", socket: "got a socket, want a file",
		os.DevNull: "got a device, want a file",
	} {
		f, err := regular.Open(path)
		if err == nil {
			f.Close()
		}
		if err == nil || err.Error() != "open "+path+": "+want {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
	if _, err := regular.OpenFile(pipe, os.O_WRONLY|os.O_CREATE, 0o666); err == nil || !strings.Contains(err.Error(), "got a named pipe") {
		t.Errorf("to write a pipe: got %v, want an error", err)
	}
	if f, err := regular.OpenFile(filepath.Join(dir, "new"), os.O_WRONLY|os.O_CREATE, 0o666); err != nil {
		t.Errorf("to create: %v", err)
	} else {
		f.Close()
	}
	if _, err := regular.Open(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

// A link that leads nowhere, or to itself, is no file, and no error.
func TestNamesTellsFilesFromEverythingElse(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	err := errors.Join(os.WriteFile(at("file"), nil, 0o666), os.Symlink("file", at("a link")), os.Symlink("nowhere", at("dangling")),
		os.Symlink("loop", at("loop")), os.Mkdir(at("folder"), 0o777), os.Symlink("folder", at("to folder")), syscall.Mkfifo(at("pipe"), 0o666))
	if err != nil {
		t.Fatal(err)
	}
	files, others, err := regular.Names(dir)
	if want := []string{"a link", "file"}; err != nil || !slices.Equal(files, want) {
		t.Errorf("got files %q, %v, want %q", files, err, want)
	}
	if want := []string{"dangling", "folder", "loop", "pipe", "to folder"}; !slices.Equal(others, want) {
		t.Errorf("got others %q, want %q", others, want)
	}
	for _, name := range files {
		if isFile, err := regular.IsFile(at(name)); !isFile || err != nil {
			t.Errorf("IsFile(%q) is %v, %v", name, isFile, err)
		}
	}
	for _, name := range append(others, "missing") {
		if isFile, err := regular.IsFile(at(name)); isFile || err != nil {
			t.Errorf("IsFile(%q) is %v, %v", name, isFile, err)
		}
	}
	if _, _, err := regular.Names(at("missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestFilesAreReadUpToALimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	text := strings.Repeat("0123456789", 10_000)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int64{0, 1, 99_999, 100_000, 100_001, math.MaxInt64} {
		got, err := regular.Read(path, limit)
		if want := text[:min(limit, 100_000)]; err != nil || string(got) != want {
			t.Errorf("limit %d: got %d bytes, %v, want %d", limit, len(got), err, len(want))
		}
	}
}
