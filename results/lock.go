package results

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/starsweep/starsweep/internal/durable"
)

// ErrLocked is in the chain of the error for a study that another process writes.
var ErrLocked = errors.New("study is in use")

// lock is the right to write a study. The kernel takes it back when the process dies, however it dies. It is a lock on two things:
// the file DIR/lock, which says who holds it and works on every file system, and the directory itself, where the file system
// has such locks: nobody can take that one away by removing a file.
type lock struct {
	file, dir *os.File
	whole     bool // the directory is locked, too
}

// newLock makes this process the writer of dir until it closes the lock.
func newLock(dir string) (_ *lock, err error) {
	l := &lock{}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	path := filepath.Join(dir, "lock")
	if l.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666); err != nil {
		return nil, durable.StorageError(path, err)
	}
	if l.dir, err = os.Open(dir); err != nil {
		return nil, durable.StorageError(dir, err)
	}
	overDir, overFile := hold(l.dir), hold(l.file)
	switch {
	case errors.Is(overDir, unix.EWOULDBLOCK), errors.Is(overFile, unix.EWOULDBLOCK):
		return nil, fmt.Errorf("%s: %w by %s: wait for it or stop it", dir, ErrLocked, holder(l.file))
	case overFile != nil:
		return nil, durable.StorageError(path, overFile)
	}
	l.whole = overDir == nil // some file systems lock files only
	host, _ := os.Hostname() // a machine without a name still holds the lock
	text := fmt.Sprintf("process %d on %s\n", os.Getpid(), host)
	if err := l.file.Truncate(0); err != nil {
		return nil, durable.StorageError(path, err)
	}
	if _, err := l.file.WriteAt([]byte(text), 0); err != nil {
		return nil, durable.StorageError(path, err)
	}
	return l, nil
}

// hold locks a file for this process. Writer may hold the lock, too, for an instant.
func hold(f *os.File) (err error) {
	for range 4 {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// check reports whether others can have become writers, too: where only the file is locked, and no longer is the one that they find.
func (l *lock) check() error {
	if l.whole {
		return nil
	}
	return durable.StillThere(l.file, "another process may write the study now")
}

// Close lets go of the lock.
func (l *lock) Close() error {
	var errs []error
	for _, f := range []*os.File{l.dir, l.file} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// Writer tells which process writes the study in dir, if one does.
func Writer(dir string) (process string, found bool) {
	for _, path := range []string{filepath.Join(dir, "lock"), dir} {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		defer f.Close()
		if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
			if path == dir {
				return "a process that has lost its file lock", true
			}
			return holder(f), true
		}
	}
	return "", false
}

// holder is what the file of a lock says of its holder; it may say nothing for an instant.
func holder(f *os.File) string {
	text, _ := io.ReadAll(io.LimitReader(f, 1<<10))
	if name := strings.TrimSpace(string(text)); name != "" {
		return name
	}
	return "another process"
}
