package starlib

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Constraint returns the function that reports whether a point satisfies the study's constraint, or nil if there is none. It is a pure
// function of the point, safe for concurrent use, and traces nothing. Errors are *Errors of the script, or the cause of the context.
func (s *Study) Constraint() func(context.Context, spec.Point) (bool, error) {
	if s.decl.constraint.Fn == nil {
		return nil
	}
	return s.allows
}

func (s *Study) allows(ctx context.Context, point spec.Point) (bool, error) {
	v, err := s.ask(ctx, s.decl.constraint.Fn, point, s.noteSetting)
	if err == nil {
		if allowed, ok := v.(starlark.Bool); ok {
			return bool(allowed), nil
		}
		err = &kit.Error{Pos: s.decl.constraint.Position(), Msg: fmt.Sprintf("constraint: got %s, want True or False%s", kit.Describe(v),
			kit.Forgotten(v))}
	}
	return false, wrongAt(point, kit.Locate(err, s.decl.pos))
}

// ask calls a function of the script with p as it is at a point, or at the beginning of one. note is called with the names that it reads.
func (s *Study) ask(ctx context.Context, fn starlark.Callable, point spec.Point, note func(name string)) (starlark.Value, error) {
	th := s.loader.thread()
	p := number.NewParams(number.New(append(slices.Clone(point), s.Settings...)).Plainly(), s.Space, s.Settings, note)
	return sandbox.Run(ctx, th, func() (starlark.Value, error) { return starlark.Call(th, fn, starlark.Tuple{p}, nil) })
}

// wrongAt is an error of the script with the point where it occurs.
func wrongAt(point spec.Point, err error) error {
	if at := new(kit.Error); errors.As(err, &at) && len(point) > 0 {
		at.Msg += fmt.Sprintf(" (at %v)", point)
	}
	return err
}

// noteSetting records that a setting was read. A hyperparameter that only the constraint reads is still one that no trial reads.
func (s *Study) noteSetting(name string) {
	if _, ok := s.Settings.Get(name); ok {
		s.note(name)
	}
}
