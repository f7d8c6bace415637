package runner

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/machine"
	"github.com/starsweep/starsweep/runner/evaluation"
)

// need is the peak memory of a trial in bytes, in addition to that of the process.
type need struct {
	data int // images, which trials share
	kept int // extractors, and features and statistics of real images, which trials share
	own  int // state, temporaries, and samples with what is computed of them
}

func (n need) total() int { return n.data + n.kept + n.own }

// margin adds the garbage of a trial to its memory: a tenth, to which the collector is limited (memory.limit).
func margin(bytes int) int { return bytes + bytes/10 }

// needOf returns the need of a job whose program takes m. State and temporaries of accelerators are in their own memory.
func needOf(j *model.Job, m train.Memory, accelerator bool, images int) need {
	p, e := j.Program, j.Evaluation
	n := need{data: images}
	each := p.Config.Image.Elems()
	h, w, c := p.Config.Image.Size('h'), p.Config.Image.Size('w'), p.Config.Image.Size('c')
	var passing int
	n.kept, passing = evaluation.Memory(e, max(1, h), max(1, w), c)
	state := m.State // one copy for the checkpoint, one for the evaluator, and the run's own
	if n.own = 2*state + passing; !accelerator {
		n.own += state + m.Step + m.Sample + m.Test
	}
	if p.Sample != nil {
		sheet := e.Sheet * each * 4
		if h > 0 { // NRGBA and the compressed file
			sheet += e.Sheet * h * w * 6
		}
		n.own += sheet + 2*p.Config.SampleBatch*each*8
	}
	n.own = margin(n.own)
	return n
}

// setBytes returns the memory of a data set.
func setBytes(s *data.Set) int { return len(s.U8) + 4*len(s.F32) + 4*len(s.Labels) }

// jobImages returns the memory of all images that a job reads and whose number is known.
func jobImages(j *model.Job, size func(spec.Data) (n int, known bool)) (bytes int) {
	each := j.Program.Config.Image.Elems()
	if j.Program.Config.Image.Size('h') == 0 || j.Data.Size != 0 { // points and resized images are float32
		each *= 4
	}
	for _, d := range jobSets(j) {
		if n, known := size(d); known {
			bytes += n * (each + 4)
		}
	}
	return bytes
}

// jobSets returns the data sets that a job reads.
func jobSets(j *model.Job) []spec.Data {
	sets := []spec.Data{j.Data}
	if len(j.Program.Test) > 0 || len(j.Evaluation.Metrics) > 0 { // metrics take their floor from the other split
		if test := j.Data.Test(); test.String() != j.Data.String() {
			sets = append(sets, test)
		}
	}
	return sets
}

// gigabytes formats a number of bytes.
func gigabytes(bytes int) string {
	switch gb := float64(bytes) / 1e9; {
	case gb >= 10:
		return fmt.Sprintf("%.0f GB", gb)
	case gb >= 1:
		return fmt.Sprintf("%.1f GB", gb)
	}
	return fmt.Sprintf("%.0f MB", float64(bytes)/1e6)
}

// memoryError is the error of a need that exceeds the memory.
type memoryError struct {
	needs   int
	atLeast bool // needs is a lower bound
	has     machine.Room
}

func (e *memoryError) Error() string {
	least := ""
	if e.atLeast {
		least = "at least "
	}
	return fmt.Sprintf("needs %s%s of memory, %s has %s", least, gigabytes(e.needs), e.has.Whose, gigabytes(e.has.Bytes))
}

// leastNeed returns the least that a job needs, regardless of what its program computes: copies of the state, and samples.
func leastNeed(j *model.Job, accelerator bool) need {
	return needOf(j, train.Memory{State: j.Program.StateBytes()}, accelerator, 0)
}

// memory shares the memory of the process between the trials that train at the same time.
type memory struct {
	room    machine.Room
	process int             // of the process before the first trial, with overhead
	limit   func(bytes int) // limits the memory of the garbage collector; nil: there is no limit
	free    *semaphore.Weighted

	mu    sync.Mutex
	taken int // by trials
}

func newMemory(env *Env) *memory {
	m := &memory{room: machine.Memory(env.System), limit: env.LimitMemory}
	m.process = m.room.Has + overhead
	m.free = semaphore.NewWeighted(int64(max(m.room.Bytes-m.process, 1)))
	return m
}

// overhead is the memory, as measured, that the process takes while trials train: for tables, checkpoints and the report.
const overhead = 48 << 20

// check returns a *memoryError if a need does not fit even if nothing else runs.
func (m *memory) check(n need, atLeast bool) error {
	if needs := m.process + n.total(); m.room.Bytes > 0 && needs > m.room.Bytes {
		return &memoryError{needs, atLeast, m.room}
	}
	return nil
}

// take waits until a need fits next to those of other trials, and reserves it until release is called.
func (m *memory) take(ctx context.Context, n need) (release func(), err error) {
	if err := m.check(n, false); err != nil {
		return nil, err
	}
	bytes := n.total()
	if m.room.Bytes > 0 {
		if err := m.free.Acquire(ctx, int64(bytes)); err != nil {
			return nil, context.Cause(ctx)
		}
	}
	m.add(bytes)
	return func() {
		m.add(-bytes)
		if m.room.Bytes > 0 {
			m.free.Release(int64(bytes))
		}
	}, nil
}

func (m *memory) add(bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken += bytes
	if m.limit != nil && m.taken > 0 {
		m.limit(m.process + m.taken)
	}
}
