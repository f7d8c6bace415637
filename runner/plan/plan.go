// Package plan expands a study into trials: every point of its search under every seed, each with the job that it stands for,
// ordered so that trials of one program follow each other and compile once. It makes jobs on all cores and gathers every
// distinct mistake of a space instead of stopping at the first. It knows neither Starlark nor GoMLX.
package plan

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"golang.org/x/sync/errgroup"
)

// Study is what a plan is made of.
type Study interface {
	Points() ([]spec.Point, error)
	// Job is what a point stands for. It is called from several goroutines.
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

// Plan is the trials of a study in the order in which they run.
type Plan struct {
	Trials   []Trial
	Programs []*model.Program // distinct, in the order of first use
	Repeated int              // trials left out because an earlier one has the same content
}

// A Fault is a mistake that some points of a space share.
type Fault struct {
	Err   error
	Point spec.Point // the first that has it
	Count int        // points that have it
}

// Faults is every distinct mistake of a space, in the order of the points.
type Faults struct {
	List   []Fault
	Points int // of the space
}

// Add notes the mistakes of a point, which may be several errors joined. Mistakes with the same words are one.
func (f *Faults) Add(err error, p spec.Point) {
	if several, ok := err.(interface{ Unwrap() []error }); ok && errors.Join(several.Unwrap()...).Error() == err.Error() {
		for _, e := range several.Unwrap() {
			f.Add(e, p)
		}
		return
	}
	for i := range f.List {
		if f.List[i].Err.Error() == err.Error() {
			f.List[i].Count++
			return
		}
	}
	f.List = append(f.List, Fault{Err: err, Point: p, Count: 1})
}

func (f *Faults) Error() string {
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

// detail is the text of an error with the calls that led to it, if it knows them.
func detail(err error) string {
	if e, ok := err.(interface{ Detail() string }); ok {
		return e.Detail()
	}
	return err.Error()
}

func (f *Faults) Unwrap() (errs []error) {
	for _, x := range f.List {
		errs = append(errs, x.Err)
	}
	return errs
}

// Make expands a study. Mistakes in the jobs come back together as *Faults.
func Make(ctx context.Context, s Study, seeds []uint32) (*Plan, error) {
	points, err := s.Points()
	if err != nil {
		return nil, err
	}
	jobs, err := Jobs(ctx, s, points)
	if err != nil {
		return nil, err
	}
	p := &Plan{}
	group := map[string]int{} // fingerprint -> place in Programs
	for i, job := range jobs {
		f := job.Program.Fingerprint()
		if _, ok := group[f]; !ok {
			group[f] = len(p.Programs)
			p.Programs = append(p.Programs, job.Program)
		}
		for j, seed := range seeds {
			p.Trials = append(p.Trials, Trial{Index: i*len(seeds) + j, Point: points[i], Seed: seed, Job: job})
		}
	}
	err = p.Identify(func(j *model.Job) (model.Inputs, error) { return j.Unread(), nil })
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(p.Trials, func(a, b Trial) int {
		return group[a.Job.Program.Fingerprint()] - group[b.Job.Program.Fingerprint()]
	})
	p.number()
	return p, nil
}

// Identify names trials by their content, which inputs reads of each job, and leaves out those that are the same as an earlier one.
func (p *Plan) Identify(inputs func(*model.Job) (model.Inputs, error)) error {
	type identity struct {
		model.Inputs
		configuration string
	}
	known := map[*model.Job]identity{} // seeds share a job
	seen := make(map[string]bool, len(p.Trials))
	kept := p.Trials[:0]
	for _, t := range p.Trials {
		x, ok := known[t.Job]
		if !ok {
			in, err := inputs(t.Job)
			if err != nil {
				return err
			}
			x = identity{in, t.Job.Configuration(in)}
			known[t.Job] = x
		}
		t.Inputs, t.Configuration, t.ID = x.Inputs, x.configuration, t.Job.ID(x.configuration, t.Seed)
		if seen[t.ID] {
			p.Repeated++
			continue
		}
		seen[t.ID] = true
		kept = append(kept, t)
	}
	p.Trials = kept
	p.number()
	return nil
}

// number counts the trials in the order in which they run.
func (p *Plan) number() {
	for i := range p.Trials {
		p.Trials[i].Place = i + 1
	}
}

// Jobs makes the jobs of points, on all cores.
func Jobs(ctx context.Context, s Study, points []spec.Point) ([]*model.Job, error) {
	jobs, errs := make([]*model.Job, len(points)), make([]error, len(points))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	const chunk = 32 // points that one goroutine makes in a row
	for lo := 0; lo < len(points); lo += chunk {
		g.Go(func() error {
			for i := lo; i < min(lo+chunk, len(points)); i++ {
				if err := ctx.Err(); err != nil {
					return context.Cause(ctx)
				}
				jobs[i], errs[i] = s.Job(ctx, points[i])
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if errors.Join(errs...) == nil {
		return jobs, nil
	}
	faults := &Faults{Points: len(points)}
	for i, err := range errs {
		if err != nil {
			faults.Add(err, points[i])
		}
	}
	return nil, faults
}

// Summary is a line for people: "384 trials, 32 programs", and how many more are the same as one of these.
func (p *Plan) Summary() string {
	s := fmt.Sprintf("%s, %s", count(len(p.Trials), "trial"), count(len(p.Programs), "program"))
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
