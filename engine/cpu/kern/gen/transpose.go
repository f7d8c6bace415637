package main

import "fmt"

// transpose is a function that transposes a square of floats, a row a register. Rows come together in steps: the floats of two rows,
// pairs of floats, and 128-bit lanes, each of which then holds a column of four rows.
type transpose struct {
	name, register string
	rows           int
}

var transposes = []transpose{{"transpose16", "Z", 16}, {"transpose8", "Y", 8}}

func (t transpose) write(w *writer) {
	doc := "// " + t.name + " stores the columns of a square of floats at s as rows at d; strides from row to row are in bytes.\n//\n"
	w.function(doc, t.name, "(d, s unsafe.Pointer, dStride, sStride int)", 0, 32)
	w.op("MOVQ d+0(FP), DI")
	w.op("MOVQ s+8(FP), SI")
	w.op("MOVQ dStride+16(FP), DX")
	w.op("MOVQ sStride+24(FP), CX")
	a, b := make([]int, t.rows), make([]int, t.rows) // registers of the rows before and after a step
	for i := range a {
		a[i], b[i] = i, t.rows+i
		w.op("VMOVUPS (SI), %s", t.reg(a[i]))
		if i < t.rows-1 {
			w.op("ADDQ CX, SI")
		}
	}
	t.unpack(w, a, b)
	a, b = b, a
	t.unpackPairs(w, a, b)
	a, b = b, a
	if t.rows == 8 {
		for j := range 4 {
			w.op("VPERM2F128 $0x20, %s, %s, %s", t.reg(a[4+j]), t.reg(a[j]), t.reg(b[j]))
			w.op("VPERM2F128 $0x31, %s, %s, %s", t.reg(a[4+j]), t.reg(a[j]), t.reg(b[4+j]))
		}
	} else {
		t.shuffle(w, a, b, 4, 8)
		a, b = b, a
		t.shuffle(w, a, b, 8, 4)
	}
	for i := range b {
		w.op("VMOVUPS %s, (DI)", t.reg(b[i]))
		if i < t.rows-1 {
			w.op("ADDQ DX, DI")
		}
	}
	w.op("VZEROUPPER")
	w.op("RET")
}

func (t transpose) reg(i int) string { return fmt.Sprintf("%s%d", t.register, i) }

// unpack interleaves the floats of two rows.
func (t transpose) unpack(w *writer, a, b []int) {
	for i := 0; i < t.rows; i += 2 {
		w.op("VUNPCKLPS %s, %s, %s", t.reg(a[i+1]), t.reg(a[i]), t.reg(b[i]))
		w.op("VUNPCKHPS %s, %s, %s", t.reg(a[i+1]), t.reg(a[i]), t.reg(b[i+1]))
	}
}

// unpackPairs interleaves pairs of floats. Then b[q+j] has column j of four rows in its first lane, j+4 in its second, and so on.
func (t transpose) unpackPairs(w *writer, a, b []int) {
	for q := 0; q < t.rows; q += 4 {
		for j := range 2 {
			w.op("VUNPCKLPD %s, %s, %s", t.reg(a[q+2+j]), t.reg(a[q+j]), t.reg(b[q+2*j]))
			w.op("VUNPCKHPD %s, %s, %s", t.reg(a[q+2+j]), t.reg(a[q+j]), t.reg(b[q+2*j+1]))
		}
	}
}

// shuffle separates the even and the odd lanes of registers that are step apart. The second half of the rows is other further.
func (t transpose) shuffle(w *writer, a, b []int, step, other int) {
	even, odd := "$0x88", "$0xdd" // lanes 0 and 2, or 1 and 3, of both operands
	for j := range 4 {
		for _, from := range []int{j, j + other} {
			w.op("VSHUFF32X4 %s, %s, %s, %s", even, t.reg(a[from+step]), t.reg(a[from]), t.reg(b[from]))
			w.op("VSHUFF32X4 %s, %s, %s, %s", odd, t.reg(a[from+step]), t.reg(a[from]), t.reg(b[from+step]))
		}
	}
}
