package cpu

import (
	"unsafe"

	"github.com/starsweep/starsweep/engine/cpu/kern"
)

// block is the approximate number of elements that a loop processes at a time. A register of this many float32 takes 4 kB, so some
// registers stay in the first-level cache and all of them in the second.
const block = 1024

// loop is a fused group: a program on registers that runs on one block of elements after another.
type loop struct {
	n     int // elements
	block int // elements of a block: a multiple of 16 and of the periods of all sums
	slots int // scratch registers
	slot  int // bytes of a scratch register
	regs  []register
	code  []step
	sums  []sum
}

// register is the place of a value.
type register struct {
	where     where
	slot, buf int
	from      int // offset of the value in buf, in bytes
	es        int // element size
	fixed     bool
	load      func(base, d ptr, at, n int) // fills scratch from buf: once if fixed, else for each block
}

type where int

const (
	scratch  where = iota // in the worker's scratch, at slot
	direct                // in the buffer, at the block's place
	repeated              // in the buffer, which repeats one value over a block
)

// step is one operation on registers.
type step struct {
	f          blockFn
	d, a, b, c int
}

// sum is a reduction to the innermost axes. Blocks are added element by element, and the result is then folded to the period.
type sum struct {
	*reducer
	from    int // register
	slot    int // accumulator
	buf     int
	partial int // buffer with a result of each piece
	period  int
	es      int
}

// A loop that ends in sums is cut into at most sumPieces pieces of at least pieceBlocks blocks, regardless of the number of threads, so
// that the order of additions is fixed. Other loops are distributed block by block. A loop of few steps in all runs on one thread: a step
// takes about 0.1 µs, and waking a thread about 5.
const (
	sumPieces   = 64
	pieceBlocks = 4
	serialSteps = 48
)

func (k *loop) blocks() int { return parts(k.n, k.block) }
func (k *loop) pieces() int { return max(1, min(sumPieces, k.blocks()/pieceBlocks)) }

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

// loopWorker is the state of one worker in a loop.
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

// block runs the steps on block i.
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

// foldSums adds up the rows of each accumulator, the upper half to the lower half, and stores the result of a piece.
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

// combine adds up the results of the pieces, in order.
func (s *sum) combine(m *memory, pieces int) {
	out, part := m.p[s.buf], m.p[s.partial]
	copyBytes(out, part, s.period*s.es)
	for p := 1; p < pieces; p++ {
		s.f(out, out, unsafe.Add(part, p*s.period*s.es), nil, s.period)
	}
}
