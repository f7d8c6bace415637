package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
)

// takeOver takes finished trials of the plan over from the studies of --reuse, so that they are not trained again. Of several studies
// that have a trial, the first one counts.
func (r *training) takeOver() error {
	for _, dir := range r.reuse {
		if err := r.reuseFrom(r.ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

func (r *training) reuseFrom(ctx context.Context, dir string) error {
	if sameFolder(dir, r.dir) {
		return usageErrorf("--reuse: %s is the directory of this study", dir)
	}
	v, err := r.env.openView(dir)
	if err != nil {
		return fmt.Errorf("--reuse: %w", err)
	}
	defer v.Close()
	d := &donor{Donor: v.Donor(), byID: map[string]results.State{}, byLabel: map[string]results.State{}, left: map[string]int{}}
	for _, t := range v.Trials() {
		d.byID[spec.TrialID(t.Configuration, uint32(t.Seed))] = t
		d.byLabel[v.Meta().Label(t.Point, t.Seed)] = t
	}
	taken := 0
	for i := range r.plan.Len() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		switch err := r.reuseTrial(i, d); {
		case err == nil:
			taken++
		case errors.Is(err, results.ErrReuse):
			d.left[err.Error()]++
		case !errors.Is(err, errNotReused) && !errors.Is(err, results.ErrClaimed): // another process of this study has it
			return err
		}
	}
	fmt.Fprintf(r.env.Stdout, "%s reused from %s\n", plain.Count(taken, "trial"), dir)
	for _, why := range slices.Sorted(maps.Keys(d.left)) {
		r.env.warn(fmt.Errorf("%s of %s not reused: %s", plain.Count(d.left[why], "trial"), dir, why))
	}
	return nil
}

// donor is a study whose trials are taken over.
type donor struct {
	*results.Donor
	byID    map[string]results.State // by the ID that this version gives
	byLabel map[string]results.State // by hyperparameters and seed
	left    map[string]int           // trials that are not taken over, by the reason
}

// errNotReused says that a trial needs no donor, or that the donor does not have it.
var errNotReused = errors.New("not reused")

// reuseTrial takes the trial in place i of the plan over.
func (r *training) reuseTrial(i int, d *donor) error {
	id, wanted := r.plan.ID(i), r.plan.Epochs(i)
	own, begun := r.study.View().State(id)
	if r.plan.Skips(i) || begun && finishes(own, wanted) {
		return errNotReused
	}
	old, there := d.byID[id]
	if !there {
		p := r.plan.At(i)
		if old, there = d.byLabel[r.study.View().Meta().Label(execute.Record(p, r.env.Now()).Point, int64(p.Seed))]; there {
			return fmt.Errorf("%w: %s", results.ErrReuse, otherwise(old.Trial, p))
		}
		return errNotReused
	}
	if !finishes(old, wanted) {
		return fmt.Errorf("%w: %s after %d epochs, want %d", results.ErrReuse, old.Status, old.Epochs, wanted)
	}
	if begun {
		if err := r.study.Forget(id); err != nil {
			return err
		}
	}
	return r.study.Reuse(d.Donor, old.ID, execute.Record(r.plan.At(i), r.env.Now()))
}

// finishes reports whether a trial is at its end for a number of epochs.
func finishes(t results.State, epochs int) bool {
	s := sweep.State(t.Status)
	return s.Final() && t.Status != results.Failed && !s.Extends(t.Epochs, t.Length, epochs)
}

// otherwise says in what a trial differs from one of the plan with the same hyperparameters and seed.
func otherwise(old results.Trial, p plan.Trial) string {
	switch {
	case old.Train != p.Inputs.Train:
		return "they were trained on other images"
	case old.Measure.String() != p.Inputs.Measure.String():
		return fmt.Sprintf("they were measured otherwise, by %s", old.Measure)
	}
	return "their networks, losses, numbers or settings differ"
}
