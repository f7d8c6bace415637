package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/starsweep/starsweep/engine/cpu/kern"
	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/require"
)

// shared are the backends of the tests that do not care what ran before: compilations, slow on XLA, serve several.
var shared = struct {
	sync.Mutex
	open map[string]*Backend
}{open: map[string]*Backend{}}

// common is a backend that other tests have used and will use.
func common(t testing.TB, name string) *Backend {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.open[name] == nil {
		shared.open[name] = must(t, name)
	}
	return shared.open[name]
}

// open opens a backend for one test.
func open(t testing.TB, name string) *Backend {
	t.Helper()
	b := must(t, name)
	t.Cleanup(b.Close)
	return b
}

// must opens a backend, or skips the test where it has to be fetched first. "cpu loop" and "xla loop" run many steps a call,
// as accelerators do.
func must(t testing.TB, name string) *Backend {
	t.Helper()
	name, loop := strings.CutSuffix(name, " loop")
	if !strings.HasPrefix(name, "cpu") && testing.Short() {
		t.Skip("-short: cpu only")
	}
	if name == "xla" {
		name += ":" + require.Tool(t, "STARSWEEP_PJRT", "pjrt-cpu")
	}
	b, err := Open(name, Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	b.deviceLoop = loop
	return b
}

func eachBackend(t *testing.T, f func(t *testing.T, b *Backend)) {
	for _, name := range []string{"cpu", "go", "xla", "xla loop"} {
		t.Run(name, func(t *testing.T) { f(t, common(t, name)) })
	}
}

func start(t testing.TB, b *Backend, job *model.Job, images Images, seed uint32) *Run {
	t.Helper()
	c, err := Compile(b, job.Program)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.NewRun(b.Device(), job, images, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func epoch(t testing.TB, r *Run) Epoch {
	t.Helper()
	e, err := r.Epoch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func state(t testing.TB, r *Run) []Tensor {
	t.Helper()
	s, err := r.State()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// losses runs n steps and gives every reading of every step.
func losses(t testing.TB, r *Run, n int) (rows [][]float64) {
	t.Helper()
	err := r.advance(context.Background(), n, func(row []float64) { rows = append(rows, append([]float64{}, row...)) })
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// same fails unless two runs are in the same state, bit for bit.
func same(t *testing.T, what string, a, b []Tensor) {
	t.Helper()
	for i := range a {
		if a[i].Name != b[i].Name || !bytes.Equal(a[i].Data, b[i].Data) {
			t.Fatalf("%s: %s differs", what, a[i].Name)
		}
	}
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("%s: %d and %d tensors", what, len(a), len(b))
	}
}

var cases = []struct {
	name   string
	model  gan
	images Images
}{
	{"points", points, ring(100)},
	{"tiny", tiny, blobs(20, 8, 8)},
	{"tiny-gp", tinyGP, blobs(40, 8, 8)},
}

func TestTwoRunsAreBitIdenticalAndAStoppedOneContinues(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				job := c.model.job(t)
				one, two := start(t, b, job, c.images, 7), start(t, b, job, c.images, 7)
				epoch(t, one)
				first := epoch(t, two)
				saved := state(t, one)
				same(t, "two runs", saved, state(t, two))
				if _, err := two.Sample(3, 0); err != nil { // evaluation must not disturb training
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
					t.Error("another seed gives the same weights")
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
					for i, q := range job.Program.Readings {
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
					for range 3 { // calls of 1 and 2 steps, and of what the epoch leaves
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

// A compiler fuses a loop's body otherwise than a whole program, so that the two agree to rounding only.
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
						for i, v := range a.Readings {
							if w := b.Readings[i].V; math.Abs(v.V-w) > 1e-4*math.Max(.1, math.Abs(v.V)) {
								t.Errorf("epoch %d: %s is %g, in the loop %g", a.Number, v.Name, v.V, w)
							}
						}
						if a.Readings = b.Readings; fmt.Sprint(a) != fmt.Sprint(b) {
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
	for _, lr := range []float64{1e-2, 1e-3, 1e-4} {
		m := tiny
		m.lr = lr
		job := m.job(t)
		r := start(t, b, job, blobs(20, 8, 8), 1)
		e := epoch(t, r)
		after = append(after, fmt.Sprint(e.Readings))
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
	if got := b.Compilations(); got.Programs != 1 || got.Graphs != 2 || got.Seconds <= 0 {
		t.Errorf("compilations %+v, want 1 program of 2 graphs", got)
	}
	m := tiny
	m.batch = 5
	start(t, b, m.job(t), blobs(20, 8, 8), 1)
	if got := b.Compilations(); got.Programs != 2 {
		t.Errorf("another batch size: %+v, want 2 programs", got)
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
	before := b.Compilations().Programs
	for range 2 {
		start(t, b, tiny.job(t), blobs(20, 8, 8), 1)
	}
	if got := b.Compilations().Programs - before; got != 1 {
		t.Errorf("the first program was compiled %d times again, want once", got)
	}
}

func TestDivergenceNamesEpochAndStep(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		job := points.job(t)
		for i, r := range job.Reals { // the weights leave the floats in the step after the rate does
			if r.Site == "generator/lr" {
				var err error
				job.Reals[i].Value, err = spec.Piecewise([]float64{13}, []spec.Schedule{spec.Constant(1e-3), spec.Constant(math.Inf(1))}, spec.Steps)
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		r := start(t, b, job, ring(100), 1)
		epoch(t, r)
		epoch(t, r)
		_, err := r.Epoch(context.Background())
		var d *Diverged
		if !errors.As(err, &d) || d.Epoch != 2 || d.Step != 13 || d.What == "" {
			t.Fatalf("got %v, want divergence in epoch 2, step 13", err)
		}
		if _, err := r.Epoch(context.Background()); err == nil {
			t.Error("a diverged run goes on")
		}
	})
}

func TestAHugeLearningRateDiverges(t *testing.T) {
	m := points
	m.lr = 1e30
	r := start(t, open(t, "cpu"), m.job(t), ring(100), 1)
	_, err := r.Epoch(context.Background())
	var d *Diverged
	if !errors.As(err, &d) || d.Epoch != 0 {
		t.Fatalf("got %v, want divergence in epoch 0", err)
	}
	t.Log(err)
}

func TestAClassifierLearns(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		r := start(t, b, classifier(t, 8), ring(400), 1)
		first := epoch(t, r).Readings[0]
		var last Value
		for range 9 {
			last = epoch(t, r).Readings[0]
		}
		if first.Name != "loss_classifier" || last.V > first.V/5 {
			t.Errorf("%s went from %g to %g, want a fifth", first.Name, first.V, last.V)
		}
	})
}

func TestACancelledEpochStopsWithinAStep(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		ctx, cancel := context.WithCancel(context.Background())
		images, seen := ring(100), 0
		gather := images.Batch
		images.Batch = func(dst []float32, index []int32) {
			if seen++; seen == 3 {
				cancel()
			}
			gather(dst, index)
		}
		r := start(t, b, points.job(t), images, 1)
		if b.deviceLoop {
			cancel() // the batches are gathered on the device
		}
		if _, err := r.Epoch(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
		if !b.deviceLoop && seen != 3 {
			t.Errorf("%d batches, want 3", seen)
		}
		if _, err := r.Epoch(context.Background()); err == nil && !b.deviceLoop {
			t.Error("a cut epoch was run again without its first steps")
		}
	})
}

func TestSamplesDependOnSeedAndPlaceOnly(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		r := start(t, b, tiny.job(t), blobs(20, 8, 8), 1)
		epoch(t, r)
		sample := func(n int, at uint32) []float32 {
			t.Helper()
			x, err := r.Sample(n, at)
			if err != nil {
				t.Fatal(err)
			}
			if len(x) != n*64 {
				t.Fatalf("%d values for %d images", len(x), n)
			}
			return x
		}
		all := sample(20, 0)
		if fmt.Sprint(all[8*64:16*64]) != fmt.Sprint(sample(8, 1)) || fmt.Sprint(all[:5*64]) != fmt.Sprint(sample(5, 0)) {
			t.Error("samples depend on how many are asked for")
		}
		if fmt.Sprint(all[:64]) == fmt.Sprint(all[8*64:9*64]) {
			t.Error("two batches have the same latents")
		}
		before := state(t, r)
		sample(20, 0)
		same(t, "before and after sampling", before, state(t, r))
	})
}

func TestASnapshotStaysWhileTheRunGoesOn(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		r := start(t, b, tiny.job(t), blobs(20, 8, 8), 3)
		epoch(t, r)
		saved := state(t, r)
		snapshot, err := r.Snapshot(saved)
		if err != nil {
			t.Fatal(err)
		}
		defer snapshot.Close()
		want, err := r.Sample(20, 1)
		if err != nil {
			t.Fatal(err)
		}
		trained := make(chan error)
		go func() {
			_, err := r.Epoch(t.Context())
			trained <- err
		}()
		for range 3 {
			if got, err := snapshot.Sample(20, 1); err != nil || !slices.Equal(got, want) {
				t.Errorf("the snapshot changed: %v", err)
			}
		}
		if err := <-trained; err != nil {
			t.Fatal(err)
		}
		same(t, "the snapshot's state", state(t, snapshot), saved)
		if moved, err := r.Sample(20, 1); err != nil || slices.Equal(moved, want) {
			t.Errorf("the run did not move: %v", err)
		}
		if _, err := snapshot.Epoch(t.Context()); err == nil || !strings.Contains(err.Error(), "it is a snapshot") {
			t.Errorf("a snapshot trained: %v", err)
		}
		if _, err := r.Snapshot(saved[1:]); err == nil || !strings.Contains(err.Error(), "lacks "+saved[0].Name) {
			t.Errorf("got %v, want what the state lacks", err)
		}
	})
}

func TestATestIsTheMeanOverEveryImage(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *Backend) {
		r := start(t, b, classifier(t, 8), ring(100), 1)
		for range 10 {
			epoch(t, r)
		}
		before := state(t, r)
		images := ring(2*model.TestBatch + 3)
		want := map[string]float64{}
		point := make([]float32, 2)
		for i := range images.N {
			images.Batch(point, []int32{int32(i)})
			want["first"] += float64(point[0]) / float64(images.N)
			want["label"] += float64(images.Labels[i]) / float64(images.N)
		}
		for range 2 {
			got, err := r.Test(context.Background(), images)
			if err != nil || len(got) != 3 {
				t.Fatalf("got %v, %v; want 3 tests", got, err)
			}
			for _, v := range got {
				if w, known := want[v.Name]; known && math.Abs(v.V-w) > 1e-5 {
					t.Errorf("%s: got %g, want %g", v.Name, v.V, w)
				}
				if v.Name == "loss" && !(0 < v.V && v.V < .5) {
					t.Errorf("the loss on the test images is %g, want what a trained network has", v.V)
				}
			}
		}
		same(t, "before and after the tests", before, state(t, r))
		images.Labels = nil
		if _, err := r.Test(context.Background(), images); err == nil || !strings.Contains(err.Error(), "got 0 labels") {
			t.Errorf("without labels: got %v, want an error that says so", err)
		}
	})
}

func TestMistakesAreErrors(t *testing.T) {
	b := open(t, "cpu")
	job := tiny.job(t)
	c, err := Compile(b, job.Program)
	if err != nil {
		t.Fatal(err)
	}
	run := start(t, b, job, blobs(20, 8, 8), 1)
	saved := state(t, run)
	short := append([]Tensor{}, saved...)
	short[2].Data = short[2].Data[1:]
	unlabelled := ring(100)
	unlabelled.Labels = nil
	classes := classifier(t, 8)
	cc, err := Compile(b, classes.Program)
	if err != nil {
		t.Fatal(err)
	}
	fewer := *job
	fewer.Reals = fewer.Reals[1:]
	begin := func(c *Compiled, job *model.Job, images Images) func() (*Run, error) {
		return func() (*Run, error) { return c.NewRun(b.Device(), job, images, 1) }
	}
	resume := func(state []Tensor) func() (*Run, error) {
		return func() (*Run, error) { return c.Resume(b.Device(), job, blobs(20, 8, 8), 1, state, 1) }
	}
	for want, do := range map[string]func() (*Run, error){
		"data: got 5 images, want at least 6: one iteration takes 1 of 6": begin(c, job, blobs(5, 8, 8)),
		"data: got images f32[h9 w9 c1], want f32[h8 w8 c1]":              begin(c, job, blobs(20, 9, 9)),
		"data: got 0 labels for 100 images, and the program uses them":    begin(cc, classes, unlabelled),
		"got a job of program " + classes.Program.Fingerprint():           begin(c, classes, ring(100)),
		"real numbers, want the":                                          begin(c, &fewer, blobs(20, 8, 8)),
		"resume: the state lacks " + saved[0].Name:                        resume(saved[1:]),
		"resume: " + saved[2].Name + ": got":                              resume(short),
	} {
		if _, err := do(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestRunsMayShareABackend(t *testing.T) {
	b, job := open(t, "cpu"), tiny.job(t)
	runs := make([]*Run, 3)
	for i := range runs {
		runs[i] = start(t, b, job, blobs(20, 8, 8), uint32(i))
	}
	done := make(chan error)
	for _, r := range runs {
		go func() {
			_, err := r.Epoch(context.Background())
			done <- err
		}()
	}
	for range runs {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range runs {
		alone := start(t, b, job, blobs(20, 8, 8), uint32(i))
		epoch(t, alone)
		same(t, fmt.Sprint("run ", i, " beside others and alone"), state(t, r), state(t, alone))
	}
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
	for i, v := range wide.Readings {
		if strings.HasPrefix(v.Name, "loss_") && math.Abs(v.V-narrow.Readings[i].V) > 1e-3 {
			t.Errorf("%s: %g in f64, %g in f32", v.Name, v.V, narrow.Readings[i].V)
		}
	}
	if x, err := r.Sample(9, 0); err != nil || len(x) != 9*64 {
		t.Errorf("%d values, %v", len(x), err)
	}
}

func TestRunsOnOneDataSetShareItOnTheDevice(t *testing.T) {
	b := open(t, "cpu loop")
	images := blobs(20, 8, 8)
	copies, gather := 0, images.Batch
	images.Batch = func(dst []float32, index []int32) { copies++; gather(dst, index) }
	for seed := range uint32(2) {
		one, two := start(t, b, tiny.job(t), images, seed), start(t, b, tiny.job(t), images, seed+5)
		epoch(t, one)
		epoch(t, two)
		for _, r := range []*Run{one, two} {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if copies != 1 {
		t.Errorf("four runs copied the data %d times, want once", copies)
	}
	other := blobs(12, 8, 8)
	other.ID = "other"
	start(t, b, tiny.job(t), other, 1)
	if len(b.resident) != 1 {
		t.Errorf("%d data sets on the device, want that of the run alone", len(b.resident))
	}
	unnamed := blobs(12, 8, 8)
	unnamed.ID = ""
	start(t, b, tiny.job(t), unnamed, 1)
	if len(b.resident) != 1 {
		t.Error("a data set without an ID is shared")
	}
}
