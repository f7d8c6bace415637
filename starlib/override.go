package starlib

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/space"
)

// overrides is what a profile and --set change.
type overrides struct {
	profile string
	set     []string
}

// With returns the study under a profile of the script ("" for none), with settings or hyperparameters set by name=value.
func (s *Study) With(profile string, set []string) (*Study, error) {
	return s.overridden(overrides{profile, set})
}

func (s *Study) overridden(o overrides) (*Study, error) {
	d := s.decl
	t := &Study{Name: s.Name, Files: s.Files, Seeds: d.seeds.List, Adaptive: d.seeds.Adaptive, Objectives: d.objectives, Prune: d.prune,
		Keep: d.keep, loader: s.loader, decl: d, derivations: map[string]space.Derivation{}, programs: s.programs, notes: new(kit.Notes),
		made: new(outcomes), used: map[string]*atomic.Bool{}, shortened: o.profile != "" || len(o.set) > 0}
	b := &builder{Study: t, search: d.search}
	for _, step := range []func() error{
		b.settings, b.space, b.profiles,
		func() error { return b.profile(o.profile) },
		func() error { return b.pin(o.set) },
		b.points,
	} {
		if err := step(); err != nil {
			if outside := new(overrideError); errors.As(err, &outside) {
				return nil, &kit.Error{Msg: outside.Error()}
			}
			return nil, kit.Locate(err, d.pos)
		}
	}
	for _, name := range append(t.hyperparameters(), t.settingNames()...) {
		t.used[name] = new(atomic.Bool)
	}
	return t, nil
}

// overrideError is an error in the name of a profile or in name=value, so it has no place in the script.
type overrideError struct{ error }

// builder is a study under construction from its declaration, a profile and overrides.
type builder struct {
	*Study
	search   *space.Search
	declared spec.Space // the space of the script, without a profile
	pinned   spec.Point
}

// overridable are names with a special meaning in profiles.
var overridable = []string{"space", "search", "seeds"}

// name checks the name of a field of p.
func (b *builder) name(what string, v starlark.Value) (string, error) {
	name, ok := starlark.AsString(v)
	switch {
	case !ok:
		return "", fmt.Errorf("%s: got %s as a name, want a string", what, kit.Describe(v))
	case !kit.IsWord(name):
		return "", fmt.Errorf("%s: got the name %q, want letters, digits and _, since p.%s must be an identifier", what, name, "NAME")
	case slices.Contains(overridable, name):
		return "", fmt.Errorf("%s: got the name %q, which profiles use; choose another", what, name)
	}
	return name, nil
}

func (b *builder) settings() error {
	for k, v := range b.decl.settings.Entries() {
		name, err := b.name("settings", k)
		if err != nil {
			return err
		}
		x, err := space.Value(v)
		if err != nil {
			return fmt.Errorf("settings: %s: %w", name, err)
		}
		b.Settings = append(b.Settings, spec.Assignment{Name: name, Value: x})
	}
	return nil
}

func (b *builder) space() error {
	var taken []string
	for k := range b.decl.space.Entries() {
		if name, _ := starlark.AsString(k); slices.ContainsFunc(b.loader.Reserved, func(r string) bool { return strings.EqualFold(r, name) }) {
			taken = append(taken, fmt.Sprintf("%q", name))
		}
	}
	if len(taken) > 0 {
		return fmt.Errorf("space: got the name %s, which every study has as a column; choose a name other than %s",
			strings.Join(taken, " and "), b.loader.reserved())
	}
	for k, v := range b.decl.space.Entries() {
		name, err := b.name("space", k)
		if err != nil {
			return err
		}
		if _, taken := b.Settings.Get(name); taken {
			return fmt.Errorf("space: got the name %q, which is also a setting; choose another", name)
		}
		dim, err := b.dimension(name, v)
		if err == nil {
			dim.When, err = space.Conditions(dim, b.Space)
		}
		if err != nil {
			return fmt.Errorf("space: %s: %w", name, err)
		}
		b.Space = append(b.Space, dim)
	}
	if err := b.kinds(); err != nil {
		return fmt.Errorf("space: %w", err)
	}
	b.declared = slices.Clone(b.Space)
	return nil
}

// dimension is the values of a hyperparameter as the script declares them.
func (b *builder) dimension(name string, v starlark.Value) (spec.Dim, error) {
	d, ok := v.(space.Dimension)
	if !ok {
		return spec.Dim{}, fmt.Errorf("got %s, want choice(...), uniform(lo, hi), log_uniform(lo, hi), integers(lo, hi) or derived(function)",
			kit.Describe(v))
	}
	if d.Derivation.Fn != nil {
		b.derivations[name] = d.Derivation
	}
	return d.Named(name)
}

// profiles checks all profiles, so that errors appear before a profile is used.
func (b *builder) profiles() error {
	for k := range b.decl.profiles.Entries() {
		name, ok := starlark.AsString(k)
		if !ok {
			return fmt.Errorf("profiles: got %s as a name, want a string", kit.Describe(k))
		}
		b.Profiles = append(b.Profiles, name)
		study := *b.Study
		study.Space, study.Settings, study.derivations = slices.Clone(b.Space), slices.Clone(b.Settings), maps.Clone(b.derivations)
		trial := &builder{Study: &study, search: b.search}
		if err := trial.profile(name); err != nil {
			return err
		}
		if err := trial.points(); err != nil {
			return fmt.Errorf("profiles: %s: %w", name, err)
		}
	}
	return nil
}

// profile applies a profile of the script.
func (b *builder) profile(profile string) error {
	if profile == "" {
		return nil
	}
	v, ok, _ := b.decl.profiles.Get(starlark.String(profile))
	if !ok {
		return &overrideError{hint.Unknown("profile", profile, b.Profiles)}
	}
	changes, ok := v.(*starlark.Dict)
	if !ok {
		return fmt.Errorf("profiles: %s: got %s, want a dict", profile, kit.Describe(v))
	}
	for k, v := range changes.Entries() {
		name, _ := starlark.AsString(k)
		if err := b.change(name, v); err != nil {
			return fmt.Errorf("profiles: %s: %w", profile, err)
		}
	}
	return nil
}

// retyped is d with values of kind k, so that a profile does not change the type of a column.
func retyped(d spec.Dim, k spec.Kind) (_ spec.Dim, err error) {
	d.Choices = slices.Clone(d.Choices)
	for i, v := range d.Choices {
		if d.Choices[i], err = v.As(k); err != nil {
			return d, err
		}
	}
	if d.Kind != k && len(d.Choices) == 0 && !d.Derived {
		return d, fmt.Errorf("got a range of type %s, want %s", d.Kind, k)
	}
	d.Kind = k
	return d, nil
}

// changed is a dimension as a profile declares it.
func (b *builder) changed(was spec.Dim, v starlark.Value) (spec.Dim, error) {
	dim, err := b.dimension(was.Name, v)
	switch {
	case err != nil:
		return dim, err
	case len(dim.When) > 0:
		return dim, fmt.Errorf("got when(...), want a dimension alone: the conditions are those of the script")
	case was.Derived && !dim.Derived:
		return dim, fmt.Errorf("got %s, want derived(function), as in the script", v)
	case dim.Derived && !was.Derived:
		return dim, fmt.Errorf("got derived(function), want values from which the search chooses, as in the script")
	}
	dim.When = was.When
	return retyped(dim, was.Kind)
}

func (b *builder) change(name string, v starlark.Value) (err error) {
	switch name {
	case "seeds":
		var seeds space.SeedsArgument
		if err := seeds.Unpack(v); err != nil {
			return fmt.Errorf("seeds: %w", err)
		}
		b.Seeds, b.Adaptive = seeds.List, seeds.Adaptive
	case "search":
		var s space.SearchArgument
		if err := s.Unpack(v); err != nil {
			return fmt.Errorf("search: %w", err)
		}
		b.search = s.Search
	case "space":
		dims, ok := v.(*starlark.Dict)
		if !ok {
			return fmt.Errorf("space: got %s, want a dict", kit.Describe(v))
		}
		for k, v := range dims.Entries() {
			name, _ := starlark.AsString(k)
			i := b.Space.Place(name)
			if i < 0 {
				return fmt.Errorf("space: %w", hint.Unknown("hyperparameter", name, b.hyperparameters()))
			}
			if b.Space[i], err = b.changed(b.Space[i], v); err != nil {
				return fmt.Errorf("space: %s: %w", name, err)
			}
		}
	default:
		i := slices.IndexFunc(b.Settings, func(s spec.Assignment) bool { return s.Name == name })
		if i < 0 {
			return hint.Unknown("setting", name, append(b.settingNames(), overridable...))
		}
		x, err := space.Value(v)
		if err == nil {
			x, err = x.As(b.Settings[i].Value.Kind())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		b.Settings[i].Value = x
	}
	return nil
}

// pin applies name=value: the value of a setting, or the only value of a hyperparameter.
func (b *builder) pin(set []string) error {
	for _, s := range set {
		name, text, ok := strings.Cut(s, "=")
		if !ok {
			return &overrideError{fmt.Errorf("set: got %q, want name=value", s)}
		}
		if i := slices.IndexFunc(b.Settings, func(s spec.Assignment) bool { return s.Name == name }); i >= 0 {
			v, err := spec.ParseValue(text, b.Settings[i].Value.Kind())
			if err != nil {
				return &overrideError{fmt.Errorf("set: %s: %w", name, err)}
			}
			b.Settings[i].Value = v
			continue
		}
		i := b.Space.Place(name)
		if i < 0 {
			names := append(b.settingNames(), b.hyperparameters()...)
			return &overrideError{fmt.Errorf("set: %w", hint.Unknown("setting or hyperparameter", name, names))}
		}
		if b.Space[i].Derived {
			return &overrideError{fmt.Errorf("set: %s: got a hyperparameter that is derived, want one that is not: set those that it "+
				"follows from", name)}
		}
		v, err := spec.ParseValue(text, b.Space[i].Kind)
		if err != nil {
			return &overrideError{fmt.Errorf("set: %s: %w", name, err)}
		}
		if v, err = b.declared[i].Typed(v); err != nil { // a profile may have fewer values, or others
			v, err = b.Space[i].Typed(v)
		}
		if err != nil {
			return &overrideError{fmt.Errorf("set: %s: %w: these are the values of the space; a profile may have others", name, err)}
		}
		b.pinned = append(b.pinned, spec.Assignment{Name: name, Value: v})
	}
	return nil
}

// points completes the search: the points that the script lists get the types of the space, and pinned dimensions one value.
func (b *builder) points() error {
	b.Search, b.searchPos = b.search.Search, b.search.Pos
	if b.search.Points != nil {
		points, err := b.search.Within(b.Space, func(before spec.Point, i int) (spec.Value, error) {
			return b.derived(context.Background(), before, i)
		})
		if err != nil {
			return err
		}
		b.Search.Points = points
	}
	for _, pin := range b.pinned {
		i := b.Space.Place(pin.Name)
		b.Space[i] = spec.Dim{Name: pin.Name, Kind: b.Space[i].Kind, Choices: []spec.Value{pin.Value}, When: b.Space[i].When}
		var distinct []spec.Point
		for _, p := range b.Search.Points {
			p[i] = pin
			b.Space.Settle(p)
			if err := b.derive(context.Background(), p); err != nil {
				return err
			}
			if !slices.ContainsFunc(distinct, func(q spec.Point) bool { return slices.Equal(p, q) }) {
				distinct = append(distinct, p)
			}
		}
		b.Search.Points = distinct
	}
	return b.try()
}
