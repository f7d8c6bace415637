package train

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/machine"
)

// The networks of Westberg's thesis, one iteration an operation: a step of each player on minibatches of 64 images of 32 x 32.
// Reports compile seconds, and the memory that Go holds.
func BenchmarkThesisStep(b *testing.B) {
	gp := thesis
	gp.wasserstein = true
	for _, name := range []string{"cpu", "xla"} {
		for what, m := range map[string]gan{"ns": thesis, "wgan-gp": gp} {
			b.Run(name+"/"+what, func(b *testing.B) {
				r := start(b, open(b, name), m.job(b), blobs(640, 32, 32), 1)
				ctx := context.Background()
				if err := r.Steps(ctx, 1); err != nil { // the first call grows pools
					b.Fatal(err)
				}
				for b.Loop() {
					if err := r.Steps(ctx, 1); err != nil {
						b.Fatal(err)
					}
				}
				var mem runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&mem)
				b.ReportMetric(r.c.TakeCompileCost().Seconds, "compile-s")
				b.ReportMetric(float64(mem.HeapAlloc)/1e6, "live-MB")
				b.ReportMetric(float64(mem.HeapSys)/1e6, "heap-MB")
				b.ReportMetric(float64(b.N*m.batch)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}

// Eight trials of a network of the thesis's form, on all threads in several configurations: one trial after another, several
// workers with programs of one thread each, several workers whose programs share the threads, and packs of trials in one
// program. The configurations take turns; each reports the images per second of its best turn, and those per second of processor
// time, which depend little on other load.
func BenchmarkTrials(b *testing.B) {
	const trials = 8
	threads := runtime.GOMAXPROCS(0)
	for _, width := range []int{8, 16, 32, 64} {
		for _, batch := range []int{16, 64} {
			b.Run(fmt.Sprintf("width=%d/batch=%d", width, batch), func(b *testing.B) {
				all, one := open(b, fmt.Sprint("cpu:threads=", threads)), open(b, "cpu:threads=1")
				m := thesis
				m.width, m.batch = width, batch
				job := m.job(b)
				steps := max(1, 512/width/batch) // of every trial in one turn: tenths of a second
				configurations := []struct {
					name    string
					backend *Backend
					pack    int
					workers int
				}{
					{"single", all, 1, 1},
					{"workers-1-thread", one, 1, threads},
					{"workers-shared", all, 1, threads},
					{"pack-4", all, 4, 1},
					{"pack-8", all, 8, 1},
					{"workers-pack-4", one, 4, threads},
				}
				run, best, least := make([]func(), len(configurations)), make([]time.Duration, len(configurations)),
					make([]time.Duration, len(configurations))
				for i, w := range configurations {
					run[i], best[i], least[i] = packs(b, w.backend, job, trials, w.pack, w.workers, steps), time.Hour, time.Hour
					run[i]() // the first call grows pools
				}
				for b.Loop() {
					for i := range configurations {
						start, cpu := time.Now(), machine.Used().Processor()
						run[i]()
						best[i], least[i] = min(best[i], time.Since(start)), min(least[i], machine.Used().Processor()-cpu)
					}
				}
				for i, w := range configurations {
					b.ReportMetric(float64(trials*steps*batch)/best[i].Seconds(), w.name+"-images/s")
					b.ReportMetric(float64(trials*steps*batch)/least[i].Seconds(), w.name+"-images/cpu-s")
				}
			})
		}
	}
}

// packs prepares trials of a program in packs of k. The function that it returns runs the given number of steps of each trial on a
// number of workers.
func packs(b *testing.B, on *Backend, job *model.Job, trials, k, workers, steps int) func() {
	outs := job.Program.Step()
	if k > 1 {
		outs = job.Program.Pack(k)
	}
	e, err := lower.Compile(on.lower, outs...)
	if err != nil {
		b.Fatal(err)
	}
	var list []func() error
	for first := 0; first < trials; first += k {
		list = append(list, pack(b, e, on.Device(), job, first, k, steps))
	}
	return func() {
		queue := make(chan func() error, len(list))
		for _, f := range list {
			queue <- f
		}
		close(queue)
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for f := range queue {
					if err := f(); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// pack returns a function that runs steps of k trials, from the first one on, packed in one program.
func pack(b *testing.B, e *lower.Exec, on lower.Device, job *model.Job, first, k, steps int) func() error {
	vars := map[string]int{} // their positions among the results
	for i, v := range job.Program.Vars {
		vars[v.Name] = i
	}
	values := map[string][]float64{"step": {0}}
	for i := first; i < first+k; i++ {
		for name, v := range inputs(job, i) {
			values[name] = append(values[name], v...)
		}
	}
	in, donate, place := make([]*lower.Buffer, len(e.Inputs)), make([]bool, len(e.Inputs)), make([]int, len(e.Inputs))
	for i, n := range e.Inputs {
		name := n.Attr.(expr.Leaf).Name
		var err error
		in[i], err = on.Upload(n.Shape, func(elements any) { lower.Fill(elements, values[name]) })
		if err != nil {
			b.Fatal(err)
		}
		place[i], donate[i] = vars[name]
	}
	return func() error {
		for range steps {
			out, err := e.RunDonating(on, donate, in...)
			if err != nil {
				return err
			}
			for i, donated := range donate {
				if donated {
					in[i] = out[place[i]]
				}
			}
			if err := lower.Free(out[len(vars):]...); err != nil {
				return err
			}
		}
		return nil
	}
}
