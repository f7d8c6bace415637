package model

import "github.com/starsweep/starsweep/engine/expr"

// Pack is one iteration of k trials of the program at once, in the order of Step: every input except the step gets a leading axis k,
// so each trial has its own seed, numbers, examples and state. (HFTA, Wang et al. 2021: many small training runs fill an accelerator
// that a single one does not.)
func (p *Program) Pack(k int) []*expr.Node {
	return expr.Vmap(expr.New(), k, func(n *expr.Node) bool { return n.Attr.(expr.Leaf).Role != expr.Step }, p.Step()...)
}
