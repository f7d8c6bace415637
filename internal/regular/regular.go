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
