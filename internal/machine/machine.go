// Package machine reports how much memory this process may have, on Linux, and what it has used, on Unix. The memory is the smallest
// amount that the machine, the control groups and the limit of the address space leave; it is read from the system's files, which are
// an argument. Package runner consults it before it allocates much memory, and bench and tests measure work with it. It imports no
// package of this module.
package machine

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Room is the memory that a process may have.
type Room struct {
	Bytes int    // including what it already has; 0: unknown
	Has   int    // what it already has
	Whose string // whose limit that is: "the machine", "the control group", "the address space (ulimit -v)"
}

// Free is what it may still take, at least 1; 0: unknown.
func (r Room) Free() int {
	if r.Bytes == 0 {
		return 0
	}
	return max(r.Bytes-r.Has, 1)
}

// Part is the room of one of several processes that may each take this number of bytes; 0: there is no other.
func (r Room) Part(bytes, processes int) Room {
	if bytes == 0 || r.Bytes != 0 && r.Free() <= bytes {
		return r
	}
	return Room{r.Has + bytes, r.Has, fmt.Sprintf("each of %d processes", processes)}
}

// Memory reads the room of this process from the files of root, which is / except in tests. It is unknown on systems without Linux's
// /proc.
func Memory(root fs.FS) Room {
	own := fields(root, "proc/self/status")
	resident, virtual := own["VmRSS"], own["VmSize"]
	var r Room
	bound := func(bytes int, whose string) {
		if bytes = max(bytes, 1); r.Bytes == 0 || bytes < r.Bytes {
			r = Room{bytes, resident, whose}
		}
	}
	if free, ok := fields(root, "proc/meminfo")["MemAvailable"]; ok {
		bound(free+resident, "the machine")
	}
	for _, g := range groups(root) {
		if limit, ok := number(root, g.limit); ok {
			used, _ := number(root, g.usage)
			idle := lines(root, g.stat)[g.idle] // cached files, which the kernel can drop
			bound(limit-used+idle+resident, "the control group")
		}
	}
	if limit, ok := addressSpace(root); ok {
		bound(limit-virtual+resident, "the address space (ulimit -v)")
	}
	return r
}

// Killed is the number of processes that the kernel has killed for lack of memory since the machine started, 0 if unknown.
func Killed(root fs.FS) int { return lines(root, "proc/vmstat")["oom_kill"] }

// group names the files with a control group's numbers.
type group struct{ limit, usage, stat, idle string }

// groups returns the control groups of this process, of both versions, up to the root. In a container the paths may be those of the
// host, which do not exist there; then the root is the container's own.
func groups(root fs.FS) (list []group) {
	text, err := read(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		dir, names := "", [4]string{"memory.max", "memory.current", "memory.stat", "inactive_file"}
		switch {
		case parts[1] == "":
			dir = "sys/fs/cgroup"
		case strings.Contains(","+parts[1]+",", ",memory,"):
			dir, names = "sys/fs/cgroup/memory", [4]string{"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "total_inactive_file"}
		default:
			continue
		}
		for at := path.Clean("/" + parts[2]); ; at = path.Dir(at) {
			in := path.Join(dir, at)
			list = append(list, group{path.Join(in, names[0]), path.Join(in, names[1]), path.Join(in, names[2]), names[3]})
			if at == "/" {
				break
			}
		}
	}
	return list
}

// addressSpace is the limit that ulimit -v sets; not ok if there is none.
func addressSpace(root fs.FS) (bytes int, ok bool) {
	text, err := read(root, "proc/self/limits")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "Max address space"); found {
			if f := strings.Fields(rest); len(f) > 0 {
				bytes, err = strconv.Atoi(f[0]) // or "unlimited"
				return bytes, err == nil
			}
		}
	}
	return 0, false
}

// read reads a file. A nil root has no files.
func read(root fs.FS, name string) ([]byte, error) {
	if root == nil {
		return nil, fs.ErrNotExist
	}
	return fs.ReadFile(root, name)
}

// number reads a file of one number of bytes; not ok if it is "max", or more than any machine has.
func number(root fs.FS, name string) (bytes int, ok bool) {
	text, err := read(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return n, err == nil && n < 1<<60
}

// fields reads lines such as "VmRSS:   1234 kB", in bytes.
func fields(root fs.FS, name string) map[string]int {
	values := map[string]int{}
	for key, n := range lines(root, name) {
		if name, found := strings.CutSuffix(key, ":"); found {
			values[name] = n << 10
		}
	}
	return values
}

// lines reads lines of a name and a number.
func lines(root fs.FS, name string) map[string]int {
	values := map[string]int{}
	text, err := read(root, name)
	if err != nil {
		return values
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) >= 2 {
			if n, err := strconv.Atoi(f[1]); err == nil {
				values[f[0]] = n
			}
		}
	}
	return values
}
