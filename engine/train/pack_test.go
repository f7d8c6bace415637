package train

import (
	"fmt"
	"math"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/exprtest"
)

func TestAPackedStepIsThreeSteps(t *testing.T) {
	b := common(t, "cpu")
	for _, c := range cases {
		for _, d := range []expr.DType{expr.F64, expr.F32} {
			t.Run(fmt.Sprint(c.name, "/", d), func(t *testing.T) {
				const k = 3
				m := c.model
				m.dtype = d
				job := m.job(t)
				p := job.Program
				single, err := lower.Compile(b.lower, p.Step()...)
				if err != nil {
					t.Fatal(err)
				}
				packed, err := lower.Compile(b.lower, p.Pack(k)...)
				if err != nil {
					t.Fatal(err)
				}
				together := map[string][]float64{} // of every trial, one after another
				alone := make([]map[string][]float64, k)
				for i := range alone {
					alone[i] = inputs(job, i)
					for name, v := range alone[i] {
						together[name] = append(together[name], v...)
					}
				}
				for step := range 3 {
					for _, in := range append(alone, together) {
						in["step"] = []float64{float64(step)}
					}
					got := call(t, packed, b.Device(), p, together)
					for i := range alone {
						for j, want := range call(t, single, b.Device(), p, alone[i]) {
							name := fmt.Sprint("value ", j-len(p.Vars))
							if j < len(p.Vars) {
								name = p.Vars[j].Name
							}
							tolerance := 1e-9
							if d == expr.F32 { // in Adam's first steps, a weight whose gradient is only rounding errors may move either way
								if tolerance = 1e-5; j < len(p.Vars) {
									tolerance = 3e-3 * float64(step+1)
								} else if step > 0 {
									tolerance = 1e-3
								}
							}
							part := got[j][i*len(want) : (i+1)*len(want)]
							for e, w := range want {
								if math.Abs(part[e]-w) > tolerance*math.Max(1, math.Abs(w)) {
									t.Fatalf("step %d, trial %d: %s[%d] is %g, alone %g", step, i, name, e, part[e], w)
								}
							}
						}
					}
				}
			})
		}
	}
}

// inputs returns the inputs of trial i, with its own seed, state, numbers and examples.
func inputs(job *model.Job, i int) map[string][]float64 {
	p := job.Program
	in := map[string][]float64{"seed": {float64(i + 1)}}
	for _, v := range p.Vars {
		in[v.Name] = model.Initial(v, uint32(i))
	}
	for j, r := range job.Reals {
		in[fmt.Sprint("real.", j)] = []float64{r.Value.At(0, 1) * (1 - .1*float64(i))}
	}
	s := model.NewSource(uint32(i), "examples")
	for b := range p.Batches {
		x := make([]float64, p.Config.Batch*p.Config.Image.Elems())
		for j := range x {
			x[j] = 2*s.Uniform() - 1
		}
		in[fmt.Sprint("x", b)] = x
	}
	return in
}

// call runs a step and replaces the state in the inputs.
func call(t *testing.T, e *lower.Exec, on lower.Device, p *model.Program, in map[string][]float64) [][]float64 {
	t.Helper()
	out, err := exprtest.Run(e, on, in)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range p.Vars {
		in[v.Name] = out[i]
	}
	return out
}
