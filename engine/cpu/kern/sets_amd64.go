package kern

import "golang.org/x/sys/cpu"

func nativeSets() (s []*Set) {
	if x := cpu.X86; x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		s = append(s, &Set{Name: "avx512", Main: Tiles{32, k512x32}, Half: Tiles{16, k512x16}, Wide: Tiles{64, k512x64}})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		s = append(s, &Set{Name: "avx2", Main: Tiles{16, k256x16}, Wide: Tiles{16, k256x16}})
	}
	return s
}
