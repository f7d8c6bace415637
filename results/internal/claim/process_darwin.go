package claim

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// machine returns what tells this boot of this machine from all others.
var machine = sync.OnceValues(func() (boot, namespace string) {
	boot, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return "", ""
	}
	return boot, ""
})

// started returns when a process started, "" if that cannot be found out, and whether it has ended and waits for its parent to take note.
func started(pid int) (start string, zombie bool) {
	const dead = 5 // SZOMB of sys/proc.h
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", false
	}
	return fmt.Sprintf("%d.%06d", p.Proc.P_starttime.Sec, p.Proc.P_starttime.Usec), p.Proc.P_stat == dead
}

func exists(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }
