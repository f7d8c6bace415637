package main

import (
	"fmt"
	"strings"
)

// kernelShape is a family of kernels: tiles of 1 to rows rows, each of vectors vector registers.
type kernelShape struct {
	name      string
	rows      int
	vectors   int
	register  string // Z or Y
	bytes     int    // of a register
	firstAcc  int    // registers below hold a row of B and broadcast elements of A
	broadcast int    // first of the registers for elements of A
	rotate    int    // number of those registers: more let loads run ahead
	pairs     bool   // elements of A and B are pairs of bfloat16: k and k+1
	doc       string
}

// AVX-512 has 32 registers: 28 accumulators, 2 vectors of B, 2 broadcast elements. AVX2 has 16: 12, 2 and 2.
var kernels = []kernelShape{
	{"k512x32", 14, 2, "Z", 64, 4, 2, 2, false, "tiles of 32 columns, for AVX-512"},
	{"k512x16", 14, 1, "Z", 64, 4, 2, 2, false, "tiles of 16 columns, for AVX-512"},
	{"k512x64", 6, 4, "Z", 64, 8, 4, 4, false, "tiles of 64 columns, for AVX-512"},
	{"k256x16", 6, 2, "Y", 32, 4, 2, 2, false, "tiles of 16 columns, for AVX2 and FMA"},
	{"kbf16x32", 14, 2, "Z", 64, 4, 2, 2, true, "tiles of 32 columns of pairs of bfloat16, for AVX-512 BF16"},
	{"kbf16x16", 14, 1, "Z", 64, 4, 2, 2, true, "tiles of 16 columns of pairs of bfloat16, for AVX-512 BF16"},
	{"kbf16x64", 6, 4, "Z", 64, 8, 4, 4, true, "tiles of 64 columns of pairs of bfloat16, for AVX-512 BF16"},
}

// multiplyAdd returns the instruction that adds the products of broadcast and b, a row of B, to acc. All are numbers of registers.
func (s kernelShape) multiplyAdd(b, broadcast, acc int) string {
	if s.pairs {
		return dotPairs(acc, broadcast, b)
	}
	return fmt.Sprintf("VFMADD231PS %[1]s%[2]d, %[1]s%[3]d, %[1]s%[4]d", s.register, b, broadcast, acc)
}

// dotPairs returns VDPBF16PS of 512-bit registers, acc += pairs of x times pairs of y, as bytes, since Go's assembler lacks it. It is
// EVEX.512.F3.0F38.W0 52 /r (Intel SDM, volume 2). All bits of the registers' numbers except the lowest three are stored inverted.
func dotPairs(acc, x, y int) string {
	bit := func(n, i, to int) int { return (^n >> i & 1) << to }
	code := []int{
		0x62,
		bit(acc, 3, 7) | bit(y, 4, 6) | bit(y, 3, 5) | bit(acc, 4, 4) | 2,
		(^x&15)<<3 | 1<<2 | 2,
		2<<5 | bit(x, 4, 3),
		0x52,
		3<<6 | (acc&7)<<3 | y&7,
	}
	var b strings.Builder
	for i, c := range code {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "BYTE $0x%02x", c)
	}
	fmt.Fprintf(&b, " // VDPBF16PS Z%d, Z%d, Z%d", y, x, acc)
	return b.String()
}

// rowOffsets address rows 0 to 6 of A from a base: R9 is the stride of a row, R10 three strides, R11 five.
var rowOffsets = []string{"", "(R9*1)", "(R9*2)", "(R10*1)", "(R9*4)", "(R11*1)", "(R10*2)"}

// row is the address of row i of A. Rows from 7 on have another base, seven strides further.
func row(i int) string {
	if i >= 7 {
		return "(BX)" + rowOffsets[i-7]
	}
	return "(AX)" + rowOffsets[i]
}

// accumulator is the number of the register for row i and vector j of the tile.
func (s kernelShape) accumulator(i, j int) int { return s.firstAcc + i*s.vectors + j }

// each calls f with every accumulator.
func (s kernelShape) each(rows int, f func(acc string, i, j int)) {
	for i := range rows {
		for j := range s.vectors {
			f(fmt.Sprintf("%s%d", s.register, s.accumulator(i, j)), i, j)
		}
	}
}

// write writes the kernel of tiles with the given number of rows. Its argument is an *Args, whose fields are at 0 (A), 8 (B), 16 (C),
// 24 (List), 32 (N), 40 (K), 48 (ARS), 56 (AKS), 64 (BKS), 72 (CRS), 80 (Acc).
func (s kernelShape) write(w *writer, rows int) {
	w.function("", fmt.Sprintf("%sm%d", s.name, rows), "(a *Args)", 0, 8)
	w.op("MOVQ a+0(FP), DI")
	w.op("MOVQ 24(DI), SI") // pair
	w.op("MOVQ 32(DI), CX") // pairs left
	w.op("MOVQ 48(DI), R9")
	w.op("LEAQ (R9)(R9*2), R10")
	w.op("LEAQ (R9)(R9*4), R11")
	w.op("LEAQ (R10)(R9*4), R12")
	w.op("MOVQ 56(DI), R13")
	w.op("MOVQ 64(DI), DX")
	zero := "VXORPS"
	if s.register == "Z" {
		zero = "VPXORD"
	}
	s.each(rows, func(a string, _, _ int) { w.op("%s %s, %s, %s", zero, a, a, a) })
	s.writeSums(w, rows)
	s.writeStores(w, rows)
	w.op("VZEROUPPER")
	w.op("RET")
}

// writeSums writes the loops over pairs and over the depth of each.
func (s kernelShape) writeSums(w *writer, rows int) {
	w.label("outer")
	w.op("MOVQ 0(SI), AX")
	w.op("ADDQ 0(DI), AX")
	if rows > 7 {
		w.op("LEAQ (AX)(R12*1), BX")
	}
	w.op("MOVQ 8(SI), R8")
	w.op("ADDQ 8(DI), R8")
	w.op("MOVQ 40(DI), R15")
	w.op("PCALIGN $32")

	w.label("inner")
	for j := range s.vectors {
		w.op("VMOVUPS %d(R8), %s%d", s.bytes*j, s.register, j)
	}
	w.op("ADDQ DX, R8")
	for i := range rows {
		b := s.broadcast + i%s.rotate
		w.op("VBROADCASTSS %s, %s%d", row(i), s.register, b)
		for j := range s.vectors {
			w.op("%s", s.multiplyAdd(j, b, s.accumulator(i, j)))
		}
	}
	w.op("ADDQ R13, AX")
	if rows > 7 {
		w.op("ADDQ R13, BX")
	}
	w.op("DECQ R15")
	w.op("JNZ inner")
	w.op("ADDQ $16, SI")
	w.op("DECQ CX")
	w.op("JNZ outer")
}

// writeStores stores the tile, or adds it to C.
func (s kernelShape) writeStores(w *writer, rows int) {
	w.op("MOVQ 16(DI), R8")
	w.op("MOVQ 72(DI), DX")
	w.op("CMPQ 80(DI), $0")
	w.op("JEQ store")
	w.op("MOVQ R8, AX")
	s.each(rows, func(a string, _, j int) {
		w.op("VADDPS %d(AX), %s, %s", s.bytes*j, a, a)
		if j == s.vectors-1 {
			w.op("ADDQ DX, AX")
		}
	})
	w.label("store")
	s.each(rows, func(a string, _, j int) {
		w.op("VMOVUPS %s, %d(R8)", a, s.bytes*j)
		if j == s.vectors-1 {
			w.op("ADDQ DX, R8")
		}
	})
}
