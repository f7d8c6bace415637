//go:build unix

package data

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

// A limit on the size of files has the effect of a full disk on a process.
func TestCacheOnAFullDiskCostsOnlyAWarning(t *testing.T) {
	if os.Getenv("FULL_DISK") == "" { // in its own process: the limit holds for everything that it writes
		c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		c.Env = append(os.Environ(), "FULL_DISK=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	st := store(t)
	wanted := spec.Data{Name: "images", Path: pictures(t), Size: 64}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	ignore := make(chan os.Signal, 8)
	signal.Notify(ignore, syscall.SIGXFSZ)
	defer signal.Stop(ignore)
	limit := was
	limit.Cur = 4096
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was)
	var warning error
	st.Warn = func(err error) { warning = err }
	if s := open(t, st, wanted); s.N != 3 {
		t.Errorf("got %d images", s.N)
	}
	wantError(t, warning, "images are not cached: ")
	if files, err := os.ReadDir(st.Cache); err != nil || len(files) > 0 {
		t.Errorf("left in the cache: %v, %v", files, err)
	}
}
