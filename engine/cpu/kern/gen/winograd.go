package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/cpu/winograd"
)

// maps are the linear maps of Winograd's algorithm, under the names of their functions.
var maps = []struct {
	name   string
	matrix winograd.Matrix
}{
	{"Data", winograd.BT()},
	{"Taps", winograd.G()},
	{"Outputs", winograd.A().Transposed()},
	{"Gradients", winograd.A()},
	{"TapGradients", winograd.G().Transposed()},
}

// pointers hold the addresses of the rows of a map, its input first.
var pointers = []string{"BX", "CX", "DX", "SI", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"}

// linearMaps writes the functions that apply a matrix to rows, a vector register of columns at a time, and then to the rows a step
// further. Their argument is a *Rows, whose fields lie at 0 (In), 48 (Out), 96 (InStep), 144 (OutStep), 192 (N) and 200 (Count).
// The last vector may overlap the one before it.
func linearMaps(asm, decl *bytes.Buffer) {
	p := func(format string, a ...any) { fmt.Fprintf(asm, "\t"+format+"\n", a...) }
	constant := func(v float32) string { return fmt.Sprintf("·map%08x<>(SB)", math.Float32bits(v)) }
	known := map[float32]bool{0: true, 1: true}
	for _, m := range maps {
		for _, v := range slices.Concat(m.matrix...) {
			if known[v] {
				continue
			}
			known[v] = true
			fmt.Fprintf(asm, "\n// a vector of %v\n", v)
			for i := range 16 {
				fmt.Fprintf(asm, "DATA ·map%08[1]x<>+%[2]d(SB)/4, $0x%08[1]x\n", math.Float32bits(v), 4*i)
			}
			fmt.Fprintf(asm, "GLOBL %s, RODATA|NOPTR, $64\n", constant(v))
		}
	}
	for _, set := range []struct {
		name, register string
		bytes          int
	}{{"512", "Z", 64}, {"256", "Y", 32}} {
		for _, m := range maps {
			name, ins, outs := "map"+m.name+set.name, len(m.matrix[0]), len(m.matrix)
			r := func(i int) string { return fmt.Sprintf("%s%d", set.register, i) }
			fmt.Fprintf(asm, "\n// func %s(r *Rows)\nTEXT ·%s(SB), NOSPLIT, $16-8\n", name, name)
			fmt.Fprintf(decl, "\n//go:noescape\nfunc %s(r *Rows)\n", name)
			p("MOVQ r+0(FP), DI")
			for i := range ins {
				p("MOVQ %d(DI), %s", 8*i, pointers[i])
			}
			for i := range outs {
				p("MOVQ %d(DI), %s", 48+8*i, pointers[ins+i])
			}
			// The coefficients stay in registers, behind the rows of the input and a sum.
			registers := map[float32]string{}
			for _, v := range slices.Concat(m.matrix...) {
				if v != 0 && v != 1 && registers[v] == "" {
					registers[v] = r(ins + 1 + len(registers))
					p("VMOVUPS %s, %s", constant(v), registers[v])
				}
			}
			p("MOVQ 192(DI), AX")
			p("LEAQ -%d(AX*4), AX", set.bytes)
			p("MOVQ AX, last-8(SP)") // where the last vector begins
			p("MOVQ 200(DI), AX")
			p("MOVQ AX, left-16(SP)")
			fmt.Fprintln(asm, "again:")
			p("XORQ AX, AX")
			fmt.Fprintln(asm, "next:")
			for j := range ins {
				p("VMOVUPS (%s)(AX*1), %s", pointers[j], r(j))
			}
			for i, row := range m.matrix {
				sum := linearSum(p, row, r, ins, registers)
				p("VMOVUPS %s, (%s)(AX*1)", sum, pointers[ins+i])
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

// linearSum adds up the registers from 0 on, times a row of a matrix, whose coefficients are in registers, and gives the register
// that has the sum: acc, unless it is one of them.
func linearSum(p func(string, ...any), row []float32, r func(int) string, acc int, coefficient map[float32]string) string {
	sum := ""
	for j, v := range row {
		switch {
		case v == 0:
		case sum == "" && v == 1:
			sum = r(j)
		case sum == "":
			sum = r(acc)
			p("VMULPS %s, %s, %s", coefficient[v], r(j), sum)
		case v == 1:
			p("VADDPS %s, %s, %s", r(j), sum, r(acc))
			sum = r(acc)
		default:
			if sum != r(acc) {
				p("VMOVAPS %s, %s", sum, r(acc))
				sum = r(acc)
			}
			p("VFMADD231PS %s, %s, %s", coefficient[v], r(j), sum)
		}
	}
	return sum
}
