package train

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/starsweep/starsweep/engine/cpu/kern"
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/spec"
)

func TestRunsAreBitIdenticalEvenIfResumed(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				job := c.model.job(t)
				one, two := start(t, b, job, c.images, 7), start(t, b, job, c.images, 7)
				epoch(t, one)
				first := epoch(t, two)
				saved := state(t, one)
				same(t, "two runs", saved, state(t, two))
				if _, err := two.Sample(0, 3); err != nil { // evaluation must not affect training
					t.Fatal(err)
				}
				last := epoch(t, two)

				third, err := one.c.Resume(b.Device(), job, c.images, 7, saved, 1)
				if err != nil {
					t.Fatal(err)
				}
				defer third.Close()
				again := epoch(t, third)
				same(t, "resumed and uninterrupted", state(t, third), state(t, two))
				if fmt.Sprint(again) != fmt.Sprint(last) || first.Number != 0 || last.Number != 1 {
					t.Errorf("resumed epoch %v, want %v", again, last)
				}
				other := start(t, b, job, c.images, 8)
				if epoch(t, other); bytes.Equal(state(t, other)[0].Data, saved[0].Data) {
					t.Error("another seed produces the same weights")
				}
			})
		}
	})
}

// Whole steps of the thesis's networks, whose operations are large enough to be shared.
func TestStepsAreBitIdenticalForAnyNumberOfThreads(t *testing.T) {
	kernels, counts := []string{""}, []int{1, 3, 16}
	if !testing.Short() {
		counts = []int{1, 2, 3, 5, 16, 1}
		for _, set := range kern.Sets() {
			kernels = append(kernels, ",kernels="+set.Name)
		}
	}
	ns := thesis
	ns.width, ns.batch, ns.critic = 16, 8, 2
	gp := ns
	gp.wasserstein = true
	for name, m := range map[string]gan{"ns": ns, "wgan-gp": gp} {
		job := m.job(t)
		for _, set := range kernels {
			var want []Tensor
			for _, threads := range counts {
				what := fmt.Sprintf("cpu:threads=%d%s", threads, set)
				b := open(t, what)
				r := start(t, b, job, blobs(64, 32, 32), 7)
				if err := r.Steps(context.Background(), 2); err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = state(t, r)
				}
				same(t, name+", "+what, state(t, r), want)
			}
		}
	}
}

func TestBackendsAgreeOverTheFirstTwentySteps(t *testing.T) {
	for _, c := range cases {
		job := c.model.job(t)
		want := losses(t, start(t, common(t, "cpu"), job, c.images, 3), 20)
		for _, name := range []string{"go", "xla", "xla loop"} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				r := start(t, common(t, name), job, c.images, 3)
				for step, row := range losses(t, r, 20) {
					for i, q := range job.Program.Recorded {
						if !strings.HasPrefix(q.Name, "loss_") {
							continue
						}
						if got, want := row[i], want[step][i]; math.Abs(got-want) > 1e-3*math.Max(.1, math.Abs(want)) {
							t.Fatalf("step %d: %s is %g, on cpu %g", step, q.Name, got, want)
						}
					}
				}
			})
		}
	}
}

func TestALoopOfManyStepsIsManyOfOneStep(t *testing.T) {
	for _, name := range []string{"cpu loop", "xla loop"} {
		t.Run(name, func(t *testing.T) {
			b := common(t, name)
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					job := c.model.job(t)
					many, each := start(t, b, job, c.images, 5), start(t, b, job, c.images, 5)
					for range 3 { // calls of 1 and 2 steps, and of the rest of the epoch
						epoch(t, many)
					}
					for range 3 * each.StepsPerEpoch() {
						if err := each.Steps(context.Background(), 1); err != nil {
							t.Fatal(err)
						}
					}
					same(t, "a loop of many steps and many of one", state(t, many), state(t, each))
				})
			}
		})
	}
}

// A compiler fuses a loop's body differently from a whole program, so the two agree to rounding only.
func TestALoopTakesTheStepsOfTheHost(t *testing.T) {
	for _, name := range []string{"cpu", "xla"} {
		t.Run(name, func(t *testing.T) {
			single, loop := common(t, name), common(t, name+" loop")
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					job := c.model.job(t)
					one, many := start(t, single, job, c.images, 5), start(t, loop, job, c.images, 5)
					for range 3 {
						a, b := epoch(t, one), epoch(t, many)
						for i, v := range a.Values {
							if w := b.Values[i].V; math.Abs(v.V-w) > 1e-4*math.Max(.1, math.Abs(v.V)) {
								t.Errorf("epoch %d: %s is %g, in the loop %g", a.Number, v.Name, v.V, w)
							}
						}
						if a.Values = b.Values; fmt.Sprint(a) != fmt.Sprint(b) {
							t.Errorf("epoch %v, in the loop %v", a, b)
						}
					}
				})
			}
		})
	}
}

func TestTrialsThatDifferInRealsShareACompilation(t *testing.T) {
	b := open(t, "cpu")
	var after []string
	var shared *Compiled
	for _, lr := range []float64{1e-2, 1e-3, 1e-4} {
		m := tiny
		m.lr = lr
		job := m.job(t)
		r := start(t, b, job, blobs(20, 8, 8), 1)
		if shared == nil {
			shared = r.c
		}
		if r.c != shared {
			t.Errorf("lr %g is compiled again", lr)
		}
		e := epoch(t, r)
		after = append(after, fmt.Sprint(e.Values))
		got := map[string]float64{}
		for _, v := range e.Reals {
			got[v.Name] = v.V
		}
		want := map[string]float64{"lr_discriminator": lr, "lr_generator": lr, "noise": spec.Linear(.5, .01, 10, spec.Epochs).At(2, 3)}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("reals %v, want %v", got, want)
		}
	}
	if after[0] == after[1] || after[1] == after[2] {
		t.Errorf("the learning rate changes nothing: %v", after)
	}
	if got := shared.TakeCompileCost(); got.Graphs != 2 || got.Seconds <= 0 {
		t.Errorf("got the cost %+v, want that of 2 graphs", got)
	}
	if got := shared.TakeCompileCost(); got != (CompileCost{}) {
		t.Errorf("got the cost %+v again", got)
	}
	m := tiny
	m.batch = 5
	if r := start(t, b, m.job(t), blobs(20, 8, 8), 1); r.c == shared {
		t.Error("another batch size shares the program")
	}
}

func TestProgramsThatNobodyRunsAreForgotten(t *testing.T) {
	b := open(t, "cpu")
	var first weak.Pointer[Compiled]
	for batch := range 4 {
		m := tiny
		m.batch += batch
		c, err := Compile(b, m.job(t).Program)
		if err != nil {
			t.Fatal(err)
		}
		if batch == 0 {
			first = weak.Make(c)
		}
	}
	runtime.GC()
	if first.Value() != nil {
		t.Error("the first of four programs is still held")
	}
	again := start(t, b, tiny.job(t), blobs(20, 8, 8), 1)
	if start(t, b, tiny.job(t), blobs(20, 8, 8), 1).c != again.c {
		t.Error("the first program was compiled twice again, want once")
	}
}

func TestAClassifierLearns(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		r := start(t, b, classifier(t, 8), ring(400), 1)
		first := epoch(t, r).Values[0]
		var last Value
		for range 9 {
			last = epoch(t, r).Values[0]
		}
		if first.Name != "loss_classifier" || last.V > first.V/5 {
			t.Errorf("%s went from %g to %g, want a fifth", first.Name, first.V, last.V)
		}
	})
}

func TestTrainingDoesNotGrow(t *testing.T) {
	r := start(t, open(t, "cpu"), points.job(t), ring(1600), 1)
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / 1e6
	}
	epoch(t, r)
	before := heap()
	for range 4 { // 400 steps
		epoch(t, r)
	}
	if after := heap(); after > before+.5 {
		t.Errorf("the heap grew from %.2f to %.2f MB in 400 steps", before, after)
	}
}

func TestFloat64ProgramsRun(t *testing.T) {
	m := tiny
	m.dtype = expr.F64
	r := start(t, open(t, "cpu"), m.job(t), blobs(20, 8, 8), 1)
	wide := epoch(t, r)
	narrow := epoch(t, start(t, open(t, "cpu"), tiny.job(t), blobs(20, 8, 8), 1))
	for i, v := range wide.Values {
		if strings.HasPrefix(v.Name, "loss_") && math.Abs(v.V-narrow.Values[i].V) > 1e-3 {
			t.Errorf("%s: %g in f64, %g in f32", v.Name, v.V, narrow.Values[i].V)
		}
	}
	if x, err := r.Sample(0, 9); err != nil || len(x) != 9*64 {
		t.Errorf("%d values, %v", len(x), err)
	}
}
