package data

import (
	"fmt"
	"io/fs"
	"syscall"
)

// changeStamp is what changes whenever a file does: its place in the file system, and when content or attributes were last changed.
func changeStamp(info fs.FileInfo) (string, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	return fmt.Sprintf("%d %d %d.%09d", s.Dev, s.Ino, s.Ctim.Sec, s.Ctim.Nsec), true
}
