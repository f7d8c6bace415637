package starlib

import (
	"context"
	"slices"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/number"
)

// PlainJob is Job by a separate evaluation without symbols.
func (s *Study) PlainJob(ctx context.Context, point spec.Point) (*model.Job, error) {
	values := append(slices.Clone(point), s.Settings...)
	o, _, err := s.attempt(ctx, number.New(values).Plainly())
	if err != nil {
		return nil, err
	}
	if o.err != nil {
		return nil, o.err
	}
	job, _ := s.at(o, values)
	return job, nil
}

// Traces counts the traces, programs and evaluations of trial(p) that a study keeps.
func (s *Study) Traces() (traces, programs, outcomes int) {
	traces, programs = s.programs.Counts()
	return traces, programs, s.made.kept
}

// Std lists the files of the standard library, as load names them, with their sources.
func Std() map[string]string { return stdFiles() }

// Builtins lists the names that a script sees without load, except those of Starlark itself.
func Builtins(catalogue spec.Catalogue) []string { return words(predeclared(catalogue)) }
