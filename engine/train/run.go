package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/model"
)

// Run is the training of one trial from one seed. It is not safe for concurrent use; several runs may share a Compiled.
//
// A run trains while ended is nil. Afterwards it can still be sampled and tested as long as it has a state:
//
//	ended                  state    cause
//	nil                    present  -
//	errSnapshot            present  Snapshot or Restore made it
//	a *Diverged            present  a loss or a weight is not finite
//	any other error        lost     a step failed on the device, which had been given the state
//	errClosed, or earlier  lost     Close
type Run struct {
	c      *Compiled
	on     lower.Device
	job    *model.Job
	images Images
	seed   uint32
	leaves []expr.Leaf // of a step

	counted bool            // among the users of c
	state   []*lower.Buffer // of program.Vars, in their order; all nil if it is lost
	stepper stepper         // nil in a snapshot and after Close
	ended   error           // why no step can follow
	step    int             // the next one
	order   []int32         // of the examples in the epoch of step
	ordered int             // the epoch that order belongs to; -1 before the first
	burst   int             // steps of the next call
}

var (
	errSnapshot = errors.New("it is a snapshot")
	errClosed   = errors.New("it is closed")
)

// NewRun begins a trial on a device of the program's backend: the state is model.Initial's for the seed.
func (c *Compiled) NewRun(on lower.Device, job *model.Job, images Images, seed uint32) (*Run, error) {
	r, err := c.open(on, job, images, seed)
	if err != nil {
		return nil, err
	}
	for i, v := range job.Program.Vars {
		r.state[i], err = r.on.Upload(v.Shape, func(elements any) { lower.Fill(elements, model.Initial(v, seed)) })
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// Resume continues a trial after the given number of whole epochs, from the state that State returned then. On the same backend it
// continues bit for bit as if it had never stopped.
func (c *Compiled) Resume(on lower.Device, job *model.Job, images Images, seed uint32, state []Tensor, epoch int) (*Run, error) {
	r, err := c.open(on, job, images, seed)
	if err != nil {
		return nil, err
	}
	if err := r.restore(state); err != nil {
		return nil, errors.Join(fmt.Errorf("resume: %w", err), r.Close())
	}
	r.step = epoch * r.StepsPerEpoch()
	return r, nil
}

// Restore returns the state of a trial after the given number of whole epochs of so many images, for sampling and tests. It cannot
// train, and reads no images: a trial can be sampled where its data are not.
func (c *Compiled) Restore(on lower.Device, job *model.Job, seed uint32, state []Tensor, epoch, images int) (*Run, error) {
	if err := c.check(job); err != nil {
		return nil, err
	}
	r := &Run{c: c, on: c.device(on), job: job, images: Images{N: images}, seed: seed, ordered: -1,
		state: make([]*lower.Buffer, len(job.Program.Vars)), ended: errSnapshot}
	if r.StepsPerEpoch() < 1 {
		return nil, fmt.Errorf("restore: got epochs of %d images, want at least the %d of one iteration", images, r.examples())
	}
	r.step = epoch * r.StepsPerEpoch()
	r.counted = true
	c.use(1)
	if err := r.restore(state); err != nil {
		return nil, errors.Join(fmt.Errorf("restore: %w", err), r.Close())
	}
	return r, nil
}

// Snapshot returns a copy of the run in its current state. It can be sampled and tested while r
// trains.
func (r *Run) Snapshot(state []Tensor) (*Run, error) {
	s := &Run{c: r.c, on: r.on, job: r.job, images: r.images, seed: r.seed, step: r.step, ordered: -1,
		state: make([]*lower.Buffer, len(r.state)), ended: errSnapshot}
	if err := s.restore(state); err != nil {
		return nil, errors.Join(fmt.Errorf("snapshot: %w", err), s.Close())
	}
	return s, nil
}

// restore uploads a state that State returned.
func (r *Run) restore(state []Tensor) error {
	saved := map[string]Tensor{}
	for _, t := range state {
		saved[t.Name] = t
	}
	for i, v := range r.job.Program.Vars {
		t, ok := saved[v.Name]
		if !ok {
			return fmt.Errorf("the state lacks %s", v.Name)
		}
		if t.DType != v.Shape.DType || !slices.Equal(t.Shape, v.Shape.Dims()) || len(t.Data) != v.Shape.Bytes() {
			return fmt.Errorf("%s: got %v%v of %d bytes, want %v", v.Name, t.DType, t.Shape, len(t.Data), v.Shape)
		}
		var err error
		if r.state[i], err = r.on.UploadBytes(v.Shape, t.Data); err != nil {
			return err
		}
	}
	return nil
}

// open checks the parts of a run and prepares its steps. The run has no state yet.
func (c *Compiled) open(on lower.Device, job *model.Job, images Images, seed uint32) (*Run, error) {
	if err := c.check(job); err != nil {
		return nil, err
	}
	p := job.Program
	if err := images.check(p.Config.Image); err != nil {
		return nil, err
	}
	r := &Run{c: c, on: c.device(on), job: job, images: images, seed: seed, state: make([]*lower.Buffer, len(p.Vars)), ordered: -1, burst: 1}
	if r.StepsPerEpoch() == 0 {
		return nil, fmt.Errorf("data: got %d images, want at least %d: one iteration takes %d of %d", images.N, r.examples(), p.Batches,
			p.Config.Batch)
	}
	r.leaves = leaves(p.Step()...)
	for _, l := range r.leaves {
		if l.Role == expr.Labels && len(images.Labels) != images.N {
			return nil, missingLabels(images)
		}
	}
	r.counted = true
	c.use(1)
	var err error
	if c.backend.deviceLoop {
		r.stepper, err = newDeviceLoop(r)
	} else {
		r.stepper, err = newHostSteps(r)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// check checks that a job is one of the compiled program.
func (c *Compiled) check(job *model.Job) error {
	p := job.Program
	if p.Fingerprint() != c.program.Fingerprint() {
		return fmt.Errorf("got a job of program %s, want %s", p.Fingerprint(), c.program.Fingerprint())
	}
	if len(job.Reals) < p.Reals {
		return fmt.Errorf("got %d real numbers, want the %d of the program", len(job.Reals), p.Reals)
	}
	return nil
}

func missingLabels(images Images) error {
	return fmt.Errorf("data: got %d labels for %d images, and the program uses them", len(images.Labels), images.N)
}

// Close frees the run's memory on the device.
func (r *Run) Close() error {
	err := lower.Free(r.state...)
	clear(r.state)
	if r.ended == nil {
		r.ended = errClosed
	}
	if r.stepper != nil {
		err = errors.Join(err, r.stepper.close())
		r.stepper = nil
	}
	if r.counted {
		r.counted = false
		r.c.use(-1)
	}
	return err
}

// examples is the number of examples that an iteration takes.
func (r *Run) examples() int { return r.job.Program.Batches * r.job.Program.Config.Batch }

// StepsPerEpoch is the number of iterations that use every example at most once. The epoch omits the few examples left over.
func (r *Run) StepsPerEpoch() int { return r.images.N / r.examples() }

// real is the value of an input of the job's program at a step.
func (r *Run) real(i, step int) float64 { return r.job.Reals[i].Value.At(step, r.StepsPerEpoch()) }

// Epoch runs the next epoch. It ends early with the context's error, at most one call of the backend after the context is
// cancelled, or with a *Diverged. After either, a trial can only continue from the state at the end of an earlier epoch.
func (r *Run) Epoch(ctx context.Context) (Epoch, error) {
	steps := r.StepsPerEpoch()
	if r.step%steps != 0 {
		return Epoch{}, fmt.Errorf("the run was interrupted in epoch %d, at step %d: resume it from its last state", r.step/steps, r.step)
	}
	e := Epoch{Number: r.step / steps, Steps: steps, Images: steps * r.examples()}
	recorded := r.job.Program.Recorded
	sums := make([]float64, len(recorded))
	err := r.advance(ctx, steps, func(row []float64) {
		for i := range sums {
			sums[i] += row[i]
		}
	})
	if err != nil {
		return Epoch{}, err
	}
	for i, q := range recorded {
		e.Values = append(e.Values, Value{q.Name, sums[i] / float64(steps)})
	}
	for _, c := range r.job.Columns() {
		e.Reals = append(e.Reals, Value{c.Name, c.Value.At(r.step-1, steps)})
	}
	return e, nil
}

// Steps runs n iterations, across epochs: for benchmarks.
func (r *Run) Steps(ctx context.Context, n int) error {
	return r.advance(ctx, n, func([]float64) {})
}

// advance runs n steps and passes each one's values to each.
func (r *Run) advance(ctx context.Context, n int, each func(row []float64)) error {
	now := r.c.backend.now
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.ended != nil {
			return fmt.Errorf("the run has ended: %w", r.ended)
		}
		epoch, at := r.step/r.StepsPerEpoch(), r.step%r.StepsPerEpoch()
		if r.ordered != epoch {
			r.order = model.NewSource(r.seed, fmt.Sprint("data order/", epoch)).Shuffle(r.images.N)
			r.ordered = epoch
		}
		k, start := min(n, r.burst, r.stepper.maxSteps(), r.StepsPerEpoch()-at), now()
		rows, err := r.stepper.advance(r.state, r.step, r.order[at*r.examples():(at+k)*r.examples()])
		if err != nil {
			clear(r.state) // donated
			r.ended = fmt.Errorf("step %d: %w", r.step, err)
			return r.ended
		}
		for _, row := range rows {
			if what := r.notFinite(row); what != "" {
				r.ended = &Diverged{epoch, r.step, what}
				return r.ended
			}
			each(row)
			r.step++
		}
		n -= k
		switch took := now().Sub(start).Seconds(); { // so that a cancelled context is noticed within about a second
		case took >= .5:
			r.burst = max(1, r.burst/2)
		case k == r.burst: // the last call of an epoch may be short
			r.burst = min(2*r.burst, r.stepper.maxSteps())
		}
	}
	return nil
}

// notFinite names a loss of a step's values that is not finite, or the weights; "" if all are finite.
func (r *Run) notFinite(row []float64) string {
	for i, q := range r.job.Program.Recorded {
		if v := row[i]; q.Loss != "" && (math.IsNaN(v) || math.IsInf(v, 0)) {
			return fmt.Sprintf("%s is %g", q.Name, v)
		}
	}
	if row[len(row)-1] != 0 {
		return "a weight is not finite"
	}
	return ""
}

// lost reports why the run has no state, nil if it has one.
func (r *Run) lost() error {
	if len(r.state) > 0 && r.state[0] == nil {
		return fmt.Errorf("the state is lost: %w", r.ended)
	}
	return nil
}

// State copies the state to the host, in the order of the program's Vars.
func (r *Run) State() (state []Tensor, err error) {
	if err := r.lost(); err != nil {
		return nil, err
	}
	for i, v := range r.job.Program.Vars {
		data, err := r.state[i].Bytes()
		if err != nil {
			return nil, fmt.Errorf("state: %s: %w", v.Name, err)
		}
		state = append(state, Tensor{v.Name, v.Shape.DType, v.Shape.Dims(), data})
	}
	return state, nil
}
