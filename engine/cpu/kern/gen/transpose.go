package main

import (
	"bytes"
	"fmt"
)

// writeTransposes writes the functions that transpose a square of 16 x 16 floats, for AVX-512, and of 8 x 8, for AVX2. Rows come
// together in three steps: two rows' floats, two pairs of floats, and the 128-bit lanes, each of which holds a column of four rows.
func writeTransposes(asm, decl *bytes.Buffer) {
	for _, t := range []struct {
		name, register string
		rows           int
	}{{"transpose16", "Z", 16}, {"transpose8", "Y", 8}} {
		p := func(format string, a ...any) { fmt.Fprintf(asm, "\t"+format+"\n", a...) }
		r := func(i int) string { return fmt.Sprintf("%s%d", t.register, i) }
		fmt.Fprintf(asm, "\n// func %s(d, s unsafe.Pointer, dStride, sStride int)\nTEXT ·%s(SB), NOSPLIT, $0-32\n", t.name, t.name)
		p("MOVQ d+0(FP), DI")
		p("MOVQ s+8(FP), SI")
		p("MOVQ dStride+16(FP), DX")
		p("MOVQ sStride+24(FP), CX")
		a, b := make([]int, t.rows), make([]int, t.rows) // registers of the rows before and after a step
		for i := range a {
			a[i], b[i] = i, t.rows+i
			p("VMOVUPS (SI), %s", r(a[i]))
			if i < t.rows-1 {
				p("ADDQ CX, SI")
			}
		}
		for i := 0; i < t.rows; i += 2 {
			p("VUNPCKLPS %s, %s, %s", r(a[i+1]), r(a[i]), r(b[i]))
			p("VUNPCKHPS %s, %s, %s", r(a[i+1]), r(a[i]), r(b[i+1]))
		}
		a, b = b, a
		for q := 0; q < t.rows; q += 4 { // b[q+j] has column j of four rows in its first lane, j+4 in its second, ...
			for j := range 2 {
				p("VUNPCKLPD %s, %s, %s", r(a[q+2+j]), r(a[q+j]), r(b[q+2*j]))
				p("VUNPCKHPD %s, %s, %s", r(a[q+2+j]), r(a[q+j]), r(b[q+2*j+1]))
			}
		}
		a, b = b, a
		if t.rows == 8 {
			for j := range 4 {
				p("VPERM2F128 $0x20, %s, %s, %s", r(a[4+j]), r(a[j]), r(b[j]))
				p("VPERM2F128 $0x31, %s, %s, %s", r(a[4+j]), r(a[j]), r(b[4+j]))
			}
		} else {
			even, odd := "$0x88", "$0xdd" // lanes 0 and 2, or 1 and 3, of both operands
			for j := range 4 {
				p("VSHUFF32X4 %s, %s, %s, %s", even, r(a[4+j]), r(a[j]), r(b[j]))
				p("VSHUFF32X4 %s, %s, %s, %s", odd, r(a[4+j]), r(a[j]), r(b[4+j]))
				p("VSHUFF32X4 %s, %s, %s, %s", even, r(a[12+j]), r(a[8+j]), r(b[8+j]))
				p("VSHUFF32X4 %s, %s, %s, %s", odd, r(a[12+j]), r(a[8+j]), r(b[12+j]))
			}
			a, b = b, a
			for j := range 4 {
				p("VSHUFF32X4 %s, %s, %s, %s", even, r(a[8+j]), r(a[j]), r(b[j]))
				p("VSHUFF32X4 %s, %s, %s, %s", odd, r(a[8+j]), r(a[j]), r(b[8+j]))
				p("VSHUFF32X4 %s, %s, %s, %s", even, r(a[12+j]), r(a[4+j]), r(b[4+j]))
				p("VSHUFF32X4 %s, %s, %s, %s", odd, r(a[12+j]), r(a[4+j]), r(b[12+j]))
			}
		}
		for i := range b {
			p("VMOVUPS %s, (DI)", r(b[i]))
			if i < t.rows-1 {
				p("ADDQ DX, DI")
			}
		}
		p("VZEROUPPER")
		p("RET")
		fmt.Fprintf(decl, "\n// %s stores the columns of a square of floats at s as rows at d; strides from row to row are in bytes.\n//\n//go:noescape\nfunc %s(d, s unsafe.Pointer, dStride, sStride int)\n", t.name, t.name)
	}
}
