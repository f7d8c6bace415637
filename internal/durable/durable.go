// Package durable writes files that survive a crash: a file on disk is complete, or the previous one is still there. Everything
// that starsweep keeps is written through it: studies by package results, and data sets, networks and caches by engine/data,
// engine/feature and runner/evaluation. Every disk error carries the path and has ErrStorage in its chain. It imports no
// package of this module.
package durable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ErrStorage is in the chain of every error that the file system caused: disk full, no permission, a device that fails.
var ErrStorage = errors.New("storage")

// StorageError marks err, which the file system returned for path, as a storage error. A nil err stays nil.
func StorageError(path string, err error) error {
	if err == nil {
		return nil
	}
	var named *os.PathError
	if errors.As(err, &named) { // such errors name their path themselves
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrStorage, path, err)
}

// WriteFile replaces the file at path by what write writes, once the content is safely on disk. After an error the old file
// is untouched. A path has one writer at a time: the temporary name is fixed, so that a crash leaves at most one temporary
// file behind and the next write reuses it.
func WriteFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+TempSuffix))
	if err != nil {
		return StorageError(path, err)
	}
	return replace(path, f, write, nil)
}

// WriteShared is WriteFile for a path that several processes may write at once: the last one to finish wins. Files that crashed writers
// left behind are removed: see CreateTemp.
func WriteShared(path string, write func(io.Writer) error) error {
	f, err := CreateTemp(path)
	if err != nil {
		return err
	}
	return replace(path, f, write, nil)
}

// WriteChecked is WriteShared, and calls ready once the content is on disk under a hidden name. After an error of ready the old file
// is untouched.
func WriteChecked(path string, write func(io.Writer) error, ready func() error) error {
	f, err := CreateTemp(path)
	if err != nil {
		return err
	}
	return replace(path, f, write, ready)
}

// replace writes f, calls ready if there is such a function, and renames f to path.
func replace(path string, f *os.File, write func(io.Writer) error, ready func() error) error {
	err := fill(f, write)
	if err == nil && ready != nil {
		err = ready()
	}
	if err != nil {
		os.Remove(f.Name()) // frees space on a full disk; its own error would add nothing to err
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		os.Remove(f.Name())
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() { // of which the system says that a file exists
			return StorageError(path, errors.New("got a folder, want a file: move it away"))
		}
		return StorageError(path, err)
	}
	return SyncDir(filepath.Dir(path))
}

// fill writes, syncs and closes f.
func fill(f *os.File, write func(io.Writer) error) error {
	defer f.Close() // the second close after a success is harmless
	path := f.Name()
	disk := &diskWriter{f: f}
	buf := bufio.NewWriterSize(disk, 1<<16)
	err := write(buf)
	if err == nil {
		err = buf.Flush()
	}
	if disk.err != nil { // regardless of how the callback wrapped it
		return StorageError(path, disk.err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := f.Sync(); err != nil {
		return StorageError(path, err)
	}
	return StorageError(path, f.Close())
}

// diskWriter remembers the error of the disk, which encoders between it and the caller may hide.
type diskWriter struct {
	f   *os.File
	err error
}

func (w *diskWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

// StillThere returns an error if path no longer refers to a file that was opened there; meaning says what that entails. A process that
// continues to write to a file without a name loses everything.
func StillThere(path string, file interface{ Stat() (fs.FileInfo, error) }, meaning string) error {
	opened, err := file.Stat()
	if err != nil {
		return StorageError(path, err)
	}
	named, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return StorageError(path, fmt.Errorf("the file was removed: %s", meaning))
	case err != nil:
		return StorageError(path, err)
	case !os.SameFile(opened, named):
		return StorageError(path, fmt.Errorf("the file was replaced: %s", meaning))
	}
	return nil
}

// SyncDir makes the names in a directory durable: only then does a rename or a new file survive a power failure.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" { // which cannot sync a folder
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return StorageError(dir, err)
	}
	defer d.Close()
	return StorageError(dir, d.Sync())
}

// MkdirAll makes dir and its missing parents, durably.
func MkdirAll(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MkdirAll(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		if info, statErr := os.Stat(dir); statErr != nil || !info.IsDir() { // otherwise another process was faster
			return StorageError(dir, err)
		}
	}
	return SyncDir(parent)
}

// Remove deletes a file, durably. A missing file is not an error.
func Remove(path string) error {
	if err := os.Remove(path); errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return StorageError(path, err)
	}
	return SyncDir(filepath.Dir(path))
}
