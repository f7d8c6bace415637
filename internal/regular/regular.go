// Package regular opens regular files and refuses all others: opening a named pipe waits for its writer, and a device may have
// no end. Every path that a user names is opened through it, and every file of a study's directory. It imports no package of this module.
package regular

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
)

// Check returns an error that says what a file of this mode is, unless it is a regular file.
func Check(mode fs.FileMode) error {
	if mode.IsRegular() {
		return nil
	}
	kind := "a special file"
	switch {
	case mode.IsDir():
		kind = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	}
	return fmt.Errorf("got %s, want a file", kind)
}

// Names returns the names of the regular files in a folder, among them links that lead to one, and those of everything else there, both
// sorted. What is at a path may be anything: a program that looks for its files leaves the rest alone.
func Names(dir string) (files, others []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		isFile := e.Type().IsRegular()
		if e.Type()&fs.ModeSymlink != 0 {
			if isFile, err = IsFile(filepath.Join(dir, e.Name())); err != nil {
				return nil, nil, err
			}
		}
		if isFile {
			files = append(files, e.Name())
		} else {
			others = append(others, e.Name())
		}
	}
	return files, others, nil
}

// IsFile reports whether there is a regular file, or a link that leads to one. One that leads nowhere, or to itself, does not.
func IsFile(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return info.Mode().IsRegular(), nil
}

// Open opens a regular file for reading. Links are followed.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY, 0) }

// OpenFile is os.OpenFile for regular files.
func OpenFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0:
	case err != nil:
		return nil, err
	default:
		if err := Check(info.Mode()); err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
	return os.OpenFile(path, flag, perm)
}

// ReadFile is os.ReadFile for regular files.
func ReadFile(path string) ([]byte, error) { return Read(path, math.MaxInt64) }

// Read reads the first limit bytes of a regular file, or all, into one piece of memory. A file of size 0 is empty, also where
// the kernel provides it and reading would wait as for a pipe.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return nil, err
	}
	b := bytes.NewBuffer(make([]byte, 0, max(min(info.Size(), limit), 0)+bytes.MinRead))
	_, err = b.ReadFrom(io.LimitReader(f, limit))
	return b.Bytes(), err
}
