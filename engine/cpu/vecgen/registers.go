package main

import (
	"fmt"
	"slices"
	"strings"
)

// assemble assigns a register to every value, and to as many constants as possible for the whole function. Other constants are loaded
// where they are needed.
func (p *routine) assemble(constant func(bits uint32) string) []string {
	for kept := len(p.constants); kept >= 0; kept-- {
		a := &allocator{routine: p, constant: constant, kept: p.constants[:kept]}
		if a.run() {
			return a.lines
		}
	}
	panic("too few registers for " + p.name)
}

type allocator struct {
	*routine
	lines    []string
	constant func(bits uint32) string // its address
	kept     []*value
	vectors  []int // free registers, taken from the end
	masks    []int
	full     bool // there were too few registers
}

func (a *allocator) run() bool {
	for r := a.count - len(a.kept) - 1; r >= 0; r-- {
		a.vectors = append(a.vectors, r)
	}
	for r := 7; r > 0; r-- { // K0 means no mask
		a.masks = append(a.masks, r)
	}
	for i, v := range a.kept {
		v.reg = a.count - 1 - i
		a.load(v)
	}
	for i := range a.code {
		a.instruction(i)
	}
	return !a.full
}

func (a *allocator) emit(text string, regs ...int) {
	a.lines = append(a.lines, a.fill(text, regs...))
}

func (a *allocator) load(v *value) { a.emit("VBROADCASTSS "+a.constant(v.bits)+", V?", v.reg) }

// fill inserts register numbers into a line.
func (a *allocator) fill(text string, regs ...int) string {
	for _, r := range regs {
		i := strings.Index(text, "?")
		letter := text[i-1 : i]
		if letter == "V" {
			letter = a.letter
		}
		text = fmt.Sprint(text[:i-1], letter, r, text[i+1:])
	}
	return text
}

func (a *allocator) pool(v *value) *[]int {
	if v.mask {
		return &a.masks
	}
	return &a.vectors
}

func (a *allocator) take(v *value) {
	free := a.pool(v)
	if len(*free) == 0 {
		a.full = true
		return
	}
	v.reg = (*free)[len(*free)-1]
	*free = (*free)[:len(*free)-1]
}

func (a *allocator) give(v *value) { *a.pool(v) = append(*a.pool(v), v.reg) }

// instruction emits instruction i. The result may take the register of an operand that is no longer needed.
func (a *allocator) instruction(i int) {
	c := a.code[i]
	var dying []*value
	for j, v := range c.in {
		switch {
		case slices.Contains(c.in[:j], v) || slices.Contains(a.kept, v):
		case v.constant:
			a.take(v)
			a.load(v)
			dying = append(dying, v)
		case v.last == i:
			dying = append(dying, v)
		}
	}
	if c.fma {
		a.fma(c, dying)
		return
	}
	for _, v := range dying {
		a.give(v)
	}
	regs := make([]int, 0, 4)
	for _, v := range c.in {
		regs = append(regs, v.reg)
	}
	if c.out != nil {
		a.take(c.out)
		regs = append(regs, c.out.reg)
	}
	a.emit(c.text, regs...)
}

// fma emits a fused multiply-add. Its result replaces an operand: one that is no longer needed, or else a copy of z.
func (a *allocator) fma(c instruction, dying []*value) {
	x, y, z := c.in[0], c.in[1], c.in[2]
	over, form, first, second := z, "VFMADD231PS V?, V?, V?", y, x // z += x*y
	switch {
	case slices.Contains(dying, z):
	case slices.Contains(dying, x):
		over, form, first, second = x, "VFMADD213PS V?, V?, V?", z, y // x = x*y + z
	case slices.Contains(dying, y):
		over, form, first, second = y, "VFMADD213PS V?, V?, V?", z, x
	default:
		a.take(c.out)
		a.emit("VMOVAPS V?, V?", z.reg, c.out.reg)
		a.emit(form, y.reg, x.reg, c.out.reg)
		return
	}
	for _, v := range dying {
		if v != over {
			a.give(v)
		}
	}
	c.out.reg = over.reg
	a.emit(form, first.reg, second.reg, c.out.reg)
}
