//go:build unix

package machine

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Used is what this process has used so far.
func Used() Usage {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil { // only for a wrong argument
		return Usage{}
	}
	peak := int64(r.Maxrss)
	if runtime.GOOS != "darwin" { // where it is in bytes; elsewhere it is in kB
		peak <<= 10
	}
	return Usage{time.Duration(r.Utime.Nano()), time.Duration(r.Stime.Nano()), peak}
}
