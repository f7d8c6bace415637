package starlib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"github.com/starsweep/starsweep/starlib/tensor"
	"github.com/starsweep/starsweep/starlib/trace"
	"github.com/starsweep/starsweep/starlib/trial"
)

// Job returns what trial(p) declares at a point, with its program. The script is evaluated once for all points that agree on the
// values that decide something in it; for each of them only the numbers of the job are computed (number.Symbol). Trials whose
// networks, losses and batch agree share a trace, and equal programs are shared. Errors are *Errors of the script, joined if there
// are several, the cause of ctx, or a *model.Skipped if trial(p) returns skip(reason). Job is safe for concurrent use.
func (s *Study) Job(ctx context.Context, point spec.Point) (*model.Job, error) {
	values := append(slices.Clone(point), s.Settings...)
	o := s.made.find(values)
	if o == nil {
		var err error
		if o, err = s.evaluate(ctx, number.New(values)); err != nil {
			return nil, err
		}
	}
	job, ok := s.at(o, values)
	if !ok { // a number is out of its bounds here, or has no value
		var err error
		if o, _, err = s.attempt(ctx, number.New(values).Plainly()); err != nil {
			return nil, err
		}
		job, _ = s.at(o, values)
	}
	switch {
	case o.err != nil:
		return nil, o.err
	case o.skip != "":
		return nil, &model.Skipped{Reason: o.skip}
	}
	return job, nil
}

// outcomes holds the evaluations that a study keeps.
type outcomes struct {
	mu      sync.RWMutex
	tree    number.Tree[outcome]
	nodes   int       // of the tree
	kept    int       // outcomes in it
	threads sync.Pool // to compute formulas with
}

func (o *outcomes) find(point spec.Point) *outcome {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.tree.Find(point)
}

func (o *outcomes) add(names []string, point spec.Point, made *outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.nodes >= maxNodes {
		return
	}
	nodes, stored := o.tree.Add(names, point, made)
	if o.nodes += nodes; stored {
		o.kept++
	}
}

// maxNodes bounds the outcomes of a space in which everything decides: a node takes a few hundred bytes. Points beyond it are evaluated
// every time.
const maxNodes = 100_000

// outcome is the result of evaluating trial(p), for all points that agree on what it read.
type outcome struct {
	err  error     // of the script, or:
	skip string    // why there is nothing to train, or:
	job  model.Job // with variables among its numbers
	number.Assumptions
	numbers trial.Numbers
	names   bool // several numbers have one name: whether they are equal depends on the point
}

// evaluate makes the outcome for the point of an evaluation and those like it.
func (s *Study) evaluate(ctx context.Context, r *number.Evaluation) (*outcome, error) {
	for {
		o, again, err := s.attempt(ctx, r)
		if err != nil {
			return nil, err
		}
		if again { // at most once for every number
			r = r.Again()
			continue
		}
		if o.err != nil && !r.Empty() {
			failed := o.err
			// The message may mention symbols. If it is the same without them, it holds for every point like this one.
			first := r
			r = r.Plainly()
			if o, _, err = s.attempt(ctx, r); err != nil {
				return nil, err
			}
			if o.err != nil && o.err.Error() == failed.Error() {
				o.Assumptions, r = first.Current(), first
			}
		}
		s.made.add(r.ReadNames(), r.Point, o)
		return o, nil
	}
}

// attempt evaluates trial(p) once. again reports that the values of symbols decided something, so that these numbers must be plain.
// err is the end of the context; errors of the script are part of the outcome.
func (s *Study) attempt(ctx context.Context, r *number.Evaluation) (o *outcome, again bool, err error) {
	th := s.loader.thread()
	r.Attach(th)
	show := th.Print
	th.Print = func(th *starlark.Thread, message string) {
		if r.Shows() {
			show(th, message)
		}
	}
	kit.SetNotes(th, s.notes)
	o, err = sandbox.Run(ctx, th, func() (*outcome, error) { return s.outcome(ctx, th, r) })
	if err != nil {
		if errors.As(err, new(sandbox.Interrupted)) || ctx.Err() != nil {
			return nil, false, kit.Locate(err, s.decl.pos)
		}
		o = &outcome{err: kit.Locate(err, s.decl.pos)}
	}
	return o, r.Revealed(), nil
}

func (s *Study) outcome(ctx context.Context, th *starlark.Thread, r *number.Evaluation) (*outcome, error) {
	p := number.NewParams(r, s.Space, s.Settings, s.note)
	v, err := starlark.Call(th, s.decl.trial.Fn, starlark.Tuple{p}, nil)
	if err != nil {
		return nil, err
	}
	var t *trial.Trial
	switch v := v.(type) {
	case trial.Skip:
		return &outcome{skip: v.Reason, Assumptions: r.Current()}, nil
	case *trial.Trial:
		if pos := trial.Skips(th); pos != "" {
			return nil, &kit.Error{Pos: pos, Msg: "skip: its value is not what trial(p) returns: write return skip(...)"}
		}
		t = v
	default:
		return nil, &kit.Error{Pos: s.decl.trial.Position(), Msg: fmt.Sprintf("trial: got %s, want gan(...), job(...) or skip(reason)%s",
			kit.Describe(v), kit.Forgotten(v))}
	}
	// Networks and losses are called more than once, so they must not change what they captured.
	if err := sandbox.Freeze(th, t); err != nil {
		return nil, kit.Locate(err, t.Pos)
	}
	e, err := s.programs.Of(th, t, r, s.loader.DType, func() bool { return ctx.Err() == nil })
	if e != nil {
		for _, name := range e.Reads() {
			s.note(name)
		}
	}
	if err != nil || r.Revealed() {
		return nil, err
	}
	return s.assembled(t, e, r)
}

// assembled is the outcome of a trial whose program is traced.
func (s *Study) assembled(t *trial.Trial, e *trace.Trace, r *number.Evaluation) (*outcome, error) {
	for _, why := range e.Program.Unread {
		s.notes.Add(t.Pos, why+" (critic = lambda out: ... selects one of several numbers, critic = False records neither)")
	}
	reals, err := e.Program.Rebind(e.Reals, t.ModelPlayers())
	if err != nil {
		return nil, err
	}
	o := &outcome{Assumptions: r.Current(),
		job: model.Job{Data: t.Data.Data, Epochs: t.Epochs, Evaluation: t.Evaluation, Program: e.Program, Reals: reals}}
	job, ok := s.at(o, r.Point)
	if !ok {
		return nil, fmt.Errorf("internal error: the numbers of a trial are not those that it was evaluated with")
	}
	if err := s.columns(job); err != nil {
		r.RevealAll() // numbers of one name may be equal elsewhere
		return nil, kit.Locate(err, t.Pos)
	}
	o.names = sharesNames(job)
	if err := t.CheckMetrics(e.Program); err != nil {
		return nil, err
	}
	perEpoch, unsuited := t.CheckData(e.Program, trial.Sets{Images: s.loader.Images, Fits: s.loader.Fits}, s.notes, s.shortened)
	all := t.Numbers(perEpoch)
	o.numbers = all.Variables()
	bind, _ := s.binding(o, r.Point)
	wrong := all.At(bind).Check(s.notes, s.shortened)
	if wrong != nil {
		r.RevealAll()
	}
	return o, errors.Join(unsuited, wrong)
}

// at is the outcome's job at a point, an empty one if the outcome is an error. ok is false if the point does not meet the assumptions of
// the evaluation.
func (s *Study) at(o *outcome, point spec.Point) (*model.Job, bool) {
	job := o.job
	if o.Empty() {
		return &job, true
	}
	bind, ok := s.binding(o, point)
	if !ok {
		return nil, false
	}
	job.Reals = slices.Clone(job.Reals)
	for i, r := range job.Reals {
		job.Reals[i].Value = r.Value.Bind(bind)
	}
	return &job, o.numbers.At(bind).Check(s.notes, s.shortened) == nil && (!o.names || s.columns(&job) == nil)
}

// binding returns the values of the outcome's variables at a point; ok is false if the point does not meet the assumptions.
func (s *Study) binding(o *outcome, point spec.Point) (bind func(id string) spec.Schedule, ok bool) {
	th, _ := s.made.threads.Get().(*starlark.Thread)
	if th == nil {
		th = s.loader.thread()
	}
	defer func() {
		th.Steps = 0
		s.made.threads.Put(th)
	}()
	return o.Assumptions.At(th, point)
}

// Networks describes the networks of a job that Job returned.
func (s *Study) Networks(job *model.Job) []tensor.Network {
	return s.programs.Networks(job.Program)
}

// sharesNames reports whether a job has several numbers under one name, which may be equal at one point and not at another.
func sharesNames(job *model.Job) bool {
	seen := map[string]bool{}
	for _, r := range job.Reals {
		for label := range r.Value.Named() {
			if seen[label.Name] {
				return true
			}
			seen[label.Name] = true
		}
	}
	return false
}
