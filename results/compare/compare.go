// Package compare tells how two studies differ: in their scripts, in what they were made with, in their trials, and in the numbers of
// the trials that both have. The command diff prints what it returns. It reads studies through package results, and knows neither
// scripts as a language nor engines.
package compare

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/starsweep/starsweep/results"
)

// Options are choices of the reader.
type Options struct {
	ByPoint   bool    // pair trials of the newest plans by hyperparameters and seed, rather than all by configuration and seed
	Tolerance float64 // numbers are equal if their relative difference is no larger
}

// Result is how two studies differ. Lists without entries mean that there is no difference of their kind.
type Result struct {
	Scripts    []Script   `json:"scripts"`    // files of the newest plans' scripts
	Properties []Property `json:"properties"` // what the studies were made with
	OnlyA      []Trial    `json:"only_a"`
	OnlyB      []Trial    `json:"only_b"`
	Ambiguous  []Trial    `json:"ambiguous"` // by hyperparameters and seed there are several, so that none is compared

	Common  int      `json:"common"`  // number of trials that both have
	Numbers []Number `json:"numbers"` // the first difference of each of these trials that differs
	Columns []Column `json:"columns"` // those with differences, the largest first
}

// Trial names a trial of a study.
type Trial struct {
	ID    string `json:"trial"`
	Label string `json:"label"`
}

// NumbersDiffer reports whether a trial is missing on one side or has different numbers.
func (r *Result) NumbersDiffer() bool {
	return len(r.OnlyA)+len(r.OnlyB)+len(r.Ambiguous)+len(r.Numbers) > 0
}

// Differ reports whether there is any difference.
func (r *Result) Differ() bool { return len(r.Scripts)+len(r.Properties) > 0 || r.NumbersDiffer() }

// Studies compares two studies. Errors are those of reading them, and of ctx.
func Studies(ctx context.Context, a, b *results.View, o Options) (*Result, error) {
	r := &Result{OnlyA: []Trial{}, OnlyB: []Trial{}, Ambiguous: []Trial{}}
	var err error
	if r.Scripts, err = scripts(a, b); err != nil {
		return nil, err
	}
	if r.Properties, err = properties(a, b); err != nil {
		return nil, err
	}
	pairs := r.pair(a, b, o)
	c := newComparison(a, b, o.Tolerance)
	for _, p := range pairs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := c.trials(p); err != nil {
			return nil, err
		}
	}
	r.Common, r.Numbers, r.Columns = len(pairs), c.firsts, c.columns()
	return r, nil
}

// pair is a trial that both studies have.
type pair struct {
	a, b  results.State
	label string
}

// pair finds the trials that both studies have, in the order of a, and notes the others.
func (r *Result) pair(a, b *results.View, o Options) (pairs []pair) {
	key := func(_ *results.View, t results.State) string { return results.TrialID(t.Configuration, t.Seed) }
	if o.ByPoint {
		key = func(v *results.View, t results.State) string { return v.Meta().Label(t.Point, t.Seed) }
	}
	inA, orderA := byKey(a, o, key)
	inB, orderB := byKey(b, o, key)
	for _, k := range orderA {
		label := a.Meta().Label(inA[k][0].Point, inA[k][0].Seed)
		switch {
		case len(inB[k]) == 0:
			r.OnlyA = append(r.OnlyA, named(a, inA[k])...)
		case len(inA[k]) > 1 || len(inB[k]) > 1:
			r.Ambiguous = append(r.Ambiguous, named(a, inA[k])...)
		default:
			pairs = append(pairs, pair{inA[k][0], inB[k][0], label})
		}
	}
	for _, k := range orderB {
		if len(inA[k]) == 0 {
			r.OnlyB = append(r.OnlyB, named(b, inB[k])...)
		}
	}
	return pairs
}

// byKey groups the trials of a study.
func byKey(v *results.View, o Options, key func(*results.View, results.State) string) (groups map[string][]results.State, order []string) {
	groups = map[string][]results.State{}
	for _, t := range v.Trials() {
		if o.ByPoint && !t.InPlan {
			continue
		}
		k := key(v, t)
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], t)
	}
	return groups, order
}

func named(v *results.View, trials []results.State) (list []Trial) {
	for _, t := range trials {
		list = append(list, Trial{t.ID, v.Meta().Label(t.Point, t.Seed)})
	}
	return list
}

// errColumns is the error for rows that cannot be told apart, which no study has.
var errColumns = errors.New("two rows of one trial have the same place")

// byName sorts and removes duplicates.
func byName[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}
