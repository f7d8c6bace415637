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

	"github.com/starsweep/starsweep/results/internal/durable"
)

// ErrLocked is in the chain of the error for a study that another process writes.
var ErrLocked = errors.New("study is in use")

// lock makes this process the writer of dir until the file is closed. The kernel lets go of the lock when the process dies,
// however it dies, so the file itself is never removed: it only says who holds it.
func lock(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, durable.Fault(path, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	for range 3 {
		if !errors.Is(err, unix.EWOULDBLOCK) {
			break
		}
		time.Sleep(10 * time.Millisecond) // it may be Writer that holds the lock, for an instant
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, durable.Fault(path, err)
		}
		return nil, fmt.Errorf("%s: %w by %s: wait for it or stop it", dir, ErrLocked, holder(f))
	}
	host, _ := os.Hostname() // a machine without a name still holds the lock
	text := fmt.Sprintf("process %d on %s\n", os.Getpid(), host)
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, durable.Fault(path, err)
	}
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		f.Close()
		return nil, durable.Fault(path, err)
	}
	return f, nil
}

// Writer tells which process writes the study in dir, if one does.
func Writer(dir string) (process string, found bool) {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return "", false
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return "", false
	}
	return holder(f), true
}

// holder is what the file of a lock says of its holder; it may say nothing for an instant.
func holder(f *os.File) string {
	text, _ := io.ReadAll(io.LimitReader(f, 1<<10))
	return strings.TrimSpace(string(text))
}
