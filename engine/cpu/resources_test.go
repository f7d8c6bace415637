package cpu

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// everyControl is a graph of products, sums and nested closures that capture values.
func everyControl(f compute.Function, in []compute.Value) []compute.Value {
	sums := everySum(f, in)
	mean := sums[1] // [16]
	n := must(f.Constant([]int32{3}))
	y := countdown(f, n, func(g compute.Function, i, v compute.Value) compute.Value {
		odd := must(g.Equal(must(g.BitwiseAnd(i, must(g.Constant([]int32{1})))), must(g.Constant([]int32{1}))))
		branch := func(scale float32) compute.Function {
			return closure(g, func(h compute.Function, _ []compute.Value) []compute.Value {
				return []compute.Value{must(h.Mul(must(h.Add(v, mean)), must(h.Constant([]float32{scale}))))}
			})
		}
		return must(g.If(odd, branch(.5), branch(-.25)))[0]
	}, mean)
	sorted := must(f.Sort(closure(f, func(g compute.Function, in []compute.Value) []compute.Value {
		return one(g.LessThan(must(g.Abs(in[0])), must(g.Abs(in[1]))))
	}, f32(), f32()), 0, true, y))
	return append(sums, y, sorted[0])
}

var everyShape = []shapes.Shape{f32(8, 16, 16, 24), f32(3, 3, 24, 16)}

// inTime fails the test if what takes so long that it must be stuck.
func inTime(t *testing.T, what func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		what()
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		stacks := make([]byte, 1<<20)
		t.Fatalf("stuck:\n%s", stacks[:runtime.Stack(stacks, true)])
	}
}

// Several executions of several programs share fewer or more threads than there are processors.
func TestProgramsRunConcurrently(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	in := inputs(1, everyShape...)
	for _, procs := range []int{1, 2, 4} {
		for _, threads := range []int{1, 3, 16} {
			runtime.GOMAXPROCS(procs)
			b := must(New(fmt.Sprint("threads=", threads)))
			shared := compiled(b, everyControl, everyShape...)
			want := execute(b, shared, in...)
			inTime(t, func() {
				var all sync.WaitGroup
				for range 5 {
					all.Go(func() {
						own := compiled(b, everyControl, everyShape...)
						for range 2 {
							for _, e := range []compute.Executable{own, shared} {
								for k, got := range execute(b, e, in...) {
									if !sameBits(got, want[k]) {
										t.Errorf("%d processors, %d threads: result %d differs from that of a program alone", procs, threads, k)
									}
								}
							}
						}
						own.Finalize()
					})
				}
				all.Wait()
			})
		}
	}
}

// Executions in progress complete normally. Later ones return errors.
func TestFinalizeWhileRunning(t *testing.T) {
	in := inputs(1, everyShape...)
	b := must(New("threads=3"))
	e := compiled(b, everyControl, everyShape...)
	want := execute(b, e, in...)
	started := make(chan struct{}, 8)
	inTime(t, func() {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for {
					var bufs []compute.Buffer
					for i, s := range everyShape {
						bufs = append(bufs, must(b.BufferFromFlatData(0, in[i], s)))
					}
					select {
					case started <- struct{}{}:
					default: // enough executions have begun
					}
					out, err := e.Execute(bufs, []bool{true, true}, 0)
					if err != nil {
						if !strings.Contains(err.Error(), "finalized") {
							t.Error(err)
						}
						return
					}
					for k, o := range out {
						if !sameBits(must(o.Data()), want[k]) {
							t.Errorf("result %d differs", k)
						}
						o.Finalize()
					}
				}
			})
		}
		for range 8 {
			<-started
		}
		b.Finalize()
		e.Finalize()
		all.Wait()
	})
	if len(e.(*executable).idle) > 0 || b.pool.kept != 0 {
		t.Error("memory is kept after Finalize")
	}
}

// descent is a training step whose state is donated and returned.
func descent(f compute.Function, in []compute.Value) []compute.Value {
	x, w := in[0], in[1] // [32 64], [64 64]
	y := must(f.Tanh(must(f.DotGeneral(x, []int{1}, nil, w, []int{0}, nil, compute.DotGeneralConfig{}))))
	grad := must(f.DotGeneral(x, []int{0}, nil, y, []int{0}, nil, compute.DotGeneralConfig{}))
	return []compute.Value{x, must(f.Sub(w, must(f.Mul(grad, must(f.Constant([]float32{1e-4}))))))}
}

// Long training takes no more memory than short training. The heap does not grow, and where the system reports it, neither does the
// process by more than a quarter of what it would grow by if every step kept its results. The memory of donated weights is reused.
func TestALongRunDoesNotGrow(t *testing.T) {
	steps := 20000
	if testing.Short() {
		steps = 2000
	}
	b := must(New("threads=2"))
	ss := []shapes.Shape{f32(32, 64), f32(64, 64)}
	e := compiled(b, descent, ss...)
	var state []compute.Buffer
	for i, v := range inputs(3, ss...) {
		state = append(state, must(b.BufferFromFlatData(0, v, ss[i])))
	}
	kept := 4 * (32*64 + 64*64) // bytes of a step's results
	places := map[unsafe.Pointer]bool{}
	run := func(n int) {
		for range n {
			state = must(e.Execute(state, []bool{true, true}, 0))
			for _, f := range state {
				places[f.(*Buffer).p] = true
			}
		}
	}
	memory := func() (heap, process int) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		var size int
		if text, err := os.ReadFile("/proc/self/statm"); err == nil {
			fmt.Sscan(string(text), &size, &process)
		}
		return int(m.HeapAlloc), process * os.Getpagesize()
	}
	run(200)
	heap, process := memory()
	run(steps)
	after, processAfter := memory()
	if after > heap+256<<10 || processAfter > process+steps*kept/4 {
		t.Errorf("the heap grew from %d to %d bytes, the process from %d to %d, in %d steps", heap, after, process, processAfter, steps)
	}
	if len(places) > 3 { // one of x, which is passed on; two of w
		t.Errorf("the state was in %d places, want at most 3", len(places))
	}
}

func TestAStepAllocatesLittle(t *testing.T) {
	b := must(New("threads=2"))
	e := compiled(b, everySum, everyShape...)
	in := inputs(1, everyShape...)
	var bufs []compute.Buffer
	for i, s := range everyShape {
		bufs = append(bufs, must(b.BufferFromFlatData(0, in[i], s)))
	}
	step := func() {
		for _, o := range must(e.Execute(bufs, nil, 0)) {
			o.Finalize()
		}
	}
	step()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const steps = 10
	for range steps {
		step()
	}
	runtime.ReadMemStats(&after)
	bytes, pieces := (after.TotalAlloc-before.TotalAlloc)/steps, (after.Mallocs-before.Mallocs)/steps
	t.Logf("%d bytes in %d pieces per execution of %d instructions", bytes, pieces, len(e.(*executable).code))
	if bytes > 32<<10 || pieces > 150 { // the temporaries take megabytes
		t.Errorf("%d bytes in %d pieces per execution", bytes, pieces)
	}
}
