package runner

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// peakMemory is the most memory that the process has held, in MB.
func peakMemory() float64 {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" { // in bytes there, in kB elsewhere
		return float64(r.Maxrss) / 1e6
	}
	return float64(r.Maxrss) * 1024 / 1e6
}
