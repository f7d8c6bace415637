package starlib

import (
	"context"
	"fmt"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/space"
)

// Derivation returns the function that sets the values of the derived hyperparameters at a point whose other values are settled, or nil if
// there are none. It is a pure function of those, safe for concurrent use, and traces nothing. Errors are *Errors of the script, or the
// cause of the context.
func (s *Study) Derivation() func(context.Context, spec.Point) error {
	if len(s.derivations) == 0 {
		return nil
	}
	return s.derive
}

func (s *Study) derive(ctx context.Context, point spec.Point) (err error) {
	for i, d := range s.Space {
		if !d.Derived {
			continue
		}
		if point[i].Value, err = s.derived(ctx, point[:i], i); err != nil {
			return err
		}
	}
	return nil
}

// derived is the value of derived hyperparameter i by those before it; none where it does not apply. Until its kind is known, the value has
// the kind that the script gave it.
func (s *Study) derived(ctx context.Context, before spec.Point, i int) (spec.Value, error) {
	d := s.Space[i]
	if !s.Space.Applies(before, i) {
		return spec.Value{}, nil
	}
	from := s.derivations[d.Name]
	raw, err := s.ask(ctx, from.Fn, before, s.note)
	if err == nil {
		var v spec.Value
		if v, err = space.Value(raw); err != nil {
			err = fmt.Errorf("%w%s", err, kit.Forgotten(raw))
		} else if d.Kind != spec.None {
			v, err = v.As(d.Kind)
		}
		if err == nil {
			return v, nil
		}
		err = &kit.Error{Pos: from.Position(), Msg: fmt.Sprintf("%s: %v", d.Name, err)}
	}
	return spec.Value{}, wrongAt(before, kit.Locate(err, from.Position()))
}

// A derived hyperparameter is computed at so many points of the space when the script is read, which are drawn until it applies to as many.
const (
	tried     = 100
	mostDrawn = 100 * tried
)

// kinds sets the kinds of the derived hyperparameters. The columns of a study have their types before it has points, and they must not
// depend on how many it tries.
func (b *builder) kinds() (err error) {
	for i, d := range b.Space {
		if !d.Derived {
			continue
		}
		if b.Space[i].Kind, err = b.kindOf(i); err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
	}
	return nil
}

// kindOf is the kind of derived hyperparameter i: that of its values at some points of the space, where ints among floats are floats.
func (b *builder) kindOf(i int) (spec.Kind, error) {
	kind, first := spec.None, spec.Point(nil)
	for n, at := 0, 0; n < tried; at++ {
		if at == mostDrawn {
			return kind, fmt.Errorf("got conditions that hold at none of %d points of the space, want some that do", mostDrawn)
		}
		before, err := b.draw(at, i)
		if err != nil {
			return kind, err
		}
		v, err := b.derived(context.Background(), before, i)
		switch {
		case err != nil:
			return kind, err
		case v.Kind() == spec.None: // it does not apply
			continue
		case n == 0:
			kind, first = v.Kind(), before
		}
		both, alike := kind.Among(v.Kind())
		if !alike {
			err := &kit.Error{Pos: b.derivations[b.Space[i].Name].Position(),
				Msg: fmt.Sprintf("%s: got %s %v, want %s as at %v", b.Space[i].Name, v.Kind(), v, kind, first)}
			return kind, wrongAt(before, err)
		}
		kind = both
		n++
	}
	return kind, nil
}

// draw returns the first n values of a point of the space at random.
func (b *builder) draw(number, n int) (p spec.Point, err error) {
	draws := model.NewSource(0, "derived")
	draws.Seek(uint64(number) << 32)
	for i, d := range b.Space[:n] {
		var v spec.Value
		switch {
		case d.Derived:
			v, err = b.derived(context.Background(), p, i)
		case b.Space.Applies(p, i):
			v = d.At(draws.Uniform())
		}
		if err != nil {
			return nil, err
		}
		p = append(p, spec.Assignment{Name: d.Name, Value: v})
	}
	return p, nil
}

// try computes the derived hyperparameters at some points of the space, so that errors appear before a profile is used.
func (b *builder) try() error {
	if len(b.derivations) == 0 {
		return nil
	}
	for at := range tried {
		if _, err := b.draw(at, len(b.Space)); err != nil {
			return err
		}
	}
	return nil
}
