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

// Run is the training of one trial from one seed. It is not for concurrent use; several runs may share a Compiled.
type Run struct {
	c      *Compiled
	on     lower.Device
	job    *model.Job
	images Images
	seed   uint32
	leaves []expr.Leaf // of a step

	counted bool            // among the users of c
	state   []*lower.Buffer // of program.Vars; nil where an error lost it
	stepper stepper
	dead    error   // why the run cannot go on
	step    int     // the next one
	order   []int32 // of the examples in the epoch of step
	ordered int     // the epoch that order is of; -1 at first
}

// NewRun begins a trial: the state is model.Initial's for the seed.
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

// Resume continues a trial after the given number of whole epochs, from the state that State gave then. On the same backend it
// goes on bit for bit as if it had never stopped.
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

// restore takes a state that State gave.
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

// Snapshot is a run that stays as this one is now, of the state that State gives now. It can sample and test, while this one goes on.
func (r *Run) Snapshot(state []Tensor) (*Run, error) {
	s := &Run{c: r.c, on: r.on, job: r.job, images: r.images, seed: r.seed, step: r.step, ordered: -1,
		state: make([]*lower.Buffer, len(r.state)), dead: errors.New("it stands still")}
	if err := s.restore(state); err != nil {
		return nil, errors.Join(fmt.Errorf("copy of a run: %w", err), s.Close())
	}
	return s, nil
}

func (c *Compiled) open(on lower.Device, job *model.Job, images Images, seed uint32) (*Run, error) {
	p := job.Program
	if p.Fingerprint() != c.program.Fingerprint() {
		return nil, fmt.Errorf("got a job of program %s, want %s", p.Fingerprint(), c.program.Fingerprint())
	}
	if len(job.Reals) < p.Reals {
		return nil, fmt.Errorf("got %d real numbers, want the %d of the program", len(job.Reals), p.Reals)
	}
	if err := images.check(p.Config.Image); err != nil {
		return nil, err
	}
	r := &Run{c: c, on: lower.Device{Backend: c.backend.lower, Number: on.Number}, job: job, images: images, seed: seed, state: make([]*lower.Buffer, len(p.Vars)), ordered: -1}
	if r.StepsPerEpoch() == 0 {
		return nil, fmt.Errorf("data: got %d images, want at least %d: one iteration takes %d of %d", images.N, r.examples(), p.Batches,
			p.Config.Batch)
	}
	r.leaves = leaves(p.Step()...)
	for _, l := range r.leaves {
		if l.Role == expr.Labels && len(images.Labels) != images.N {
			return nil, fmt.Errorf("data: got %d labels for %d images, and the program uses them", len(images.Labels), images.N)
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

// Close frees the run's memory on the device.
func (r *Run) Close() error {
	err := lower.Free(r.state...)
	clear(r.state)
	if r.dead == nil {
		r.dead = errors.New("it was closed")
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

// examples is how many an iteration takes.
func (r *Run) examples() int { return r.job.Program.Batches * r.job.Program.Config.Batch }

// StepsPerEpoch is the number of iterations that take every example at most once; the few that are left over wait for the
// next epoch's order.
func (r *Run) StepsPerEpoch() int { return r.images.N / r.examples() }

// real is an input of the job's program at a step.
func (r *Run) real(i, step int) float64 { return r.job.Reals[i].Value.At(step, r.StepsPerEpoch()) }

// Epoch runs the next epoch. It ends early with the context's error, at most one call of the backend after it is done, or
// with a *Diverged. After either a trial can only continue from the state of an epoch before.
func (r *Run) Epoch(ctx context.Context) (Epoch, error) {
	steps := r.StepsPerEpoch()
	if r.step%steps != 0 {
		return Epoch{}, fmt.Errorf("the run was cut in epoch %d, at step %d: resume it from its last state", r.step/steps, r.step)
	}
	e := Epoch{Number: r.step / steps, Steps: steps, Images: steps * r.examples()}
	readings := r.job.Program.Readings
	sums := make([]float64, len(readings))
	err := r.advance(ctx, steps, func(row []float64) {
		for i := range sums {
			sums[i] += row[i]
		}
	})
	if err != nil {
		return Epoch{}, err
	}
	for i, q := range readings {
		e.Readings = append(e.Readings, Value{q.Name, sums[i] / float64(steps)})
	}
	for _, c := range r.job.Columns() {
		e.Reals = append(e.Reals, Value{c.Name, c.Value.At(r.step-1, steps)})
	}
	return e, nil
}

// Steps runs n iterations, whatever the epoch: for benchmarks.
func (r *Run) Steps(ctx context.Context, n int) error {
	return r.advance(ctx, n, func([]float64) {})
}

// advance runs n steps and shows each one's readings.
func (r *Run) advance(ctx context.Context, n int, each func(row []float64)) error {
	now := r.c.backend.now
	for burst := 1; n > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.dead != nil {
			return fmt.Errorf("the run has ended: %w", r.dead)
		}
		epoch, at := r.step/r.StepsPerEpoch(), r.step%r.StepsPerEpoch()
		if r.ordered != epoch {
			r.order = model.NewSource(r.seed, fmt.Sprint("data order/", epoch)).Shuffle(r.images.N)
			r.ordered = epoch
		}
		k, start := min(n, burst, r.stepper.maxSteps(), r.StepsPerEpoch()-at), now()
		rows, err := r.stepper.advance(r.state, r.step, r.order[at*r.examples():(at+k)*r.examples()])
		if err != nil {
			clear(r.state) // given away
			r.dead = fmt.Errorf("step %d: %w", r.step, err)
			return r.dead
		}
		for _, row := range rows {
			if what := r.fault(row); what != "" {
				r.dead = &Diverged{epoch, r.step, what}
				return r.dead
			}
			each(row)
			r.step++
		}
		n -= k
		if took := now().Sub(start).Seconds(); took < .5 { // so that a cancelled context is seen within about a second
			burst = min(2*burst, r.stepper.maxSteps())
		} else {
			burst = max(1, burst/2)
		}
	}
	return nil
}

// fault says what is not finite in a step's readings, "" if nothing.
func (r *Run) fault(row []float64) string {
	for i, q := range r.job.Program.Readings {
		if v := row[i]; q.Loss != "" && (math.IsNaN(v) || math.IsInf(v, 0)) {
			return fmt.Sprintf("%s is %g", q.Name, v)
		}
	}
	if row[len(row)-1] != 0 {
		return "a weight is not finite"
	}
	return ""
}

// State copies the state to the host, in the order of the program's Vars.
func (r *Run) State() ([]Tensor, error) {
	var state []Tensor
	for i, v := range r.job.Program.Vars {
		if r.state[i] == nil {
			return nil, fmt.Errorf("state: %s was lost in an error", v.Name)
		}
		data, err := r.state[i].Bytes()
		if err != nil {
			return nil, fmt.Errorf("state: %s: %w", v.Name, err)
		}
		state = append(state, Tensor{v.Name, v.Shape.DType, v.Shape.Dims(), data})
	}
	return state, nil
}

// Sample generates n images [n h w c] with the present weights. Batch number i of the sampling program, counted from at on,
// draws its latents from the seed and i, so the same images of different epochs belong together; training is not disturbed.
func (r *Run) Sample(n int, at uint32) ([]float32, error) {
	p := r.job.Program
	if p.Sample == nil {
		return nil, errors.New("the program generates no images")
	}
	want := n * p.Sample.Shape.Without("b").Elems()
	images := make([]float32, 0, want)
	for ; len(images) < want; at++ {
		batch, err := r.infer(r.c.sample, at, Images{}, nil, p.Sample)
		if err != nil {
			return nil, fmt.Errorf("sample: %w", err)
		}
		for _, v := range batch[0][:min(len(batch[0]), want-len(images))] {
			images = append(images, float32(v))
		}
	}
	return images, nil
}
