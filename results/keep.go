package results

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/pareto"
)

// Keep says which finished trials keep their weights, as their last checkpoint.
type Keep string

// The zero value is KeepFront.
const (
	// KeepFront keeps the trials of the front: those that no other dominates in the study's objectives, among all finished trials of
	// their measure, each at its last measured epoch, or among those of the newest plan, within its budget. Without objectives nothing is
	// known to be better, and the first trial of each configuration stays. A trial whose weights are lost takes those of no other: the
	// same holds among the trials that have weights.
	KeepFront Keep = "front"
	KeepAll   Keep = "all"
	KeepNone  Keep = "none"
)

// ParseKeep reads a policy as command lines write it.
func ParseKeep(text string) (Keep, error) {
	if k := Keep(text); k == KeepFront || k == KeepAll || k == KeepNone {
		return k, nil
	}
	return "", fmt.Errorf("got %q, want front, all or none", text)
}

// Unkept returns the finished trials whose weights need not stay, in the order of Trials; none if it cannot be told which trials have
// weights. A trial of which the newest plan wants more epochs is not among them: it goes on from its checkpoint. Nor is one that was
// extended and has not ended anew, and it takes no part in comparisons: its checkpoint is not of the epoch of its point.
//
// Any number of processes may remove the checkpoints at the same time, each when it finds them. A checkpoint goes only if a better trial
// has one, which in turn goes only for one that is better still: the best that there are stay, in whatever order others go. A process
// that is behind, or sees a checkpoint late, finds too few.
func (v *View) Unkept(k Keep) (ids []string) {
	if k == KeepAll {
		return nil
	}
	weights, err := v.checkpoints()
	if err != nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	kept := map[*trial]bool{}
	if k != KeepNone {
		v.fold.front(kept, func(*trial) bool { return true })
		v.fold.front(kept, func(t *trial) bool { return weights[t.id] })
	}
	for _, t := range v.fold.ordered() {
		budget := v.fold.budget(t)
		goesOn := budget != unlimited && budget > t.Length
		if t.outcome() != nil && !kept[t] && !goesOn {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// front adds the trials that KeepFront keeps among some.
func (f *fold) front(kept map[*trial]bool, among func(*trial) bool) {
	if len(f.meta.Objectives) == 0 {
		for _, t := range f.firsts(among) {
			kept[t] = true
		}
		return
	}
	all, planned := map[string][]member{}, map[string][]member{} // by measure
	for _, t := range f.ordered() {
		if t.ended == nil || !among(t) {
			continue
		}
		// Weights are of the last epoch. A plan of fewer epochs takes nothing from what they are worth: were trials compared within its
		// budget alone, the trials that it prefers may have lost theirs to those that it disregards, and none would remain.
		if points := usable(t, t.points, unlimited); len(points) > 0 {
			all[t.measure] = append(all[t.measure], f.member(t, t, points[len(points)-1]))
		}
		if p, any := f.representative(t, t.points, Comparison{}); any && f.inPlan(t) {
			planned[t.measure] = append(planned[t.measure], f.member(t, t, p))
		}
	}
	for _, groups := range []map[string][]member{all, planned} {
		for _, group := range groups {
			points := make([][]float64, len(group))
			for i, m := range group {
				points[i] = m.values
			}
			best, err := pareto.Front(points, directions(f.objectives))
			if err != nil { // of points of different lengths, which representative does not return
				panic(err)
			}
			for _, i := range best {
				kept[group[i].trial] = true
			}
		}
	}
}

// firsts are the first usable trial of each configuration among some, by configuration.
func (f *fold) firsts(among func(*trial) bool) map[string]*trial {
	first := map[string]*trial{}
	for _, t := range f.ordered() {
		switch f.state(t).Status {
		case Completed, Pruned, Collapsed:
			if first[t.Configuration] == nil && among(t) {
				first[t.Configuration] = t
			}
		}
	}
	return first
}
