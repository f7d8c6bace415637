package results

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// lock is the right to write a study of the old schema, which had one writer. An upgrade takes it. The kernel releases it when the
// process ends, for any reason. It is a lock on two things: the file DIR/lock, which names the holder and can be locked on every file
// system, and the directory itself, where the file system can lock directories: that lock cannot be taken away by removing a file.
type lock struct {
	file, dir *flock.Flock
	whole     bool // the directory is locked as well
}

// newLock makes this process the writer of dir until it closes the lock.
func newLock(dir string) (_ *lock, err error) {
	l := &lock{
		file: flock.New(lockPath(dir), flock.SetFlag(os.O_RDWR|os.O_CREATE), flock.SetPermissions(0o666)),
		dir:  flock.New(dir, flock.SetFlag(os.O_RDONLY)),
	}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	if info, err := os.Stat(l.file.Path()); err == nil && !info.Mode().IsRegular() {
		return nil, durable.StorageError(l.file.Path(), regular.Check(info.Mode()))
	}
	dirTaken, dirErr := try(l.dir.TryLock)
	fileTaken, fileErr := try(l.file.TryLock)
	switch {
	case dirTaken, fileTaken:
		return nil, fmt.Errorf("%s: %w by %s: wait for it or stop it", dir, ErrInUse, holder(dir))
	case fileErr != nil:
		return nil, durable.StorageError(l.file.Path(), fileErr)
	}
	l.whole = dirErr == nil  // some file systems lock files only
	host, _ := os.Hostname() // without a host name, the process still holds the lock
	text := fmt.Sprintf("process %d on %s\n", os.Getpid(), host)
	if err := os.WriteFile(l.file.Path(), []byte(text), 0o666); err != nil {
		return nil, durable.StorageError(l.file.Path(), err)
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	return l, nil
}

func lockPath(dir string) string { return filepath.Join(dir, "lock") }

// try calls TryLock until this process holds the lock. Taken reports that another process holds it for longer than oldHolder does.
func try(tryLock func() (bool, error)) (taken bool, err error) {
	for range 4 {
		if locked, err := tryLock(); locked || err != nil {
			return false, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return true, nil
}

// check returns an error if another process may have become a writer as well, because only the file is locked and its name no longer
// refers to it.
func (l *lock) check() error {
	if l.whole {
		return nil
	}
	return durable.StillThere(l.file.Path(), l.file, "another process may write the study now")
}

// Close releases the lock.
func (l *lock) Close() error { return errors.Join(l.dir.Close(), l.file.Close()) }

// oldHolder names the process that writes a study of the old schema in dir, if one does.
func oldHolder(dir string) (process string, found bool) {
	for _, path := range []string{lockPath(dir), dir} {
		if info, err := os.Stat(path); err != nil || !info.IsDir() && !info.Mode().IsRegular() {
			continue
		}
		l := flock.New(path, flock.SetFlag(os.O_RDONLY)) // which does not create a missing file
		locked, err := l.TryRLock()
		l.Close()
		if locked || err != nil {
			continue
		}
		if path == dir {
			return "a process that has lost its file lock", true
		}
		return holder(dir), true
	}
	return "", false
}

// holder is the holder that the lock file of dir names; the file may be empty for an instant.
func holder(dir string) string {
	if f, err := regular.Open(lockPath(dir)); err == nil {
		defer f.Close()
		text, _ := io.ReadAll(io.LimitReader(f, 1<<10))
		if name := strings.TrimSpace(string(text)); name != "" {
			return name
		}
	}
	return "another process"
}
