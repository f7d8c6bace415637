package model_test

import (
	"fmt"
	"path"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/exprtest"
)

// deep has two convolutions, so that its discriminator has a batch norm.
func deep(s study) study { s.depth, s.width, s.clip, s.ema = 2, 2, true, true; return s }

// Three trials in one program, each with its own numbers, seed, data and state, have the results of single trials over two iterations.
// The programs have draws, batch norm, the gradient penalty, clipping, Adam and averages.
func TestPackedTrialsTrainLikeSingleOnes(t *testing.T) {
	const trials = 3
	for _, dtype := range []struct {
		expr.DType
		tolerance float64
	}{{expr.F64, 1e-9}, {expr.F32, 1e-5}} {
		for _, s := range []study{deep(small), deep(small.wgan())} {
			s.dtype = dtype.DType
			t.Run(fmt.Sprint(s.loss, " ", dtype), func(t *testing.T) { checkPacking(t, s, trials, dtype.tolerance) })
		}
	}
}

func checkPacking(t *testing.T, s study, trials int, tolerance float64) {
	p, reals, _ := s.trace(t)
	alone, packed := exprtest.Compile(t, exprtest.Backend(), p.Step()...), exprtest.Compile(t, exprtest.Backend(), p.Pack(trials)...)
	var own []exprtest.Values
	for k := range trials {
		v := start(p, uint32(k))
		for name, x := range s.images(k, 1) {
			v[name] = x
		}
		for i, r := range reals { // every trial has other numbers
			v[fmt.Sprint("real.", i)] = []float64{r.Value.At(0, 1) * (1 - .05*float64((i+k)%3))}
		}
		own = append(own, v)
	}
	outs := p.Step()
	for step := range 2 {
		together := exprtest.Values{}
		for name := range own[0] {
			for k := range trials {
				together[name] = append(together[name], own[k][name]...)
			}
		}
		together["step"] = []float64{float64(step)}
		got := packed.Run(together)
		for k := range trials {
			own[k]["step"] = together["step"]
			want := alone.Run(own[k])
			scale := scales(p, want)
			for i, w := range want {
				n := len(w)
				exprtest.CloseAtScale(t, fmt.Sprintf("step %d, trial %d, %s", step, k, label(p, i)), got[i][k*n:(k+1)*n], w, scale(i), tolerance)
				if outs[i].Shape.Elems() != n {
					t.Fatalf("got %d elements, want %v", n, outs[i].Shape)
				}
			}
			for i, x := range p.Vars {
				own[k][x.Name] = want[i]
			}
		}
	}
}

// scales returns the magnitudes that rounding errors of outputs are relative to. Sums in a gradient that almost cancel in one tensor
// keep the errors of their terms, which have the magnitude of the player's other gradients. So tensors of one player and kind (kernels
// and biases, their first moments, their second moments) share a scale.
func scales(p *model.Program, outs [][]float64) func(i int) float64 {
	kind := func(v model.Var) string {
		if v.Role == model.Slot {
			return v.Player() + path.Ext(v.Name)
		}
		return v.Player() + " " + v.Role.String()
	}
	largest := map[string]float64{}
	for i, v := range p.Vars {
		largest[kind(v)] = max(largest[kind(v)], exprtest.Largest(outs[i]))
	}
	return func(i int) float64 {
		if i < len(p.Vars) {
			return largest[kind(p.Vars[i])]
		}
		return exprtest.Largest(outs[i])
	}
}

// label names an output of a step.
func label(p *model.Program, i int) string {
	if i < len(p.Vars) {
		return p.Vars[i].Name
	}
	if i -= len(p.Vars); i < len(p.Recorded) {
		return p.Recorded[i].Name
	}
	return "finite"
}

// Whole losses, including draws and batch norm, by every weight of both players: first and second order.
func TestGradientsOfWholeLossesAreTheDifferenceQuotients(t *testing.T) {
	for _, s := range []study{small, small.wgan(), deep(small), deep(small.wgan())} {
		s.lr = 0 // the generator's loss reads the discriminator after its update, which depends on the generator
		p, traced := s.build(t)
		v := start(p, 3)
		for name, x := range s.images(0, 1) {
			v[name] = x
		}
		for _, player := range []string{"discriminator", "generator"} {
			loss := traced[player]
			var weights []*expr.Node
			for _, x := range p.Vars {
				if x.Role == model.Weight && x.Player() == player {
					weights = append(weights, loss.Graph().Input(x.Name, x.Shape))
				}
			}
			t.Run(fmt.Sprint(s.loss, " depth ", s.depth, " ", player), func(t *testing.T) {
				exprtest.CheckGradients(t, exprtest.Backend(), v, loss, weights...)
			})
		}
	}
}
