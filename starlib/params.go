package starlib

import (
	"cmp"
	"fmt"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"go.starlark.net/starlark"
)

// params is p, what trial(p) is called with: the hyperparameters of one point and the settings.
type params struct {
	kit.Opaque
	run   *run
	study *Study
}

var (
	_ starlark.HasAttrs = (*params)(nil)
	_ starlark.Mapping  = (*params)(nil)
)

func (p *params) Type() string { return "hyperparameters" }

func (p *params) String() string {
	for _, s := range p.run.point {
		p.study.note(s.Name)
		p.run.read(s.Name)
	}
	return fmt.Sprintf("hyperparameters(%s)", p.run.point)
}

func (p *params) AttrNames() (names []string) {
	for _, s := range p.run.point {
		names = append(names, s.Name)
	}
	return names
}

func (p *params) Attr(name string) (starlark.Value, error) {
	v, ok := p.run.point.Get(name)
	if !ok {
		return nil, fmt.Errorf("p: %w", hint.Unknown("hyperparameter or setting", name, p.AttrNames()))
	}
	p.study.note(name)
	return p.run.value(spec.Assignment{Name: name, Value: v}, p.study.Settings), nil
}

// Get refuses p["lr"].
func (p *params) Get(key starlark.Value) (starlark.Value, bool, error) {
	name, ok := starlark.AsString(key)
	if _, known := p.run.point.Get(name); ok && !known {
		return nil, false, fmt.Errorf("p: %w", hint.Unknown("hyperparameter or setting", name, p.AttrNames()))
	}
	return nil, false, fmt.Errorf("p: got the index %s, want p.%s", key, cmp.Or(name, "NAME"))
}

// note that a trial has read a hyperparameter or setting.
func (s *Study) note(name string) {
	if used := s.used[name]; used != nil && !used.Load() {
		used.Store(true)
	}
}
