package cpu

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
)

// loopCompiler turns the members of a group into the register program of a loop.
type loopCompiler struct {
	*compiler
	*loop
	dims         []int
	reg          map[*node]int // of the members, and of recomputed operands
	last         map[int]int   // step of last use, by register
	loads        map[loadKey]int
	seen         map[int]bool // buffers in reads
	reads, makes []int
}

// loadKey distinguishes loads: a buffer, and how it is read.
type loadKey struct {
	buf  int
	walk string // strides, and where it begins
}

// needed returns the members that are read. Those that every reader recomputes are not.
func (c *compiler) needed(members []*node) (list []*node) {
	inside := map[*node]bool{}
	for _, m := range slices.Backward(members) {
		if inside[m] || c.groups.stored[m] || period(m) > 0 {
			list = append(list, m)
			for _, a := range m.in {
				inside[a] = true
			}
		}
	}
	slices.Reverse(list)
	return list
}

// emitLoop appends the loop of a group.
func (c *compiler) emitLoop(members []*node) {
	if members = c.needed(members); len(members) == 0 {
		return
	}
	over := iterates(members[0])
	k, dims := &loop{n: over.Size(), block: block}, over.Dimensions
	for _, m := range members {
		k.slot = max(k.slot, m.shape.DType.Size())
		for _, a := range m.in {
			k.slot = max(k.slot, a.shape.DType.Size())
		}
		if p := period(m); p > 0 {
			k.block = min(k.block, block/unit(p)*unit(p))
		}
	}
	k.slot *= block
	l := &loopCompiler{compiler: c, loop: k, dims: dims, reg: map[*node]int{}, last: map[int]int{}, loads: map[loadKey]int{},
		seen: map[int]bool{}}
	for _, m := range members {
		l.member(m)
	}
	l.placeScratch()
	c.scratch = max(c.scratch, k.slots*k.slot)
	what := "loop"
	if len(k.sums) > 0 {
		what += " with sums"
	}
	what = fmt.Sprintf("%s %v: %d steps, %d sums, %d read, %d written", what, dims, len(k.code), len(k.sums), len(l.reads), len(l.makes))
	team := c.backend.team
	c.addInstruction(what, func(m *memory) { k.run(m, team) }, l.reads, l.makes...).overwrites = l.overwrites()
}

// overwrites pairs each value that the loop stores with an operand whose place it may take, if no later instruction reads the operand:
// one that is read in place, and not after the step that stores the value. A step reads an element before it stores one.
func (l *loopCompiler) overwrites() (pairs []overwrite) {
	loads := map[int][]int{} // registers by buffer
	for k, r := range l.loads {
		loads[k.buf] = append(loads[k.buf], r)
	}
	type candidate struct{ buf, es, last int }
	var candidates []candidate
	for _, b := range l.reads {
		if len(loads[b]) != 1 {
			continue
		}
		if r := loads[b][0]; l.regs[r].where == direct {
			candidates = append(candidates, candidate{b, l.regs[r].es, l.last[r]})
		}
	}
	for i, s := range l.code {
		d := l.regs[s.d]
		if d.where != direct {
			continue
		}
		at := slices.IndexFunc(candidates, func(c candidate) bool { return c.es == d.es && c.last <= i })
		if at >= 0 {
			pairs = append(pairs, overwrite{candidates[at].buf, d.buf})
			candidates = slices.Delete(candidates, at, at+1)
		}
	}
	return pairs
}

func (l *loopCompiler) newRegister(r register) int {
	l.regs = append(l.regs, r)
	return len(l.regs) - 1
}

func (l *loopCompiler) newSlot() int {
	l.slots++
	return l.slots - 1
}

// operand returns the register of operand a of m.
func (l *loopCompiler) operand(m, a *node, st []int) int {
	if r, ok := l.reg[a]; ok && canShareLoop(m, a) {
		return r
	}
	if l.groups.recomputed(m, a) {
		l.compute(a, register{where: scratch, slot: -1})
		return l.reg[a]
	}
	if a.op == compute.OpTypeConstant && a.shape.Size() == 1 {
		id := l.blockOf(a)
		return l.load(loadKey{buf: id}, func() register { return register{where: repeated, buf: id} })
	}
	stored, from := a, 0
	if l.groups.viewed[a] {
		p := a.attr.(move).parts[0]
		stored, st, from = a.in[0], p.ss, p.from
	}
	id, es := l.id[stored], a.shape.DType.Size()
	if !l.seen[id] {
		l.seen[id] = true
		l.reads = append(l.reads, id)
	}
	return l.load(loadKey{id, fmt.Sprint(st, from)}, func() register {
		r := loadOf(id, es, l.dims, st, l.block)
		r.from = from * es
		if r.where == scratch {
			r.slot = l.newSlot()
		}
		return r
	})
}

func (l *loopCompiler) load(k loadKey, make func() register) int {
	r, ok := l.loads[k]
	if !ok {
		r = l.newRegister(make())
		l.loads[k] = r
	}
	return r
}

// member adds an operation.
func (l *loopCompiler) member(m *node) {
	es := m.shape.DType.Size()
	if p := period(m); p > 0 {
		a := l.operand(m, m.in[0], strides(m.in[0].shape))
		l.last[a] = 1 << 30
		s := sum{l.backend.reducer(m.op, m.shape.DType), a, l.newSlot(), l.id[m], l.newBuf(buf{bytes: l.pieces() * p * es}), p, es}
		l.sums = append(l.sums, s)
		l.makes = append(l.makes, s.buf, s.partial)
		return
	}
	d := register{where: scratch, slot: -1} // placeScratch finds the slot
	if l.groups.stored[m] {
		d = register{where: direct, buf: l.id[m], es: es}
		l.makes = append(l.makes, d.buf)
	} else if m.op == compute.OpTypeBroadcastInDim {
		l.reg[m] = l.operand(m, m.in[0], operandStrides(m, m.in[0]))
		return
	}
	l.compute(m, d)
}

// compute adds the step that computes n.
func (l *loopCompiler) compute(n *node, d register) {
	var in [3]int
	for i, a := range n.in {
		in[i] = l.operand(n, a, operandStrides(n, a))
	}
	for i := range n.in {
		l.last[in[i]] = max(l.last[in[i]], len(l.code))
	}
	l.reg[n] = l.newRegister(d)
	l.code = append(l.code, step{l.backend.fns.of(n), l.reg[n], in[0], in[1], in[2]})
}

// placeScratch assigns slots to computed registers, and reuses them after the last use.
func (l *loopCompiler) placeScratch() {
	var free []int
	computed := map[int]bool{}
	for i, s := range l.code {
		if r := &l.regs[s.d]; r.where == scratch {
			if len(free) == 0 {
				free = append(free, l.newSlot())
			}
			r.slot, free = free[len(free)-1], free[:len(free)-1]
		}
		for _, a := range []int{s.a, s.b, s.c} {
			if computed[a] && l.last[a] == i {
				free = append(free, l.regs[a].slot)
				delete(computed, a)
			}
		}
		if l.regs[s.d].where == scratch {
			computed[s.d] = true
		}
	}
}

// operandStrides returns the strides with which the loop of m reads operand a: 0 along axes that it repeats.
func operandStrides(m, a *node) []int {
	out := make([]int, m.shape.Rank())
	st := strides(a.shape)
	for i, n := range a.shape.Dimensions {
		to := i
		if m.op == compute.OpTypeBroadcastInDim {
			to = m.attr.([]int)[i]
		}
		if n > 1 {
			out[to] = st[i]
		}
	}
	return out
}
