package execute

import (
	"sync"
	"time"
)

// Phases are the seconds that the lanes of a run have spent, all together: evaluations that run beside training count as well, and
// data sets and checkpoints are not among them.
type Phases struct {
	Compile  float64 `json:"compile"`
	Train    float64 `json:"train"`
	Evaluate float64 `json:"evaluate"`
	Wait     float64 `json:"wait"`    // for a trial to train, or for memory
	Publish  float64 `json:"publish"` // of tables, and until the study was closed
	Images   int64   `json:"images"`  // trained on
}

// Add adds those of another process.
func (p *Phases) Add(q Phases) {
	p.Compile, p.Train, p.Evaluate = p.Compile+q.Compile, p.Train+q.Train, p.Evaluate+q.Evaluate
	p.Wait, p.Publish, p.Images = p.Wait+q.Wait, p.Publish+q.Publish, p.Images+q.Images
}

// phases adds up Phases. Its methods may be called from several goroutines.
type phases struct {
	now func() time.Time

	mu  sync.Mutex
	sum Phases
}

// add changes the sum.
func (p *phases) add(change func(sum *Phases)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.sum)
}

// timed calls a function and adds the seconds that it took to one phase.
func (p *phases) timed(phase func(sum *Phases) *float64, f func() error) error {
	began := p.now()
	err := f()
	took := p.now().Sub(began).Seconds()
	p.add(func(sum *Phases) { *phase(sum) += took })
	return err
}

func waiting(sum *Phases) *float64    { return &sum.Wait }
func publishing(sum *Phases) *float64 { return &sum.Publish }

// Phases returns what this process has spent so far.
func (x *Executor) Phases() Phases {
	x.phases.mu.Lock()
	defer x.phases.mu.Unlock()
	return x.phases.sum
}
