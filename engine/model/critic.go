package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
)

// d_real is the mean output of a critic for real examples in its own loss, d_fake for generated ones. The tensors from which the critic's
// input is computed determine the examples:
//
//	real       the minibatch, and no generated example: x itself, or an augmentation of it
//	generated  the output of another network in the shape of the data, and no real example
//	neither    both, as the points of a gradient penalty between the two, or none
//
// Numbers of a whole batch, such as the probability of an adaptive augmentation, are not examples and do not count. Calls with x
// itself, or with a generated example itself, take precedence over calls with functions of them, such as those of a consistency
// penalty. Calls of one kind with different examples count equally. Nothing is guessed: Program.Unread says why a number cannot be
// determined. The causes are several numbers per example, of which a script may choose one by Player.Logit, and calls that differ in
// their other arguments, such as right and wrong labels.

// origin says what a tensor is computed from.
type origin uint8

const (
	fromReal origin = 1 << iota
	fromGenerated
)

// origins returns the origins of nodes. A network's output in the shape of the data is generated, independently of its inputs.
func origins(generated, real map[*expr.Node]bool, of []*expr.Node) map[*expr.Node]origin {
	from := map[*expr.Node]origin{}
	for _, n := range expr.Order(of...) {
		for _, a := range n.Args {
			if n.Shape.Has('b') {
				from[n] |= from[a]
			}
		}
		switch {
		case generated[n]:
			from[n] = fromGenerated
		case real[n]:
			from[n] = fromReal
		}
	}
	return from
}

// readCritic records the outputs of a critic for real and for generated examples while its loss was traced. The expressions exist
// already, so recording them costs two means.
func (p *Program) readCritic(t *Trace, q Player, calls []Call) error {
	generated := map[*expr.Node]bool{}
	var asked []Call
	var inputs []*expr.Node
	for _, c := range calls {
		if c.Player == q.Name {
			asked, inputs = append(asked, c), append(inputs, c.In)
		} else if c.Out.Shape.Without("bk") == t.Config.Image.As(c.Out.Shape.DType) {
			generated[c.Out] = true
		}
	}
	from := origins(generated, t.examples, inputs)
	sides := []*side{{name: "d_real", what: "real", from: fromReal}, {name: "d_fake", what: "generated", from: fromGenerated}}
	for i, c := range asked {
		for _, s := range sides {
			if from[c.In] == s.from {
				in := c.In
				for in.Op.Name == "stop" {
					in = in.Args[0]
				}
				s.add(i, c, t.examples[in] || generated[in])
			}
		}
	}
	slices.SortStableFunc(sides, func(a, b *side) int { return a.first - b.first })
	var reasons []string
	for _, s := range sides {
		value, why, err := s.mean(t, q)
		switch {
		case err != nil:
			return err
		case why != "":
			reasons = append(reasons, fmt.Sprintf("no %s: %s", s.name, why))
		default:
			p.read(s.name, value)
		}
	}
	if len(reasons) > 0 {
		p.Unread = append(p.Unread, fmt.Sprintf("the %s has %s", q.Name, strings.Join(reasons, ", and ")))
	}
	return nil
}

// side holds the calls of a critic with real examples, or with generated ones.
type side struct {
	name, what string
	from       origin
	calls      []Call
	itself     bool // the calls are with x or a generated example itself, not with functions of it
	first      int  // index of the first of them among all calls of the critic
}

// add adds call number i.
func (s *side) add(i int, c Call, itself bool) {
	if itself && !s.itself {
		s.calls = nil
	}
	if itself != s.itself && s.itself {
		return
	}
	s.itself = itself
	if len(s.calls) == 0 {
		s.first = i
	}
	same := func(d Call) bool { return c.In == d.In && slices.Equal(c.With, d.With) } // they differ only in noise
	if !slices.ContainsFunc(s.calls, same) {
		s.calls = append(s.calls, c)
	}
}

// mean is the mean of the critic's outputs, or the reason why it has none.
func (s *side) mean(t *Trace, q Player) (mean *expr.Node, why string, err error) {
	if len(s.calls) == 0 {
		return nil, fmt.Sprintf("its loss does not apply it to %s examples, or only together with others", s.what), nil
	}
	for _, c := range s.calls[1:] {
		if !slices.Equal(c.With, s.calls[0].With) {
			return nil, fmt.Sprintf("its loss applies it to %s examples with different labels or other arguments", s.what), nil
		}
	}
	var sum *expr.Node
	count := 0
	for _, c := range s.calls {
		out := c.Out
		if q.Logit != nil {
			if out, err = q.Logit(t, out); err != nil {
				return nil, "", err
			}
		}
		if !out.Shape.Has('b') || out.Shape.Has('c') && out.Shape.Size('c') > 1 {
			return nil, fmt.Sprintf("it returns %v, want one number per example or per pixel", out.Shape), nil
		}
		if len(s.calls) == 1 {
			return expr.Mean(out, out.Shape.Axes()), "", nil
		}
		total := expr.Sum(out, out.Shape.Axes())
		if count += out.Shape.Elems(); sum == nil {
			sum = total
		} else {
			sum = expr.Add(sum, total)
		}
	}
	return expr.Scale(sum, 1/float64(count)), "", nil
}
