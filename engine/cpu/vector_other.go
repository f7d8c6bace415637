//go:build !amd64

package cpu

// vectorsOf returns nil: only amd64 has vector functions.
func vectorsOf(string) *vectors { return nil }
