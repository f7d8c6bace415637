package sandbox

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
)

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
