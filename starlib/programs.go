package starlib

import (
	"sync"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/tensor"
)

// memo keeps traces by the structure of the trials that they were made for, and equal programs once.
type memo struct {
	mu       sync.Mutex
	buckets  map[string]*bucket
	programs map[string]*model.Program
	networks map[*model.Program][]tensor.Network
	traces   int
}

// bucket is the traces of one key. They differ in what their functions read of p while they were traced.
type bucket struct {
	memo    *memo
	mu      sync.Mutex // held while a program is traced, so that it is traced once
	entries number.Tree[entry]
}

// entry is a traced program, or the error of tracing it.
type entry struct {
	program  *model.Program
	reals    []model.Real // of the trial that was traced
	networks []tensor.Network
	err      error
	number.Traced
}

func newMemo() *memo {
	return &memo{buckets: map[string]*bucket{}, programs: map[string]*model.Program{}, networks: map[*model.Program][]tensor.Network{}}
}

func (m *memo) bucket(key string) *bucket {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets[key] == nil {
		m.buckets[key] = &bucket{memo: m}
	}
	return m.buckets[key]
}

// entry returns the trace for points that agree in what it read, or builds it. A failed one is kept only if keep returns true: the end
// of a context is no error of the trial.
func (b *bucket) entry(r *number.Evaluation, build func() *entry, keep func() bool) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries.Find(r.Point); e != nil {
		r.Follow(e.Traced)
		return e
	}
	var e *entry
	t := r.Tracing(func() { e = build() })
	e.Traced = t
	if e.err != nil && !keep() {
		return e
	}
	b.memo.intern(e)
	b.entries.Add(e.Reads(), r.Point, e)
	return e
}

// intern makes equal programs one.
func (m *memo) intern(e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.traces++
	if e.program == nil {
		return
	}
	id := e.program.Identity()
	if m.programs[id] == nil {
		m.programs[id] = e.program
		m.networks[e.program] = e.networks
	}
	e.program = m.programs[id]
}
