package space

import (
	"fmt"
	"math"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Search is how points are chosen.
type Search struct {
	kit.Opaque
	spec.Search
	Points []*starlark.Dict // of points(...), or those that come first; they get their types from the space
	Pos    string           // where the script declares it; "" of the search of a study that declares none
}

func (s *Search) String() string { return string(s.Kind) }
func (s *Search) Type() string   { return "search" }

// directories is a variable for one path or a list of paths.
type directories []string

func (d *directories) Unpack(v starlark.Value) error {
	all := []starlark.Value{v}
	if list, ok := v.(*starlark.List); ok {
		all = slices.Collect(list.Elements())
	}
	for _, v := range all {
		dir, ok := starlark.AsString(v)
		if !ok || dir == "" {
			return fmt.Errorf("got %s, want the directory of a study, or a list of them", kit.Describe(v))
		}
		*d = append(*d, dir)
	}
	return nil
}

// SearchArgument is a variable for a search.
type SearchArgument struct{ *Search }

func (a *SearchArgument) Unpack(v starlark.Value) error {
	s, ok := v.(*Search)
	if !ok {
		return fmt.Errorf("got %s, want grid(), random(trials = ...), sobol(...), latin_hypercube(...), tpe(...), gp(...), nsga2(...) or "+
			"points([...])", kit.Describe(v))
	}
	a.Search = s
	return nil
}

// Searches are the builtins that make searches.
var Searches = starlark.StringDict{
	"grid": kit.Builtin("grid", func(c kit.Call) (starlark.Value, error) {
		return &Search{Search: spec.Search{Kind: spec.Grid}}, c.Unpack()
	}),
	"random": drawn(spec.Random), "sobol": drawn(spec.Sobol), "latin_hypercube": drawn(spec.LatinHypercube),
	"tpe": searching(spec.TPE, "startup", 10), "gp": searching(spec.GP, "startup", 10), "nsga2": searching(spec.NSGA2, "population", 50),
	"points": kit.Builtin("points", func(c kit.Call) (starlark.Value, error) {
		var list *starlark.List
		if err := c.Unpack("points", &list); err != nil {
			return nil, err
		}
		s := &Search{Search: spec.Search{Kind: spec.List}, Pos: kit.Here(c.Thread).String()}
		if list.Len() == 0 {
			return nil, fmt.Errorf("points: got no points, want at least one")
		}
		return s, s.list("points", list)
	}),
}

// drawn is the builtin of a search that draws points from the space.
func drawn(kind spec.SearchKind) *starlark.Builtin { return searching(kind, "", 0) }

// searching is the builtin of a search. One that learns has a parameter, even, for the number of points that fill the space before it does,
// and one for the studies whose trials it sees before its own.
func searching(kind spec.SearchKind, even string, standard kit.Natural) *starlark.Builtin {
	name := string(kind)
	return kit.Builtin(name, func(c kit.Call) (starlark.Value, error) {
		var trials kit.Count
		var seed kit.Natural
		var warm directories
		first, filling := new(starlark.List), standard
		parameters := []any{"trials", &trials, "seed?", &seed, "first?", &first}
		if even != "" {
			parameters = append(parameters, even+"?", &filling, "warm?", &warm)
		}
		if err := c.Unpack(parameters...); err != nil {
			return nil, err
		}
		wrong := func(parameter, format string, a ...any) error {
			return fmt.Errorf("%s: for parameter %s: "+format, append([]any{name, parameter}, a...)...)
		}
		switch {
		case trials > spec.MaxPoints:
			return nil, wrong("trials", "got %d, want at most %d", trials, spec.MaxPoints)
		case seed > math.MaxUint32:
			return nil, wrong("seed", "got %d, want at most %d", seed, uint32(math.MaxUint32))
		case first.Len() > int(trials):
			return nil, wrong("first", "got %d points of %d trials, want at most as many", first.Len(), trials)
		case kind == spec.NSGA2 && filling == 0:
			return nil, wrong(even, "got 0, want a positive int")
		case kind.Learns() && filling == 0 && len(warm) == 0:
			return nil, wrong(even, "got 0, want a positive int, or warm = a study whose trials the search sees")
		}
		s := &Search{Search: spec.Search{Kind: kind, Trials: int(trials), Seed: uint64(seed), Even: int(filling), Warm: warm},
			Pos: kit.Here(c.Thread).String()}
		return s, s.list("first", first)
	})
}

// list sets the points from a list of dicts.
func (s *Search) list(name string, points *starlark.List) error {
	for v := range points.Elements() {
		d, ok := v.(*starlark.Dict)
		if !ok {
			return fmt.Errorf("%s: got %s, want a dict of hyperparameters", name, kit.Describe(v))
		}
		s.Points = append(s.Points, d)
	}
	return nil
}

// Within returns the points that a script lists with the types of the space; an error if one is not in it. They may leave out what is
// derived, of which derive returns the value by those before it.
func (s *Search) Within(space spec.Space, derive func(before spec.Point, i int) (spec.Value, error)) ([]spec.Point, error) {
	var names []string
	for _, d := range space {
		names = append(names, d.Name)
	}
	fail := func(i int, format string, a ...any) error {
		return &kit.Error{Pos: s.Pos, Msg: fmt.Sprintf("%s: point %d: ", s.listed(), i+1) + fmt.Sprintf(format, a...)}
	}
	var points []spec.Point
	for i, dict := range s.Points {
		for k := range dict.Entries() {
			name, _ := starlark.AsString(k)
			if !slices.Contains(names, name) {
				return nil, fail(i, "%v", hint.Unknown("hyperparameter", name, names))
			}
		}
		var p spec.Point
		for j, d := range space {
			p = append(p, spec.Assignment{Name: d.Name})
			raw, ok, _ := dict.Get(starlark.String(d.Name))
			if unfit := space.Unfit(p, j); unfit != "" {
				if ok && raw != starlark.None {
					return nil, fail(i, "got %s, which does not apply where %s", d.Name, unfit)
				}
				continue
			}
			if d.Derived {
				var err error
				if p[j].Value, err = derive(p[:j], j); err != nil {
					return nil, err
				}
			} else if !ok {
				return nil, fail(i, "got no %s, want every hyperparameter of the space that applies", d.Name)
			}
			if !ok {
				continue
			}
			v, err := Value(raw)
			if err == nil {
				v, err = within(d, v, p[j].Value)
			}
			if err != nil {
				return nil, fail(i, "%s: %v", d.Name, err)
			}
			p[j].Value = v
		}
		points = append(points, p)
	}
	return points, nil
}

// within is Dim.Typed, for a dimension that may be derived, where it has one value.
func within(d spec.Dim, v, derived spec.Value) (spec.Value, error) {
	if !d.Derived {
		return d.Typed(v)
	}
	v, err := v.As(d.Kind)
	if err == nil && v != derived {
		err = fmt.Errorf("got %v, want %v, which follows from the other values: leave it out", v, derived)
	}
	return v, err
}

// listed names the argument that lists points.
func (s *Search) listed() string {
	if s.Kind == spec.List {
		return "points"
	}
	return "first"
}
