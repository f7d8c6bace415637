package train

import (
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/model"
)

// Memory is the memory that a run of a program takes on a backend, in bytes, without data sets and evaluations.
type Memory struct {
	State              int  // one copy: a run has one, and each of State and Snapshot makes another
	Step, Sample, Test int  // of a call: temporaries, inputs other than the state, results, and the program itself
	Planned            bool // by the backend; else estimated from the sizes of all expressions, an overestimate where a compiler fuses them
}

// Memory returns the memory of a run, before any of it is allocated.
func (c *Compiled) Memory() Memory {
	return memory(c.program, func(what *lower.Exec, outs []*expr.Node) (lower.Memory, bool) {
		if what == nil {
			return lower.Live(outs...), false
		}
		if m, ok := what.Memory(); ok {
			return m, true
		}
		return lower.Live(outs...), false
	}, c.step, c.sample, c.test)
}

// LiveMemory estimates the memory of a program that is not compiled, for any backend.
func LiveMemory(p *model.Program) Memory {
	return memory(p, func(_ *lower.Exec, outs []*expr.Node) (lower.Memory, bool) { return lower.Live(outs...), false }, nil, nil, nil)
}

func memory(p *model.Program, of func(*lower.Exec, []*expr.Node) (lower.Memory, bool), step, sample, test *lower.Exec) Memory {
	m := Memory{State: p.StateBytes(), Planned: true}
	call := func(e *lower.Exec, outs []*expr.Node) (bytes int) {
		if len(outs) == 0 {
			return 0
		}
		x, planned := of(e, outs)
		m.Planned = m.Planned && planned
		bytes = x.Total()
		for _, n := range lower.Inputs(outs...) {
			if l := n.Attr.(expr.Leaf); l.Role != expr.State {
				bytes += n.Shape.Bytes()
			}
		}
		return bytes
	}
	m.Step = call(step, p.Step())
	if p.Sample != nil {
		m.Sample = call(sample, []*expr.Node{p.Sample})
	}
	m.Test = call(test, nodes(p.Test))
	return m
}
