package claim

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// machine returns what tells this boot of this machine, and this namespace of processes, from all others. A container has its own
// namespace.
var machine = sync.OnceValues(func() (boot, namespace string) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", ""
	}
	namespace, err = os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", ""
	}
	return strings.TrimSpace(string(id)), namespace
})

// started returns when a process started, in clock ticks since the boot, "" if that cannot be found out, and whether it has ended and
// waits for its parent to take note.
func started(pid int) (start string, zombie bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	// The name of the program stands in parentheses and may hold anything, also parentheses.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return "", false
	}
	state := string(fields[0])
	return string(fields[19]), state == "Z" || state == "X"
}

func exists(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }
