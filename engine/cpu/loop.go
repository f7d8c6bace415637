package cpu

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/gomlx/compute"

	"github.com/starsweep/starsweep/engine/cpu/kern"
)

// block is about how many elements a loop handles at a time: a register of that many float32 takes 4 kB, so that some
// of them stay in the first-level cache and all of them in the second.
const block = 1024

// loop is a fused group: a register program that runs on one block of elements after the other.
type loop struct {
	n     int // elements
	block int // elements of a block: a multiple of 16 and of what repeats
	slots int // scratch registers
	slot  int // bytes of one
	regs  []register
	code  []step
	sums  []sum
}

// register says where the value of a register lies.
type register struct {
	where     where
	slot, buf int
	from      int // bytes of buf before the value, if it is a part of it
	es        int // element size
	fixed     bool
	load      func(base, d ptr, at, n int) // fills scratch from buf: once if fixed, else for every block
}

type where int

const (
	scratch  where = iota // in the worker's scratch, at slot
	direct                // in the buffer, at the block's place
	repeated              // in the buffer, which holds a block of one value
)

// step is one operation on registers.
type step struct {
	f          blockFn
	d, a, b, c int
}

// sum is a reduction to the innermost axes: blocks are added up element by element, and then folded to the period.
type sum struct {
	*reducer
	from    int // register
	slot    int // accumulator
	buf     int
	partial int // buffer of one result per piece
	period  int
	es      int
}

// A loop that ends in sums is cut into at most sumPieces pieces of at least pieceBlocks blocks, for any number of threads, so
// that the order of additions is fixed. Other loops are handed out block by block. A loop that takes few steps in all runs on one
// thread: a step takes about 0.1 us, waking a thread some 5.
const (
	sumPieces   = 64
	pieceBlocks = 4
	serialSteps = 48
)

func (k *loop) blocks() int { return parts(k.n, k.block) }
func (k *loop) pieces() int { return max(1, min(sumPieces, k.blocks()/pieceBlocks)) }

// needed are the members that somebody reads: what all readers compute again is not.
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

// emitLoop emits the loop of a group.
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

// overwrites pairs each value that the loop stores with an operand whose place it may take, if nobody reads the operand later:
// one that is read where it lies, and not after the step that stores the value. A step reads an element before it stores one.
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

type loopCompiler struct {
	*compiler
	*loop
	dims         []int
	reg          map[*node]int // of the members, and of what is computed again
	last         map[int]int   // by register: step of last use
	loads        map[loadKey]int
	seen         map[int]bool // buffers in reads
	reads, makes []int
}

type loadKey struct {
	buf  int
	walk string // its strides, and where it begins
}

func (l *loopCompiler) newRegister(r register) int {
	l.regs = append(l.regs, r)
	return len(l.regs) - 1
}

func (l *loopCompiler) newSlot() int {
	l.slots++
	return l.slots - 1
}

// operand is the register of a as m reads it.
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

// member adds one operation.
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

// compute adds the step that makes n.
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

// placeScratch gives slots to computed registers and uses them again after the last use.
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

// operandStrides is how m's loop walks over operand a: 0 along axes that it repeats.
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

func (k *loop) run(m *memory, team kern.Team) {
	if k.blocks()*(len(k.code)+len(k.sums)) < serialSteps {
		team = kern.Team{}
	}
	if len(k.sums) > 0 {
		pieces := k.pieces()
		team.Share(pieces, func(w int, next func() int) {
			l := k.start(m, w)
			for p := next(); p >= 0; p = next() {
				l.clearSums()
				for i := k.blocks() * p / pieces; i < k.blocks()*(p+1)/pieces; i++ {
					l.block(i)
				}
				l.foldSums(p)
			}
		})
		for i := range k.sums {
			k.sums[i].combine(m, pieces)
		}
		return
	}
	team.Share(k.blocks(), func(w int, next func() int) {
		l := k.start(m, w)
		for i := next(); i >= 0; i = next() {
			l.block(i)
		}
	})
}

// loopWorker is one worker's share of a loop.
type loopWorker struct {
	*loop
	m       *memory
	scratch ptr
	regs    []ptr
	every   []int // registers that change with the block
}

func (k *loop) start(m *memory, worker int) *loopWorker {
	l := &loopWorker{k, m, ptr(unsafe.SliceData(m.scratch[worker])), make([]ptr, len(k.regs)), nil}
	for i := range k.regs {
		r := &k.regs[i]
		switch {
		case r.where == repeated:
			l.regs[i] = m.p[r.buf]
		case r.where == direct:
			l.every = append(l.every, i)
		default:
			l.regs[i] = l.slotAt(r.slot)
			if r.fixed && k.n > 0 {
				r.load(unsafe.Add(m.p[r.buf], r.from), l.regs[i], 0, min(k.block, parts(k.n, 16)*16))
			} else if r.load != nil {
				l.every = append(l.every, i)
			}
		}
	}
	return l
}

func (l *loopWorker) slotAt(i int) ptr { return unsafe.Add(l.scratch, i*l.slot) }

// block runs the program on block i.
func (l *loopWorker) block(i int) {
	at := i * l.loop.block
	n := min(l.loop.block, l.n-at)
	for _, j := range l.every {
		r := &l.loop.regs[j]
		if r.where == direct {
			l.regs[j] = unsafe.Add(l.m.p[r.buf], at*r.es)
		} else {
			r.load(unsafe.Add(l.m.p[r.buf], r.from), l.regs[j], at, n)
		}
	}
	for j := range l.code {
		s := &l.code[j]
		s.f(l.regs[s.d], l.regs[s.a], l.regs[s.b], l.regs[s.c], n)
	}
	for j := range l.sums {
		s := &l.sums[j]
		acc := l.slotAt(s.slot)
		s.f(acc, acc, l.regs[s.from], nil, n)
	}
}

func (l *loopWorker) clearSums() {
	for i := range l.sums {
		l.sums[i].init(l.slotAt(l.sums[i].slot), l.loop.block)
	}
}

// foldSums adds up the rows of each accumulator, upper half onto lower half, and stores the result of a piece.
func (l *loopWorker) foldSums(piece int) {
	for i := range l.sums {
		s := &l.sums[i]
		acc := l.slotAt(s.slot)
		for rows := l.loop.block / s.period; rows > 1; rows -= rows / 2 {
			upper := rows - rows/2
			s.f(acc, acc, unsafe.Add(acc, upper*s.period*s.es), nil, rows/2*s.period)
		}
		copyBytes(unsafe.Add(l.m.p[s.partial], piece*s.period*s.es), acc, s.period*s.es)
	}
}

// combine adds up the results of the pieces in order.
func (s *sum) combine(m *memory, pieces int) {
	out, part := m.p[s.buf], m.p[s.partial]
	copyBytes(out, part, s.period*s.es)
	for p := 1; p < pieces; p++ {
		s.f(out, out, unsafe.Add(part, p*s.period*s.es), nil, s.period)
	}
}
