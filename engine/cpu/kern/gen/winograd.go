package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// transform is a matrix of Winograd's algorithms. A row has the coefficients of the inputs, followed by those of sums that several rows
// share; shared sums have the same form.
type transform struct {
	name         string
	matrix       winograd.Matrix // that rows and shared sums must amount to
	shared, rows winograd.Matrix
}

// transforms has the order of the fields of kern's transforms. Those of taps have no shared sums, since they are applied to little data.
var transforms = []transform{
	{"Data", winograd.BT(), winograd.Matrix{
		{0, 0, -1, 0, 1, 0},        // u = d4 - d2
		{0, 1, 0, -1, 0, 0},        // v = d1 - d3
		{0, 0, 0, -1.5, 0, 0, 1},   // e = u - 1.5 d3
		{0, 0, 1.5, 0, 0, 0, 0, 1}, // o = v + 1.5 d2
	}, winograd.Matrix{
		{1, 0, -1, 0, 0, 0, 1, 1.5, 0, 0},
		{0, 0, 0, 0, 0, 0, 0, 0, 1, -1},
		{0, 0, 0, 0, 0, 0, 0, 0, 1, 1},
		{0, 0, 0, 0, 0, 0, 1, -.5, 0, 0},
		{0, 0, 0, 0, 0, 0, 1, 2, 0, 0},
		{0, 0, 0, -1, 0, 1, -1.5, 1, 0, 0},
	}},
	{"Taps", winograd.G(), nil, winograd.G()},
	{"Outputs", winograd.A().Transposed(), winograd.Matrix{
		{0, 1, 1, 0, 0, 0},
		{0, 1, -1, 0, 0, 0},
	}, winograd.Matrix{
		{1, 0, 0, 1, 1, 0, 1, 0},
		{0, 0, 0, 2, -.5, 0, 0, 1},
		{0, 0, 0, 4, .25, 0, 1, 0},
		{0, 0, 0, 8, -.125, 1, 0, 1},
	}},
	{"Gradients", winograd.A(), winograd.Matrix{
		{1, 0, 1, 0},
		{0, 1, 0, 1},
	}, winograd.Matrix{
		{1, 0, 0, 0, 0, 0},
		{0, 0, 0, 0, 1, 1},
		{0, 0, 0, 0, 1, -1},
		{1, 2, 4, 8, 0, 0},
		{1, -.5, .25, -.125, 0, 0},
		{0, 0, 0, 1, 0, 0},
	}},
	{"TapGradients", winograd.G().Transposed(), nil, winograd.G().Transposed()},
}

func (m transform) inputs() int { return len(m.matrix[0]) }

// expanded returns the matrix that the rows amount to.
func (m transform) expanded() winograd.Matrix {
	var sums winograd.Matrix
	for _, row := range slices.Concat(m.shared, m.rows) {
		sum := make([]float32, m.inputs())
		for j, v := range row {
			if j < m.inputs() {
				sum[j] += v
				continue
			}
			for i, w := range sums[j-m.inputs()] {
				sum[i] += v * w
			}
		}
		sums = append(sums, sum)
	}
	return sums[len(m.shared):]
}

// transformSet is an instruction set.
type transformSet struct {
	name, register string
	bytes          int // of a register
}

var transformSets = []transformSet{{"512", "Z", 64}, {"256", "Y", 32}}

// used calls f with every coefficient that needs a register: 0, 1 and -1 do not.
func (m transform) used(f func(v float32)) {
	for _, v := range slices.Concat(slices.Concat(m.shared, m.rows)...) {
		if v != 0 && v != 1 && v != -1 {
			f(v)
		}
	}
}

// coefficient is the address of a vector of v.
func coefficient(v float32) string {
	return fmt.Sprintf("·coefficient%08x<>(SB)", math.Float32bits(v))
}

// writeCoefficients writes a vector of every coefficient, as large as any register.
func writeCoefficients(w *writer) {
	known := map[float32]bool{}
	for _, m := range transforms {
		m.used(func(v float32) {
			if known[v] {
				return
			}
			known[v] = true
			fmt.Fprintf(&w.asm, "\n// a vector of %v\n", v)
			for i := range 16 {
				fmt.Fprintf(&w.asm, "DATA ·coefficient%08[1]x<>+%[2]d(SB)/4, $0x%08[1]x\n", math.Float32bits(v), 4*i)
			}
			fmt.Fprintf(&w.asm, "GLOBL %s, RODATA|NOPTR, $64\n", coefficient(v))
		})
	}
}

// transformWriter writes the function of one transform for one instruction set. It applies the matrix to rows, a vector of columns at a
// time, and then to the rows a step further. The last vector may overlap the one before it.
type transformWriter struct {
	*writer
	transformSet
	m            transform
	ins, outs    int
	coefficients map[float32]string // registers
}

// pointers hold the addresses of the rows, the input's first.
var pointers = []string{"BX", "CX", "DX", "SI", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"}

func newTransformWriter(w *writer, m transform, set transformSet) *transformWriter {
	return &transformWriter{w, set, m, m.inputs(), len(m.rows), map[float32]string{}}
}

// reg is the i-th register. Registers hold the inputs, the shared sums, another sum, and then the coefficients.
func (w *transformWriter) reg(i int) string { return fmt.Sprintf("%s%d", w.register, i) }

func (w *transformWriter) write() {
	w.function("", "transform"+w.m.name+w.name, "(r *rowOffsets, in, out, zeros, discarded unsafe.Pointer, n, count int)", 16, 56)
	w.writePointers()
	w.m.used(func(v float32) {
		if w.coefficients[v] == "" {
			w.coefficients[v] = w.reg(w.ins + len(w.m.shared) + 1 + len(w.coefficients))
			w.op("VMOVUPS %s, %s", coefficient(v), w.coefficients[v])
		}
	})
	w.op("MOVQ n+40(FP), AX")
	w.op("LEAQ -%d(AX*4), AX", w.bytes)
	w.op("MOVQ AX, last-8(SP)") // where the last vector begins
	w.op("MOVQ count+48(FP), AX")
	w.op("MOVQ AX, left-16(SP)")
	w.label("again")
	w.op("XORL AX, AX")
	w.label("next")
	w.writeSums()
	w.op("CMPQ AX, last-8(SP)")
	w.op("JEQ done")
	w.op("ADDQ $%d, AX", w.bytes)
	w.op("CMPQ AX, last-8(SP)")
	w.op("CMOVQGT last-8(SP), AX")
	w.op("JMP next")
	w.label("done")
	for i := range w.ins {
		w.op("ADDQ %d(DI), %s", 96+8*i, pointers[i])
	}
	for i := range w.outs {
		w.op("ADDQ %d(DI), %s", 144+8*i, pointers[w.ins+i])
	}
	w.op("DECQ left-16(SP)")
	w.op("JNZ again")
	w.op("VZEROUPPER")
	w.op("RET")
}

// writePointers finds the rows. The fields of a *rowOffsets are at 0 (In), 48 (Out), 96 (InStep) and 144 (OutStep).
func (w *transformWriter) writePointers() {
	place := func(offset int, register, absent string) {
		w.op("MOVQ %d(DI), %s", offset, register)
		w.op("TESTQ %s, %s", register, register)
		w.op("LEAQ (%s)(AX*1), %s", register, register)
		w.op("CMOVQLT %s, %s", absent, register)
	}
	w.op("MOVQ r+0(FP), DI")
	w.op("MOVQ in+8(FP), AX")
	for i := range w.ins {
		place(8*i, pointers[i], "zeros+24(FP)")
	}
	w.op("MOVQ out+16(FP), AX")
	for i := range w.outs {
		place(48+8*i, pointers[w.ins+i], "discarded+32(FP)")
	}
}

// writeSums loads a vector of each input row, and stores one of each output row.
func (w *transformWriter) writeSums() {
	for j := range w.ins {
		w.op("VMOVUPS (%s)(AX*1), %s", pointers[j], w.reg(j))
	}
	for i, row := range w.m.shared {
		w.sum(row, w.reg(w.ins+i))
	}
	for i, row := range w.m.rows {
		w.op("VMOVUPS %s, (%s)(AX*1)", w.sum(row, w.reg(w.ins+len(w.m.shared))), pointers[w.ins+i])
	}
}

// sum adds up the registers from 0 on, times a row of a matrix, and returns the register of the sum: acc, unless the row has one term,
// with coefficient 1. It begins with such a term, if there is one.
func (w *transformWriter) sum(row []float32, acc string) string {
	first := max(slices.Index(row, 1), 0)
	for row[first] == 0 {
		first++
	}
	sum := w.reg(first)
	if v := row[first]; v != 1 {
		w.op("VMULPS %s, %s, %s", w.coefficients[v], sum, acc)
		sum = acc
	}
	for j, v := range row {
		switch {
		case j == first || v == 0:
			continue
		case v == 1:
			w.op("VADDPS %s, %s, %s", w.reg(j), sum, acc)
		case v == -1:
			w.op("VSUBPS %s, %s, %s", w.reg(j), sum, acc)
		default:
			if sum != acc {
				w.op("VMOVAPS %s, %s", sum, acc)
			}
			w.op("VFMADD231PS %s, %s, %s", w.coefficients[v], w.reg(j), acc)
		}
		sum = acc
	}
	return sum
}
