// Command vecgen writes the vector block functions of package cpu, for AVX-512 and for AVX2 with FMA, from one table. A function is a
// loop over 16 or 8 elements at a time: loads, the operation, a store.
//
// go generate runs it in package cpu. Its output depends on this package and the constants of math32 alone. The test here compares the
// committed files with it; what the functions compute is tested in package cpu.
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"log"
	"math"
	"os"
	"slices"
	"strings"
	"unicode"
)

func main() {
	texts, err := files()
	for name, text := range texts {
		if err == nil {
			err = os.WriteFile(name, text, 0o644)
		}
	}
	if err != nil {
		log.Fatal(err)
	}
}

// files returns the generated files by name.
func files() (map[string][]byte, error) {
	w := &writer{}
	for _, s := range sets {
		w.set(s)
	}
	declarations, err := format.Source(w.declarations())
	return map[string][]byte{"vector_amd64.s": w.assembly(), "vector_amd64.go": declarations}, err
}

// writer collects the contents of the files.
type writer struct {
	functions bytes.Buffer // in assembly
	stubs     bytes.Buffer // their declarations
	cases     bytes.Buffer // of vectorsOf
	words     []uint32     // constants
}

// constant returns the address of a word.
func (w *writer) constant(bits uint32) string {
	i := slices.Index(w.words, bits)
	if i < 0 {
		i = len(w.words)
		w.words = append(w.words, bits)
	}
	return fmt.Sprintf("vectorConstants<>+%d(SB)", i*4)
}

func (w *writer) set(s set) {
	fmt.Fprintf(&w.cases, "case %q:\nreturn &vectors{\nfns: table{\n", s.name)
	for _, o := range operations {
		w.block(s, o)
	}
	fmt.Fprint(&w.cases, "},\nruns: map[compute.OpType]func(d, x ptr, n int){\n")
	for _, r := range runs {
		w.run(s, r)
	}
	fmt.Fprint(&w.cases, "},\n}\n")
}

// block writes a block function and its entries of the table.
func (w *writer) block(s set, o operation) {
	name := s.prefix + o.op + strings.ReplaceAll(strings.Fields(o.dtypes)[0], ">", "")
	p := &routine{set: s}
	if o.far != "" {
		p.effect("XORL R9, R9")
	}
	p.effect("XORL AX, AX\n\tTESTQ CX, CX\n\tJLE done\n\tPCALIGN $32\nloop:")
	in := o.kinds[:len(o.kinds)-1]
	var x []*value
	for i := range in {
		x = append(x, p.load(in[i], i))
	}
	p.store(o.kinds[len(in)], o.body(p, x...))
	p.effect(fmt.Sprintf("ADDQ $%d, AX\n\tCMPQ AX, CX\n\tJLT loop\ndone:", s.lanes))

	arguments := []string{"d+0(FP), DI", "a+8(FP), SI", "b+16(FP), DX", "c+24(FP), R8"}[:1+len(in)]
	function := name
	if o.far == "" {
		w.function(p, name, "(d, a, b, c ptr, n int)", 40, append(arguments, "n+32(FP), CX"))
	} else {
		p.effect("MOVQ R9, ret+24(FP)")
		w.function(p, name, "(d, a ptr, n int) int", 32, append(arguments, "n+16(FP), CX"))
		function = fmt.Sprintf("trigOf(%s, math32.%s)", name, o.far)
	}
	for _, d := range strings.Fields(o.dtypes) {
		from, into, conversion := strings.Cut(d, ">")
		key := fmt.Sprintf("op: %s, in: dtypes.%s", o.constant(), from)
		if conversion {
			key += ", into: dtypes." + into
		}
		fmt.Fprintf(&w.cases, "{%s}: %s,\n", key, function)
	}
}

// constant returns the name of the operation in Go.
func (o operation) constant() string {
	if unicode.IsLower(rune(o.op[0])) {
		return o.op
	}
	return "compute.OpType" + o.op
}

// run writes a reduction and its entry of the table. Element i is added to sum i mod 32, so the order is the same for both sets.
func (w *writer) run(s set, r run) {
	name := s.prefix + r.op
	p := &routine{set: s}
	sums := make([]*value, 32/s.lanes)
	for i := range sums {
		sums[i] = p.do("VMOVAPS V?, V?", p.number(r.neutral))
	}
	p.effect("XORL AX, AX\n\tPCALIGN $32\nloop:")
	next := make([]*value, len(sums))
	for i := range sums {
		next[i] = r.body(p, p.do(fmt.Sprintf("VMOVUPS %d(SI)(AX*4), V?", i*s.lanes*4)), sums[i])
	}
	for i := range sums {
		p.effect("VMOVAPS V?, V?", next[i], sums[i])
	}
	p.effect("ADDQ $32, AX\n\tCMPQ AX, CX\n\tJLT loop")
	for n := len(sums) / 2; n > 0; n /= 2 {
		for i := range n {
			sums[i] = r.body(p, sums[i], sums[i+n])
		}
	}
	y := sums[0]
	if s.lanes == 16 {
		y = r.body(p, y, p.do("VEXTRACTF64X4 $1, Z?, Y?", y))
	}
	y = r.body(p, y, p.do("VEXTRACTF128 $1, Y?, X?", y))
	y = r.body(p, y, p.imm("VPERMILPS", 0b01_00_11_10, y))
	y = r.body(p, y, p.imm("VPERMILPS", 0b10_11_00_01, y))
	p.effect("VMOVSS X?, (DI)", r.body(p, p.do("VBROADCASTSS (DI), V?"), y))
	w.function(p, name, "(d, x ptr, n int)", 24, []string{"d+0(FP), DI", "x+8(FP), SI", "n+16(FP), CX"})
	fmt.Fprintf(&w.cases, "compute.OpType%s: %s,\n", r.op, name)
}

func (w *writer) function(p *routine, name, signature string, argBytes int, arguments []string) {
	fmt.Fprintf(&w.stubs, "\n//go:noescape\nfunc %s%s\n", name, signature)
	f := &w.functions
	fmt.Fprintf(f, "\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", name, signature, name, argBytes)
	for _, a := range arguments {
		fmt.Fprintf(f, "\tMOVQ %s\n", a)
	}
	for _, line := range p.assemble(w.constant) {
		fmt.Fprintf(f, "\t%s\n", line)
	}
	fmt.Fprint(f, "\tVZEROUPPER\n\tRET\n")
}

func (w *writer) assembly() []byte {
	var b bytes.Buffer
	fmt.Fprint(&b, "// Code generated by go run ./vecgen. DO NOT EDIT.\n\n#include \"textflag.h\"\n\n")
	for i, c := range w.words {
		fmt.Fprintf(&b, "DATA vectorConstants<>+%d(SB)/4, $%#08x // %g\n", i*4, c, math.Float32frombits(c))
	}
	fmt.Fprintf(&b, "GLOBL vectorConstants<>(SB), NOPTR|RODATA, $%d\n", len(w.words)*4)
	b.Write(w.functions.Bytes())
	return b.Bytes()
}

func (w *writer) declarations() []byte {
	return fmt.Appendf(nil, `// Code generated by go run ./vecgen. DO NOT EDIT.

package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/starsweep/starsweep/engine/cpu/math32"
)

// vectorsOf returns the vector functions that accompany a kernel set, nil if there are none.
func vectorsOf(kernels string) *vectors {
	switch kernels {
	%s}
	return nil
}
%s`, w.cases.Bytes(), w.stubs.Bytes())
}
