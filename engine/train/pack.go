package train

import (
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
)

// Pack is one iteration of k trials of p at once, in the order of p.Step: every input gets a leading axis k, but for the
// clock, which they share, so each trial has its own seed, numbers, examples and state. (HFTA, Wang et al. 2021: many small
// trainings fill an accelerator that one does not.)
func Pack(p *model.Program, k int) []*expr.Node {
	return expr.Vmap(expr.New(), k, func(n *expr.Node) bool { return n.Attr.(expr.Leaf).Name != "step" }, p.Step()...)
}
