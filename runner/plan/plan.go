// Package plan expands a study into trials: every suggestion of its search, each with its job and its name, ordered so that trials of
// one program follow each other and compile once. It makes jobs on all cores, and collects every distinct error of a space instead of
// stopping at the first. A search that reads the history adds its suggestions as they come. The package knows neither Starlark nor
// GoMLX; package runner trains what it returns.
package plan

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// Study makes the jobs of a plan.
type Study interface {
	// Job is the job of a point. The error is a *model.Skipped if there is nothing to train there. It is called from several goroutines,
	// and again whenever a trial of the point is asked for.
	Job(ctx context.Context, p spec.Point) (*model.Job, error)
}

// Trial is one training run: a point under a seed.
type Trial struct {
	sweep.Suggestion
	Place int        // in the order in which trials run, from 1
	Job   *model.Job // nil if the script skips the trial
	Skip  string     // why it skips it

	// The trial's identity, once Identify has read what its job reads. Before that, Configuration and ID only distinguish the
	// trials of this plan.
	Inputs            model.Inputs
	Configuration, ID string
}

// Plan is the trials of a study in the order in which they run: the suggestions of one seed before those of the next, and of those the
// ones of one program together. It takes 16 bytes per trial: points and jobs are made on demand. While Add adds a trial, other goroutines
// may call the methods that read one; the fields are those of a plan that nobody adds to.
type Plan struct {
	Programs []*model.Program // distinct, in the order of first use
	Families []Family         // in the order of first use
	Skipped  int              // trials that the script skips
	Repeated int              // trials left out because an earlier one has the same content
	Shorter  int              // trials left out because they are the first epochs of another one
	LeftOut  int              // points left out because they do not satisfy the constraint

	study    Study
	blocks   *search.Blocks // what was traced at once
	trials   []slot
	inputs   []model.Inputs    // by family
	families map[string]uint32 // the numbers of families, by what their jobs agree in
	programs map[string]int    // the places of programs, by fingerprint
	growth
}

// Family is the jobs that agree in everything but the values of their numbers: in program, data, epochs, evaluation and columns.
type Family struct {
	Job    *model.Job // the first
	Point  spec.Point // its point
	Trials int
	Points int // of the sample from which a plan grows

	first   int // the place of Point in the search
	program int // place in Programs
}

// slot is a trial as a plan keeps it.
type slot struct {
	id     [8]byte
	index  uint32 // of its suggestion
	family uint32 // or skipped
}

// skipped is the family of trials that have no job.
const skipped = math.MaxUint32

// Len is the number of trials.
func (p *Plan) Len() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.trials)
}

// Most is the number of trials, or how many there may be if the plan grows.
func (p *Plan) Most() int { return max(p.Len(), p.most) }

// Least is how many of the Most trials there will be whatever the results, if that is known; 0 if it is not.
func (p *Plan) Least() int { return p.least }

// At is the trial that runs in place i, counted from 0.
func (p *Plan) At(i int) Trial {
	p.mu.RLock()
	s := p.trials[i]
	t := Trial{Suggestion: p.suggestion(int(s.index)), Place: i + 1, ID: hex.EncodeToString(s.id[:])}
	if s.family != skipped {
		t.Inputs = p.inputs[s.family]
	}
	p.mu.RUnlock()
	job, err := p.study.Job(context.Background(), t.Point)
	var skip *model.Skipped
	switch {
	case errors.As(err, &skip):
		t.Skip, t.Configuration = skip.Reason, skipConfiguration(t.Point, skip)
		return t
	case err != nil: // a study is a pure function of the point
		panic(fmt.Sprintf("plan: the job of %v was made before, and now: %v", t.Point, err))
	}
	t.Job = job
	t.Configuration = job.Configuration(t.Inputs)
	return t
}

// suggestion is the suggestion with an index.
func (p *Plan) suggestion(index int) sweep.Suggestion {
	if p.source != nil {
		return p.added[index]
	}
	return p.blocks.At(index)
}

// Inputs are what the jobs of family i read, once Identify has read it.
func (p *Plan) Inputs(i int) model.Inputs { return p.inputs[i] }

// ID is the ID of the trial in place i.
func (p *Plan) ID(i int) string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return hex.EncodeToString(p.trials[i].id[:])
}

// Skips reports whether the script skips the trial in place i.
func (p *Plan) Skips(i int) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.trials[i].family == skipped
}

// Traced is how many trials there are or, in a plan that grows, points of its sample; and what they are: "trials" or "points".
func (p *Plan) Traced() (n int, what string) {
	if p.Grows() {
		return p.sample, "points"
	}
	return p.Len(), "trials"
}

// Traced is how many of them the family has.
func (f Family) Traced() int { return f.Trials + f.Points }

// Epochs is the budget of the trial in place i; 0 if the script skips it.
func (p *Plan) Epochs(i int) int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.epochs(p.trials[i])
}

func (p *Plan) epochs(s slot) int {
	if s.family == skipped {
		return 0
	}
	return p.Families[s.family].Job.Epochs
}

// Evaluation is how the trial in place i is evaluated; the zero one if the script skips it.
func (p *Plan) Evaluation(i int) spec.Evaluation {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.trials[i].family == skipped {
		return spec.Evaluation{}
	}
	return p.Families[p.trials[i].family].Job.Evaluation
}

// Program is the program of the trial in place i; nil if the script skips it.
func (p *Plan) Program(i int) *model.Program {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.trials[i].family == skipped {
		return nil
	}
	return p.Programs[p.program(p.trials[i])]
}

// All are the trials in the order in which they run.
func (p *Plan) All() iter.Seq[Trial] {
	return func(yield func(Trial) bool) {
		for i := range p.Len() {
			if !yield(p.At(i)) {
				return
			}
		}
	}
}

// Summary is one line for users: "384 trials, 32 programs", and how many trials and points are left out, and why.
func (p *Plan) Summary() string {
	if p.source != nil {
		return p.growing()
	}
	return fmt.Sprintf("%s, %s", count(p.Len()-p.Skipped, "trial"), count(len(p.Programs), "program")) + p.leftOut(p.Skipped)
}

// growing is the summary of a plan that grows.
func (p *Plan) growing() string {
	trials := "at most "
	if p.least > 0 {
		trials = fmt.Sprintf("%d to ", p.least-p.skips)
	}
	return fmt.Sprintf("%s%s, %s among %s of the space", trials, count(p.Most()-p.skips, "trial"), count(len(p.Programs), "program"),
		count(p.sample, "point")) + p.leftOut(p.skips)
}

// leftOut says how many trials and points are left out, and why.
func (p *Plan) leftOut(skips int) string {
	var out []string
	for _, x := range []struct {
		n         int
		what, why string
	}{
		{skips, "trial", "skipped by the script"},
		{p.Repeated, "trial", "left out: the same as others"},
		{p.Shorter, "trial", "left out: the first epochs of longer ones"},
		{p.LeftOut, "point", "left out by the constraint"},
	} {
		if x.n > 0 {
			out = append(out, count(x.n, x.what)+" "+x.why)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s)", strings.Join(out, "; "))
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
