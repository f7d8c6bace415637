package starlib

import (
	"cmp"
	"fmt"
	"sync/atomic"

	"github.com/starsweep/starsweep/engine/spec"
	"go.starlark.net/starlark"
)

// params is p, what trial(p) is called with: the hyperparameters of one point and the settings.
type params struct {
	opaque
	values spec.Point
	names  []string
	used   map[string]*atomic.Bool // of the study: what any trial has read
	read   func(name string)       // told what is read while a program is traced; see memo
}

var (
	_ starlark.HasAttrs = (*params)(nil)
	_ starlark.Mapping  = (*params)(nil)
)

func (p *params) Type() string { return "hyperparameters" }

func (p *params) String() string {
	for _, s := range p.values {
		p.note(s.Name)
	}
	return fmt.Sprintf("hyperparameters(%s)", p.values)
}

func (p *params) AttrNames() []string { return p.names }

func (p *params) Attr(name string) (starlark.Value, error) {
	v, ok := p.values.Get(name)
	if !ok {
		return nil, fmt.Errorf("p: %w", unknown("hyperparameter or setting", name, p.names))
	}
	p.note(name)
	return starlarkValue(v), nil
}

// Get refuses p["lr"].
func (p *params) Get(key starlark.Value) (starlark.Value, bool, error) {
	name, ok := starlark.AsString(key)
	if _, known := p.values.Get(name); ok && !known {
		return nil, false, fmt.Errorf("p: %w", unknown("hyperparameter or setting", name, p.names))
	}
	return nil, false, fmt.Errorf("p: got the index %s, want p.%s", key, cmp.Or(name, "NAME"))
}

func (p *params) note(name string) {
	if used := p.used[name]; used != nil && !used.Load() {
		used.Store(true)
	}
	if p.read != nil {
		p.read(name)
	}
}
