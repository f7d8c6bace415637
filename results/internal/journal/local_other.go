//go:build !linux

package journal

// local reports whether path is known to be on a file system of this machine alone.
func local(string) bool { return false }
