// Package compare tells how two studies differ: in their scripts, in what they were made with, in their trials, and in the numbers of
// the trials that both have. The command diff prints what it returns. It reads studies through package results, and knows neither
// scripts as a language nor engines.
package compare

import (
	"cmp"
	"slices"

	"github.com/starsweep/starsweep/results"
)

// Options are choices of the reader.
type Options struct {
	ByPoint   bool    // pair trials by hyperparameters and seed, rather than by configuration and seed
	Tolerance float64 // numbers are equal if their relative difference is no larger
}

// Result is how two studies differ. Lists without entries mean that there is no difference of their kind.
type Result struct {
	Scripts    []Script   `json:"scripts"`    // files of the newest plans' scripts
	Properties []Property `json:"properties"` // what the studies were made with
	OnlyA      []Trial    `json:"only_a"`
	OnlyB      []Trial    `json:"only_b"`

	Trials  int      `json:"trials"`  // number that both have
	Cells   int      `json:"cells"`   // of these, in columns that both have
	Numbers []Number `json:"numbers"` // the first difference of each trial that differs
	Columns []Column `json:"columns"` // those with differences, the largest first
}

// Trial names a trial of a study.
type Trial struct {
	ID    string `json:"trial"`
	Label string `json:"label"`
}

// Differ reports whether there is any difference.
func (r *Result) Differ() bool {
	return len(r.Scripts)+len(r.Properties)+len(r.OnlyA)+len(r.OnlyB)+len(r.Numbers) > 0
}

// Studies compares two studies. Errors are those of reading them.
func Studies(a, b *results.View, o Options) (*Result, error) {
	r := &Result{OnlyA: []Trial{}, OnlyB: []Trial{}}
	var err error
	if r.Scripts, err = scripts(a, b); err != nil {
		return nil, err
	}
	if r.Properties, err = properties(a, b); err != nil {
		return nil, err
	}
	return r, r.numbers(a, b, o)
}

// byName sorts and removes duplicates.
func byName[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}
