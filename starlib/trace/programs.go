// Package trace builds the programs of trials: it calls their networks and losses with symbolic tensors and builds a model.Program of
// what they compute. Trials with the same structure share a trace, and equal programs are shared. Package starlib asks it for the
// program of each evaluation of trial(p).
package trace

import (
	"sync"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/tensor"
	"github.com/starsweep/starsweep/starlib/trial"
)

// Programs keeps traces by the structure of the trials that they were made for, and equal programs once.
type Programs struct {
	mu       sync.Mutex
	buckets  map[string]*bucket
	programs map[string]*model.Program
	networks map[*model.Program][]tensor.Network
	traces   int
}

// bucket is the traces of one key. They differ in the values of p that their functions read while they were traced.
type bucket struct {
	memo    *Programs
	mu      sync.Mutex // held while a program is traced, so that it is traced once
	entries number.Tree[Trace]
}

// Trace is a traced program, or the error of tracing it.
type Trace struct {
	Program  *model.Program
	Reals    []model.Real // of the trial that was traced
	networks []tensor.Network
	err      error
	number.Traced
}

// New returns Programs without any.
func New() *Programs {
	return &Programs{buckets: map[string]*bucket{}, programs: map[string]*model.Program{}, networks: map[*model.Program][]tensor.Network{}}
}

// Of returns the trace of a trial in an evaluation, or makes it. There is none if the trial's key revealed symbols, so that the
// evaluation must be repeated. A failed trace is kept only if keep returns true: the end of a context is not an error of the
// trial.
func (m *Programs) Of(th *starlark.Thread, t *trial.Trial, r *number.Evaluation, dtype expr.DType, keep func() bool) (*Trace, error) {
	k, err := key(t, r)
	if err != nil || r.Revealed() {
		return nil, err
	}
	e := m.bucket(k).entry(r, func() *Trace { return build(th, t, dtype) }, keep)
	return e, e.err
}

// Counts returns the numbers of traces and of distinct programs.
func (m *Programs) Counts() (traces, programs int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.traces, len(m.programs)
}

// Networks describes the networks of a program.
func (m *Programs) Networks(p *model.Program) []tensor.Network {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.networks[p]
}

func (m *Programs) bucket(key string) *bucket {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets[key] == nil {
		m.buckets[key] = &bucket{memo: m}
	}
	return m.buckets[key]
}

// entry returns the trace for points that agree on what it read, or builds it.
func (b *bucket) entry(r *number.Evaluation, build func() *Trace, keep func() bool) *Trace {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries.Find(r.Point); e != nil {
		r.Follow(e.Traced)
		return e
	}
	var e *Trace
	t := r.Tracing(func() { e = build() })
	e.Traced = t
	if e.err != nil && !keep() {
		return e
	}
	b.memo.intern(e)
	b.entries.Add(e.Reads(), r.Point, e)
	return e
}

// intern returns one program for all equal ones.
func (m *Programs) intern(e *Trace) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.traces++
	if e.Program == nil {
		return
	}
	id := e.Program.Identity()
	if m.programs[id] == nil {
		m.programs[id] = e.Program
		m.networks[e.Program] = e.networks
	}
	e.Program = m.programs[id]
}
