package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// transform is one of Winograd's algorithm, under the name of its function. Each row has the coefficients of inputs and, behind them,
// of sums that several rows share, which are rows of the same kind.
type transform struct {
	name         string
	matrix       winograd.Matrix // what rows and shared sums come to
	shared, rows winograd.Matrix
}

// transforms in the order of the fields of kern's transforms. Those of taps are applied to so little that they have no shared sums.
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

// expanded is what the rows come to.
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

// pointers hold the addresses of the rows of a map, its input first.
var pointers = []string{"BX", "CX", "DX", "SI", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"}

// writeTransforms writes the functions that apply a matrix to rows, a vector register of columns at a time, and then to the rows a step
// further. The fields of a *rowOffsets lie at 0 (In), 48 (Out), 96 (InStep) and 144 (OutStep). The last vector may overlap the one
// before it.
func writeTransforms(asm, decl *bytes.Buffer) {
	p := func(format string, a ...any) { fmt.Fprintf(asm, "\t"+format+"\n", a...) }
	constant := func(v float32) string { return fmt.Sprintf("·coefficient%08x<>(SB)", math.Float32bits(v)) }
	known := map[float32]bool{0: true, 1: true, -1: true}
	for _, m := range transforms {
		for _, v := range slices.Concat(slices.Concat(m.shared, m.rows)...) {
			if known[v] {
				continue
			}
			known[v] = true
			fmt.Fprintf(asm, "\n// a vector of %v\n", v)
			for i := range 16 {
				fmt.Fprintf(asm, "DATA ·coefficient%08[1]x<>+%[2]d(SB)/4, $0x%08[1]x\n", math.Float32bits(v), 4*i)
			}
			fmt.Fprintf(asm, "GLOBL %s, RODATA|NOPTR, $64\n", constant(v))
		}
	}
	for _, set := range []struct {
		name, register string
		bytes          int
	}{{"512", "Z", 64}, {"256", "Y", 32}} {
		for _, m := range transforms {
			name, ins, outs := "transform"+m.name+set.name, m.inputs(), len(m.rows)
			r := func(i int) string { return fmt.Sprintf("%s%d", set.register, i) }
			const args = "(r *rowOffsets, in, out, zeros, discarded unsafe.Pointer, n, count int)"
			fmt.Fprintf(asm, "\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $16-56\n", name, args, name)
			fmt.Fprintf(decl, "\n//go:noescape\nfunc %s%s\n", name, args)
			p("MOVQ r+0(FP), DI")
			place := func(offset int, register, absent string) {
				p("MOVQ %d(DI), %s", offset, register)
				p("TESTQ %s, %s", register, register)
				p("LEAQ (%s)(AX*1), %s", register, register)
				p("CMOVQLT %s, %s", absent, register)
			}
			p("MOVQ in+8(FP), AX")
			for i := range ins {
				place(8*i, pointers[i], "zeros+24(FP)")
			}
			p("MOVQ out+16(FP), AX")
			for i := range outs {
				place(48+8*i, pointers[ins+i], "discarded+32(FP)")
			}
			// Registers are for the inputs, the shared sums, another sum, and the coefficients.
			acc := r(ins + len(m.shared))
			coefficients := map[float32]string{}
			for _, v := range slices.Concat(slices.Concat(m.shared, m.rows)...) {
				if v != 0 && v != 1 && v != -1 && coefficients[v] == "" {
					coefficients[v] = r(ins + len(m.shared) + 1 + len(coefficients))
					p("VMOVUPS %s, %s", constant(v), coefficients[v])
				}
			}
			p("MOVQ n+40(FP), AX")
			p("LEAQ -%d(AX*4), AX", set.bytes)
			p("MOVQ AX, last-8(SP)") // where the last vector begins
			p("MOVQ count+48(FP), AX")
			p("MOVQ AX, left-16(SP)")
			fmt.Fprintln(asm, "again:")
			p("XORL AX, AX")
			fmt.Fprintln(asm, "next:")
			for j := range ins {
				p("VMOVUPS (%s)(AX*1), %s", pointers[j], r(j))
			}
			for i, row := range m.shared {
				linearSum(p, row, r, r(ins+i), coefficients)
			}
			for i, row := range m.rows {
				p("VMOVUPS %s, (%s)(AX*1)", linearSum(p, row, r, acc, coefficients), pointers[ins+i])
			}
			p("CMPQ AX, last-8(SP)")
			p("JEQ done")
			p("ADDQ $%d, AX", set.bytes)
			p("CMPQ AX, last-8(SP)")
			p("CMOVQGT last-8(SP), AX")
			p("JMP next")
			fmt.Fprintln(asm, "done:")
			for i := range ins {
				p("ADDQ %d(DI), %s", 96+8*i, pointers[i])
			}
			for i := range outs {
				p("ADDQ %d(DI), %s", 144+8*i, pointers[ins+i])
			}
			p("DECQ left-16(SP)")
			p("JNZ again")
			p("VZEROUPPER")
			p("RET")
		}
	}
}

// linearSum adds up the registers from 0 on, times a row of a matrix, and gives the register that has the sum: acc, unless the row has
// one term, with coefficient 1. It begins with such a term, if it can.
func linearSum(p func(string, ...any), row []float32, r func(int) string, acc string, coefficients map[float32]string) string {
	first := max(slices.Index(row, 1), 0)
	for row[first] == 0 {
		first++
	}
	sum := r(first)
	if v := row[first]; v != 1 {
		p("VMULPS %s, %s, %s", coefficients[v], sum, acc)
		sum = acc
	}
	for j, v := range row {
		switch {
		case j == first || v == 0:
			continue
		case v == 1:
			p("VADDPS %s, %s, %s", r(j), sum, acc)
		case v == -1:
			p("VSUBPS %s, %s, %s", r(j), sum, acc)
		default:
			if sum != acc {
				p("VMOVAPS %s, %s", sum, acc)
			}
			p("VFMADD231PS %s, %s, %s", coefficients[v], r(j), acc)
		}
		sum = acc
	}
	return sum
}
