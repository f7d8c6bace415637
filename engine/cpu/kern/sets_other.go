//go:build !amd64

package kern

import "unsafe"

func nativeSets() []*Set { return nil }

// No set has pairs on other processors.

func roundPairs(_, _ unsafe.Pointer, _ int)   { panic("kern: no products of bfloat16") }
func roundRows(_, _, _ unsafe.Pointer, _ int) { panic("kern: no products of bfloat16") }
