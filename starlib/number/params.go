package number

import (
	"cmp"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Params is p, the argument of trial(p): the hyperparameters of one point and the settings.
type Params struct {
	kit.Opaque
	in       *Evaluation
	space    spec.Space
	settings spec.Settings
	note     func(name string) // is called for every value that is read
}

// NewParams is p in an evaluation. note is called with the name of every value that is read.
func NewParams(in *Evaluation, space spec.Space, settings spec.Settings, note func(name string)) *Params {
	return &Params{in: in, space: space, settings: settings, note: note}
}

var (
	_ starlark.HasAttrs = (*Params)(nil)
	_ starlark.Mapping  = (*Params)(nil)
)

func (p *Params) Type() string { return "hyperparameters" }

func (p *Params) String() string {
	for _, s := range p.in.Point {
		p.note(s.Name)
		p.in.read(s.Name)
	}
	return fmt.Sprintf("hyperparameters(%s)", p.in.Point)
}

func (p *Params) AttrNames() (names []string) {
	for _, s := range p.in.Point {
		if s.Value.Kind() != spec.None {
			names = append(names, s.Name)
		}
	}
	return names
}

func (p *Params) Attr(name string) (starlark.Value, error) {
	v, ok := p.in.Point.Get(name)
	switch {
	case !ok && p.space.Place(name) >= 0: // in the function of a derived one
		return nil, fmt.Errorf("p.%s is not known here, want a hyperparameter that comes before in the space, or a setting", name)
	case !ok:
		return nil, fmt.Errorf("p: %w", hint.Unknown("hyperparameter or setting", name, p.AttrNames()))
	}
	p.note(name)
	if v.Kind() == spec.None {
		p.in.read(name)
		return nil, fmt.Errorf("p.%s does not apply where %s", name, p.space.Unfit(p.in.Point, p.space.Place(name)))
	}
	return p.in.value(spec.Assignment{Name: name, Value: v}, p.settings), nil
}

// Get refuses p["lr"].
func (p *Params) Get(key starlark.Value) (starlark.Value, bool, error) {
	name, ok := starlark.AsString(key)
	if _, known := p.in.Point.Get(name); ok && !known {
		return nil, false, fmt.Errorf("p: %w", hint.Unknown("hyperparameter or setting", name, p.AttrNames()))
	}
	return nil, false, fmt.Errorf("p: got the index %s, want p.%s", key, cmp.Or(name, "NAME"))
}
