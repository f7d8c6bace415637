// Package durable writes files that survive a crash: whole and on disk, or not there at all. Everything under results that
// reaches the disk goes through it, so that each error of the disk carries the path and is one errors.Is away from ErrStorage.
// It imports nothing of ours.
package durable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrStorage is in the chain of every error that the file system caused: disk full, no permission, a device that fails.
var ErrStorage = errors.New("storage")

// TempSuffix ends the name of a file that is still being written. A glob such as *.parquet never matches it.
const TempSuffix = ".tmp"

// StorageError marks err, which the file system gave for path, as a storage error. A nil err stays nil.
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

// WriteFile puts what write writes at path, replacing what was there only once the new content is safely on disk. After an
// error the old file is untouched. One writer a path at a time: the temporary name is fixed, so that a crash leaves at most
// one of them behind and the next write reuses it.
func WriteFile(path string, write func(io.Writer) error) error {
	dir, base := filepath.Split(path)
	temp := filepath.Join(dir, "."+base+TempSuffix)
	if err := writeTemp(temp, write); err != nil {
		os.Remove(temp) // gives a full disk its space back; what it says adds nothing to err
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return StorageError(path, err)
	}
	return SyncDir(filepath.Dir(path))
}

func writeTemp(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return StorageError(path, err)
	}
	defer f.Close() // the second close after a success is harmless
	disk := &diskWriter{f: f}
	buf := bufio.NewWriterSize(disk, 1<<16)
	err = write(buf)
	if err == nil {
		err = buf.Flush()
	}
	if disk.err != nil { // whatever the callback made of it, the disk is to blame
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

// StillThere reports whether the name of an open file still leads to it: an error says what removing or replacing it means. Whoever
// goes on writing to a file without a name loses everything.
func StillThere(f *os.File, meaning string) error {
	opened, err := f.Stat()
	if err != nil {
		return StorageError(f.Name(), err)
	}
	named, err := os.Stat(f.Name())
	switch {
	case errors.Is(err, os.ErrNotExist):
		return StorageError(f.Name(), fmt.Errorf("the file was removed: %s", meaning))
	case err != nil:
		return StorageError(f.Name(), err)
	case !os.SameFile(opened, named):
		return StorageError(f.Name(), fmt.Errorf("the file was replaced: %s", meaning))
	}
	return nil
}

// SyncDir makes the names in a directory durable: a rename or a new file is only then sure to survive a power failure.
func SyncDir(dir string) error {
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
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, os.ErrExist) {
		return StorageError(dir, err)
	}
	return SyncDir(parent)
}

// Remove deletes a file, durably. A file that is not there is no error.
func Remove(path string) error {
	if err := os.Remove(path); errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return StorageError(path, err)
	}
	return SyncDir(filepath.Dir(path))
}
