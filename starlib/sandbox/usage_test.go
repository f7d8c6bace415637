package sandbox

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/require"
)

// userTime is the processor time that the process has used; other processes cannot lengthen it.
func userTime(t *testing.T) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano())
}

// rss is the peak resident memory of the process, in bytes.
func rss(t *testing.T) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		require.Unavailable(t, "no /proc to read the memory from: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kb, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no VmHWM in /proc/self/status")
	return 0
}
