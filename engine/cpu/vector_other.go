//go:build !amd64

package cpu

// vectorsOf is the vector functions that go with a set of kernels: none.
func vectorsOf(string) *vectors { return nil }
