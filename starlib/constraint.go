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
	th := s.loader.thread()
	p := number.NewParams(number.New(append(slices.Clone(point), s.Settings...)).Plainly(), s.Space, s.Settings,
		s.noteSetting)
	v, err := sandbox.Run(ctx, th, func() (starlark.Value, error) {
		return starlark.Call(th, s.decl.constraint.Fn, starlark.Tuple{p}, nil)
	})
	if err == nil {
		if allowed, ok := v.(starlark.Bool); ok {
			return bool(allowed), nil
		}
		err = &kit.Error{Pos: s.decl.constraint.Position(), Msg: fmt.Sprintf("constraint: got %s, want True or False%s", kit.Describe(v),
			kit.Forgotten(v))}
	}
	err = kit.Locate(err, s.decl.pos)
	if at := new(kit.Error); errors.As(err, &at) && len(point) > 0 {
		at.Msg += fmt.Sprintf(" (at %v)", point)
	}
	return false, err
}

// noteSetting records that a setting was read. A hyperparameter that only the constraint reads is still one that no trial reads.
func (s *Study) noteSetting(name string) {
	if _, ok := s.Settings.Get(name); ok {
		s.note(name)
	}
}
