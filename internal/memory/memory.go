// Package memory says how much memory this process may still take: what the machine has left, less where a container or a limit of the
// process allows less. It reads Linux's own files, from a file system that the caller names; elsewhere it knows nothing.
package memory

import (
	"bytes"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// Available is the bytes that may still be taken, by the files below root, which is "/" of the machine; 0 if nothing is known.
func Available(root fs.FS) int64 {
	least := int64(math.MaxInt64)
	if free, ok := field(root, "proc/meminfo", "MemAvailable:"); ok {
		least = free << 10
	}
	least = min(least, container(root), process(root))
	if least == math.MaxInt64 {
		return 0
	}
	return max(least, 1)
}

// container is what the control groups of the process (version 2) leave it.
func container(root fs.FS) int64 {
	least := int64(math.MaxInt64)
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return least
	}
	for line := range strings.Lines(string(groups)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::/")
		for dir := path.Join("sys/fs/cgroup", group); ok && dir != "sys/fs"; dir = path.Dir(dir) {
			limit, limited := number(root, path.Join(dir, "memory.max"))
			used, known := number(root, path.Join(dir, "memory.current"))
			cached, _ := field(root, path.Join(dir, "memory.stat"), "inactive_file") // the kernel gives it back
			if limited && known {
				least = min(least, max(limit-used+cached, 0))
			}
		}
	}
	return least
}

// process is what the limit of its address space (ulimit -v) leaves the process.
func process(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/self/limits")
	if err != nil {
		return math.MaxInt64
	}
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, "Max address space")
		words := strings.Fields(rest)
		if !ok || len(words) == 0 {
			continue
		}
		limit, err := strconv.ParseInt(words[0], 10, 64)
		taken, known := field(root, "proc/self/status", "VmSize:")
		if err == nil && known {
			return max(limit-taken<<10, 0)
		}
	}
	return math.MaxInt64
}

// number reads a file that holds one number; other content, "max" say, is none.
func number(root fs.FS, name string) (int64, bool) {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	return n, err == nil
}

// field reads the number after a word at the beginning of a line.
func field(root fs.FS, name, word string) (int64, bool) {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == word {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
