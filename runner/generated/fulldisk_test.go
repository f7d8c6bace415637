//go:build unix

package generated

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/starsweep/starsweep/internal/durable"
)

// A limit on the size of files has the effect of a full disk on a process.
func TestAFullDiskLeavesNothing(t *testing.T) {
	if os.Getenv("FULL_DISK") == "" { // in its own process: the limit holds for everything that it writes
		c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		c.Env = append(os.Environ(), "FULL_DISK=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	ignore := make(chan os.Signal, 8)
	signal.Notify(ignore, syscall.SIGXFSZ)
	defer signal.Stop(ignore)
	limit := was
	limit.Cur = 60 // less than one picture
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was)
	for _, name := range []string{"folder", "x.zip", "x.npy", "x.parquet"} {
		dir := t.TempDir()
		err := Write(t.Context(), filepath.Join(dir, name), images(300, 3, 2))
		if left, _ := os.ReadDir(dir); !errors.Is(err, durable.ErrStorage) || len(left) > 0 {
			t.Errorf("%s: got %v and the files %v, want a storage error and none", name, err, left)
		}
	}
}
