//go:build unix

package fulldisk

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
)

const variable = "STARSWEEP_FULL_DISK"

// Test runs a test in a process of its own. From its call of fill on, no file of that process may grow beyond this number of bytes.
func Test(t *testing.T, test func(fill func(bytes uint64))) {
	t.Helper()
	if os.Getenv(variable) == "" {
		c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		c.Env = append(os.Environ(), variable+"=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	test(func(bytes uint64) {
		if err := Limit(bytes); err != nil {
			t.Fatal(err)
		}
	})
}

// Limit keeps the files of this process from growing beyond this number of bytes.
func Limit(bytes uint64) error {
	signal.Ignore(syscall.SIGXFSZ) // which would end the process, instead of the error
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = bytes
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}
