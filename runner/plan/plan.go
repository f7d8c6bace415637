// Package plan expands a study into trials: every point of its search under every seed, each with the job that it stands for,
// ordered so that trials of one program follow each other and compile once. It makes jobs on all cores and gathers every
// distinct mistake of a space instead of stopping at the first. It knows neither Starlark nor GoMLX.
package plan

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/parallel"
)

// Study is what a plan is made of.
type Study interface {
	Points() (spec.Points, error)
	// Job is what a point stands for. It is called from several goroutines, and again whenever a trial of the point is asked for.
	Job(ctx context.Context, p spec.Point) (*model.Job, error)
}

// Trial is one training run: a point under a seed.
type Trial struct {
	Index int // in the order of the script: points first, seeds within a point
	Place int // in the order in which trials run, from 1
	Point spec.Point
	Seed  uint32
	Job   *model.Job

	// Who the trial is, once Identify has read what its job reads. Before that Configuration and ID tell the trials of this plan
	// apart and nothing more.
	Inputs            model.Inputs
	Configuration, ID string
}

// Plan is the trials of a study in the order in which they run. It takes 16 bytes a trial: points and jobs are made when asked for.
type Plan struct {
	Programs []*model.Program // distinct, in the order of first use
	Families    []Family           // in the order of first use
	Repeated int              // trials left out because an earlier one has the same content

	study  Study
	points spec.Points
	seeds  []uint32
	trials []slot
	inputs []model.Inputs // by kind
}

// Family is jobs that agree in all but the values of their numbers: in program, data, epochs, evaluation and columns.
type Family struct {
	Job    *model.Job // the first
	Point  spec.Point // of this
	Trials int

	first   int // the point's place in the search
	program int // place in Programs
}

// slot is a trial as a plan keeps it.
type slot struct {
	id    [8]byte
	index uint32
	family  uint32
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

// Inputs are what jobs of the kind in place i read, once Identify has read it.
func (p *Plan) Inputs(i int) model.Inputs { return p.inputs[i] }

// ID is that of the trial in place i.
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

// A PointError is a mistake that some points of a space share.
type PointError struct {
	Err   error
	Point spec.Point // the first that has it
	Count int        // points that have it
}

// Errors is every distinct mistake of a space, in the order of the points.
type Errors struct {
	List   []PointError
	Points int // of the space
}

// Add notes the mistakes of a point, which may be several errors joined. Mistakes with the same words are one.
func (f *Errors) Add(err error, p spec.Point) { f.Count(err, p, 1) }

// Count is Add for so many points, of which p is the first.
func (f *Errors) Count(err error, p spec.Point, n int) {
	if several, ok := err.(interface{ Unwrap() []error }); ok && errors.Join(several.Unwrap()...).Error() == err.Error() {
		for _, e := range several.Unwrap() {
			f.Count(e, p, n)
		}
		return
	}
	for i := range f.List {
		if f.List[i].Err.Error() == err.Error() {
			f.List[i].Count += n
			return
		}
	}
	f.List = append(f.List, PointError{Err: err, Point: p, Count: n})
}

func (f *Errors) Error() string {
	var s string
	for i, x := range f.List {
		if i > 0 {
			s += "\n"
		}
		s += detail(x.Err)
		if f.Points > 1 {
			s += fmt.Sprintf("\n  in %d of %d configurations, first with %v", x.Count, f.Points, x.Point)
		}
	}
	return s
}

// Detail is the text: its lines are all of the plan's making.
func (f *Errors) Detail() string { return f.Error() }

// detail is the text of an error with the calls that led to it, if it knows them.
func detail(err error) string {
	if e, ok := err.(interface{ Detail() string }); ok {
		return e.Detail()
	}
	return err.Error()
}

func (f *Errors) Unwrap() (errs []error) {
	for _, x := range f.List {
		errs = append(errs, x.Err)
	}
	return errs
}

// maxErrors bounds the distinct mistakes that are gathered: a space of a million points may have as many.
const maxErrors = 1000

// Make expands a study. Mistakes in the jobs come back together as *Faults.
func Make(ctx context.Context, s Study, seeds []uint32) (*Plan, error) {
	points, err := s.Points()
	if err != nil {
		return nil, err
	}
	p := &Plan{study: s, points: points, seeds: seeds, trials: make([]slot, points.Len()*len(seeds))}
	kinds := &families{known: map[string]*family{}}
	faults, err := p.eachPoint(ctx, func(i int, point spec.Point) error {
		job, err := s.Job(ctx, point)
		if err != nil {
			return err
		}
		k := kinds.of(job, point, i)
		p.name(i, k.number, job, job.Unread())
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case faults != nil:
		return nil, faults
	}
	p.settle(kinds)
	return p, nil
}

// families are found by several goroutines, in any order.
type families struct {
	mu    sync.Mutex
	known map[string]*family
}

type family struct {
	Family
	number uint32 // by discovery
}

// of is the kind of a job.
func (k *families) of(j *model.Job, point spec.Point, i int) *family {
	id := fmt.Sprint(j.Program.Fingerprint(), j.Data, j.Epochs, j.Evaluate)
	for _, c := range j.Columns() {
		id += " " + c.Name
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	x := k.known[id]
	if x == nil {
		x = &family{Family: Family{Job: j, Point: point, first: i}, number: uint32(len(k.known))}
		k.known[id] = x
	}
	if i < x.first {
		x.Job, x.Point, x.first = j, point, i
	}
	return x
}

// name fills in the trials of point i.
func (p *Plan) name(i int, kind uint32, job *model.Job, in model.Inputs) {
	configuration := job.Configuration(in)
	for j, seed := range p.seeds {
		s := slot{index: uint32(i*len(p.seeds) + j), family: kind}
		hex.Decode(s.id[:], []byte(job.ID(configuration, seed)))
		p.trials[s.index] = s
	}
}

// settle numbers kinds and programs by first use, leaves out trials that are the same as earlier ones, and puts those of one program
// together.
func (p *Plan) settle(found *families) {
	list := slices.SortedFunc(maps.Values(found.known), func(a, b *family) int { return cmp.Compare(a.first, b.first) })
	place := make([]uint32, len(list)) // of kinds by discovery
	programs := map[string]int{}
	for i, k := range list {
		place[k.number] = uint32(i)
		f := k.Job.Program.Fingerprint()
		if _, ok := programs[f]; !ok {
			programs[f] = len(p.Programs)
			p.Programs = append(p.Programs, k.Job.Program)
		}
		k.program = programs[f]
		p.Families = append(p.Families, k.Family)
		p.inputs = append(p.inputs, k.Job.Unread())
	}
	for i := range p.trials {
		p.trials[i].family = place[p.trials[i].family]
	}
	p.unrepeated()
	slices.SortStableFunc(p.trials, func(a, b slot) int { return p.Families[a.family].program - p.Families[b.family].program })
}

// unrepeated leaves out trials that are the same as earlier ones, and counts the others by kind.
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

// Identify names trials by their content, which inputs reads of each kind of jobs, and leaves out those that are the same as an
// earlier one.
func (p *Plan) Identify(ctx context.Context, inputs func(*model.Job) (model.Inputs, error)) error {
	for i, k := range p.Families {
		var err error
		if p.inputs[i], err = inputs(k.Job); err != nil {
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

// eachPoint calls do for every point, on all cores, and gathers its errors; nil if there are none.
func (p *Plan) eachPoint(ctx context.Context, do func(i int, point spec.Point) error) (*Errors, error) {
	const chunk = 256 // points that one goroutine makes in a row: neighbours have most in common
	n := p.points.Len()
	found := gathering{place: map[string]int{}}
	err := parallel.For(ctx, (n+chunk-1)/chunk, func(c int) error {
		for i := c * chunk; i < min((c+1)*chunk, n) && !found.full.Load(); i++ {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := do(i, p.points.At(i)); err != nil {
				found.add(i, err)
			}
		}
		return nil
	})
	if err != nil || len(found.errors) == 0 {
		return nil, err
	}
	slices.SortFunc(found.errors, func(a, b gathered) int { return cmp.Compare(a.first, b.first) })
	faults := &Errors{Points: n}
	for _, e := range found.errors {
		faults.Count(e.err, p.points.At(e.first), e.count)
	}
	return faults, nil
}

// gathering is the distinct errors of points, from several goroutines, until there are maxFaults of them.
type gathering struct {
	mu     sync.Mutex
	errors []gathered
	place  map[string]int // in errors, by text
	full   atomic.Bool
}

// gathered is an error that count points share, the first of them at place first.
type gathered struct {
	first, count int
	err          error
}

func (g *gathering) add(i int, err error) {
	text := err.Error()
	g.mu.Lock()
	defer g.mu.Unlock()
	at, known := g.place[text]
	if !known {
		at = len(g.errors)
		g.place[text] = at
		g.errors = append(g.errors, gathered{first: i, err: err})
		g.full.Store(len(g.errors) >= maxErrors)
	}
	e := &g.errors[at]
	if i < e.first {
		e.first, e.err = i, err
	}
	e.count++
}

// Summary is a line for people: "384 trials, 32 programs", and how many more are the same as one of these.
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
