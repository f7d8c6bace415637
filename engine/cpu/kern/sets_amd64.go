package kern

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

func nativeSets() (s []*Set) {
	if x := cpu.X86; x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		wide := &Set{
			Name: "avx512",
			Main: Tiles{32, k512x32},
			Half: Tiles{16, k512x16},
			Wide: Tiles{64, k512x64},

			Square:     16,
			Transpose:  transpose16,
			transforms: transforms{16, transformData512, transformTaps512, transformOutputs512, transformGradients512, transformTapGradients512},
		}
		if x.HasAVX512BF16 {
			wide.Pairs = &Set{
				Name: "avx512bf16",
				Main: Tiles{32, kbf16x32},
				Half: Tiles{16, kbf16x16},
				Wide: Tiles{64, kbf16x64},

				Square:    16,
				Transpose: transpose16,
			}
		}
		s = append(s, wide)
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		s = append(s, &Set{
			Name: "avx2",
			Main: Tiles{16, k256x16},
			Wide: Tiles{16, k256x16},

			Square:     8,
			Transpose:  transpose8,
			transforms: transforms{8, transformData256, transformTaps256, transformOutputs256, transformGradients256, transformTapGradients256},
		})
	}
	return s
}

// roundPairs rounds n float32 at s to bfloat16, stored at d.
//
//go:noescape
func roundPairs(d, s unsafe.Pointer, n int)

// roundRows rounds n float32 of each of the rows a and b to bfloat16, stored as n pairs at d. Those of a are the lower halves.
//
//go:noescape
func roundRows(d, a, b unsafe.Pointer, n int)
