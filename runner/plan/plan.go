// Package plan expands a study into trials: every point of its search with every seed, each with its job, ordered so that
// trials of one program follow each other and compile once. It makes jobs on all cores, and collects every distinct error of
// a space instead of stopping at the first. It knows neither Starlark nor GoMLX; package runner trains what it returns.
package plan

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
)

// Study is the source of a plan.
type Study interface {
	Points() (spec.Points, error)
	// Job is the job of a point. It is called from several goroutines, and again whenever a trial of the point is asked for.
	Job(ctx context.Context, p spec.Point) (*model.Job, error)
}

// Trial is one training run: a point under a seed.
type Trial struct {
	Index int // in the order of the script: points first, seeds within a point
	Place int // in the order in which trials run, from 1
	Point spec.Point
	Seed  uint32
	Job   *model.Job

	// The trial's identity, once Identify has read what its job reads. Before that, Configuration and ID only distinguish the
	// trials of this plan.
	Inputs            model.Inputs
	Configuration, ID string
}

// Plan is the trials of a study in the order in which they run. It takes 16 bytes per trial: points and jobs are made on demand.
type Plan struct {
	Programs []*model.Program // distinct, in the order of first use
	Families []Family         // in the order of first use
	Repeated int              // trials left out because an earlier one has the same content

	study  Study
	points spec.Points
	seeds  []uint32
	trials []slot
	inputs []model.Inputs // by family
}

// Family is the jobs that agree in everything but the values of their numbers: in program, data, epochs, evaluation and columns.
type Family struct {
	Job    *model.Job // the first
	Point  spec.Point // its point
	Trials int

	first   int // the place of Point in the search
	program int // place in Programs
}

// slot is a trial as a plan keeps it.
type slot struct {
	id     [8]byte
	index  uint32
	family uint32
}

// Len is the number of trials.
func (p *Plan) Len() int { return len(p.trials) }

// At is the trial that runs in place i, counted from 0.
func (p *Plan) At(i int) Trial {
	s := p.trials[i]
	point := p.points.At(int(s.index) / len(p.seeds))
	job, err := p.study.Job(context.Background(), point)
	if err != nil { // a study is a pure function of the point
		panic(fmt.Sprintf("plan: the job of %v was made before, and now: %v", point, err))
	}
	in := p.inputs[s.family]
	return Trial{Index: int(s.index), Place: i + 1, Point: point, Seed: p.seeds[int(s.index)%len(p.seeds)], Job: job,
		Inputs: in, Configuration: job.Configuration(in), ID: hex.EncodeToString(s.id[:])}
}

// Inputs are what the jobs of family i read, once Identify has read it.
func (p *Plan) Inputs(i int) model.Inputs { return p.inputs[i] }

// ID is the ID of the trial in place i.
func (p *Plan) ID(i int) string { return hex.EncodeToString(p.trials[i].id[:]) }

// All are the trials in the order in which they run.
func (p *Plan) All() iter.Seq[Trial] {
	return func(yield func(Trial) bool) {
		for i := range p.trials {
			if !yield(p.At(i)) {
				return
			}
		}
	}
}

// Make expands a study. Errors of its jobs are returned together, as *Errors.
func Make(ctx context.Context, s Study, seeds []uint32) (*Plan, error) {
	points, err := s.Points()
	if err != nil {
		return nil, err
	}
	p := &Plan{study: s, points: points, seeds: seeds, trials: make([]slot, points.Len()*len(seeds))}
	found := &families{known: map[string]*family{}}
	errs, err := p.eachPoint(ctx, func(i int, point spec.Point) error {
		job, err := s.Job(ctx, point)
		if err != nil {
			return err
		}
		f := found.of(job, point, i)
		p.name(i, f.number, job, job.Unread())
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case errs != nil:
		return nil, errs
	}
	p.arrange(found)
	return p, nil
}

// families are those of a plan while several goroutines find them, in any order.
type families struct {
	mu    sync.Mutex
	known map[string]*family // by what they agree in
}

// family is a Family that was found.
type family struct {
	Family
	number uint32 // by discovery
}

// of is the family of a job.
func (f *families) of(j *model.Job, point spec.Point, i int) *family {
	id := fmt.Sprint(j.Program.Fingerprint(), j.Data, j.Epochs, j.Evaluation)
	for _, c := range j.Columns() {
		id += " " + c.Name
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.known[id]
	if x == nil {
		x = &family{Family: Family{Job: j, Point: point, first: i}, number: uint32(len(f.known))}
		f.known[id] = x
	}
	if i < x.first {
		x.Job, x.Point, x.first = j, point, i
	}
	return x
}

// name sets the IDs of the trials of point i.
func (p *Plan) name(i int, family uint32, job *model.Job, in model.Inputs) {
	configuration := job.Configuration(in)
	for j, seed := range p.seeds {
		s := slot{index: uint32(i*len(p.seeds) + j), family: family}
		hex.Decode(s.id[:], []byte(job.ID(configuration, seed)))
		p.trials[s.index] = s
	}
}

// arrange numbers families and programs by first use, leaves out repeated trials, and puts the trials of one program together.
func (p *Plan) arrange(found *families) {
	list := slices.SortedFunc(maps.Values(found.known), func(a, b *family) int { return cmp.Compare(a.first, b.first) })
	place := make([]uint32, len(list)) // of families by discovery
	programs := map[string]int{}
	for i, f := range list {
		place[f.number] = uint32(i)
		program := f.Job.Program.Fingerprint()
		if _, ok := programs[program]; !ok {
			programs[program] = len(p.Programs)
			p.Programs = append(p.Programs, f.Job.Program)
		}
		f.program = programs[program]
		p.Families = append(p.Families, f.Family)
		p.inputs = append(p.inputs, f.Job.Unread())
	}
	for i := range p.trials {
		p.trials[i].family = place[p.trials[i].family]
	}
	p.unrepeated()
	slices.SortStableFunc(p.trials, func(a, b slot) int { return p.Families[a.family].program - p.Families[b.family].program })
}

// unrepeated leaves out trials with the ID of an earlier one, and counts the others by family.
func (p *Plan) unrepeated() {
	seen := make(map[[8]byte]struct{}, len(p.trials))
	kept := p.trials[:0]
	for i := range p.Families {
		p.Families[i].Trials = 0
	}
	for _, t := range p.trials {
		if _, repeated := seen[t.id]; repeated {
			p.Repeated++
			continue
		}
		seen[t.id] = struct{}{}
		p.Families[t.family].Trials++
		kept = append(kept, t)
	}
	p.trials = kept
}

// Identify assigns trials the IDs of their content, for which inputs reads what the jobs of a family read, and leaves out
// repeated trials.
func (p *Plan) Identify(ctx context.Context, inputs func(*model.Job) (model.Inputs, error)) error {
	for i, f := range p.Families {
		var err error
		if p.inputs[i], err = inputs(f.Job); err != nil {
			return err
		}
	}
	for i, t := range p.trials {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		job, err := p.study.Job(ctx, p.points.At(int(t.index)/len(p.seeds)))
		if err != nil {
			return err
		}
		id := job.ID(job.Configuration(p.inputs[t.family]), p.seeds[int(t.index)%len(p.seeds)])
		hex.Decode(p.trials[i].id[:], []byte(id))
	}
	p.unrepeated()
	return nil
}

// Summary is one line for users: "384 trials, 32 programs", and how many repeated trials were left out.
func (p *Plan) Summary() string {
	s := fmt.Sprintf("%s, %s", count(len(p.trials), "trial"), count(len(p.Programs), "program"))
	if p.Repeated > 0 {
		s += fmt.Sprintf(" (%s left out: the same as others)", count(p.Repeated, "trial"))
	}
	return s
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
