package runner

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// processorSeconds is the time that processors have spent on the process.
func processorSeconds() float64 {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}

// processorClock stands still while the process does.
func processorClock() time.Time { return time.Unix(0, int64(processorSeconds()*1e9)) }

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
