package starlib

import (
	"fmt"
	"slices"
	"sync/atomic"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"github.com/starsweep/starsweep/starlib/space"
	"github.com/starsweep/starsweep/starlib/trace"
)

// Study is what a script declares. It is immutable and safe for concurrent use.
type Study struct {
	Name       string            // the script's file name without .star
	Files      map[string][]byte // sources of the script and of every local file that it loads
	Space      spec.Space
	Search     spec.Search
	Seeds      []uint32       // all that a point may have
	Adaptive   *spec.Adaptive // nil: every point has all seeds
	Objectives []pareto.Objective
	Prune      []spec.Rule   // by which trials end early
	Settings   spec.Settings // in the order of the script
	Keep       string        // whose weights stay after training: one of Keeps; "" if the script does not say
	Profiles   []string      // names, in the order of the script

	loader      Loader
	decl        *studyValue
	derivations map[string]space.Derivation // by hyperparameter
	searchPos   string
	used        map[string]*atomic.Bool // for every hyperparameter and setting: whether a trial has read it
	programs    *trace.Programs
	notes       *kit.Notes
	made        *outcomes

	shortened bool // a profile or a setting from outside is in force
}

// studyValue is what study(...) returns: the declaration, checked as far as possible without overrides.
type studyValue struct {
	kit.Opaque
	pos        string
	trial      kit.Function
	constraint kit.Function // Fn is nil without one
	keep       string
	space      *starlark.Dict
	search     *space.Search
	seeds      space.Seeds
	objectives []pareto.Objective
	prune      []spec.Rule
	settings   *starlark.Dict
	profiles   *starlark.Dict
}

func (s *studyValue) String() string { return "study" }
func (s *studyValue) Type() string   { return "study" }
func (s *studyValue) Freeze()        { sandbox.FreezeHeld(s) }

func (s *studyValue) Held() []starlark.Value {
	held := []starlark.Value{s.trial.Fn, s.space, s.profiles}
	if s.constraint.Fn != nil {
		held = append(held, s.constraint.Fn)
	}
	return held
}

func makeStudy(c kit.Call) (starlark.Value, error) {
	search := space.SearchArgument{Search: &space.Search{Search: spec.Search{Kind: spec.Grid}}}
	s := &studyValue{pos: kit.Here(c.Thread).String(),
		space: new(starlark.Dict), settings: new(starlark.Dict), profiles: new(starlark.Dict)}
	seeds, objectives := space.SeedsArgument{Seeds: space.FirstSeeds(1)}, new(starlark.Dict)
	var rules space.Rules
	err := c.Keywords("trial", &s.trial, "space?", &s.space, "search?", &search, "seeds?", &seeds, "objectives?", &objectives,
		"settings?", &s.settings, "profiles?", &s.profiles, "constraint??", &s.constraint, "prune?", &rules, "keep?", &s.keep)
	if err != nil {
		return nil, err
	}
	if s.keep != "" && !slices.Contains(Keeps, s.keep) {
		return nil, fmt.Errorf("study: for parameter keep: %w", hint.Unknown("choice", s.keep, Keeps))
	}
	s.search, s.seeds = search.Search, seeds.Seeds
	for k, v := range objectives.Entries() {
		name, isName := starlark.AsString(k)
		text, _ := starlark.AsString(v)
		direction, err := pareto.ParseDirection(text)
		if !isName || err != nil {
			return nil, fmt.Errorf(`study: for parameter objectives: got %s: %s, want a column's name and "min" or "max"`,
				kit.Describe(k), kit.Describe(v))
		}
		s.objectives = append(s.objectives, pareto.Objective{Name: name, Direction: direction})
	}
	s.prune, err = rules.Of(s.objectives)
	return s, err
}

// Keeps are the trials whose weights may stay after training: those on the front, all, or none.
var Keeps = []string{"front", "all", "none"}

// Pos is where the script declares the study: file:line:col.
func (s *Study) Pos() string { return s.decl.pos }

// SearchPos is where the script declares the search, likewise; "" if it declares none.
func (s *Study) SearchPos() string { return s.searchPos }

func (s *Study) hyperparameters() (names []string) {
	for _, d := range s.Space {
		names = append(names, d.Name)
	}
	return names
}

func (s *Study) settingNames() (names []string) {
	for _, x := range s.Settings {
		names = append(names, x.Name)
	}
	return names
}

// Locate places an error in what the script declares, unless it has a place.
func (s *Study) Locate(err error) error { return kit.Locate(err, s.decl.pos) }

// Notes lists remarks on suspicious lines, from the trials that Job has been called for, in the order of lines.
func (s *Study) Notes() []string { return s.notes.List() }

// Warnings lists what is valid but suspicious, after Job has been called for every point: hyperparameters and settings that no trial
// read, in the order of the script, then Notes.
func (s *Study) Warnings() (warnings []string) {
	unread := func(names []string, what, where string) {
		for _, name := range names {
			if !s.used[name].Load() {
				warnings = append(warnings, fmt.Sprintf("%s: no trial reads the %s %s: use p.%s, or remove it from the %s", s.decl.pos, what, name,
					name, where))
			}
		}
	}
	never := func(name string) bool { return s.Space.Never(s.Space.Place(name)) }
	unread(slices.DeleteFunc(s.hyperparameters(), never), "hyperparameter", "space")
	unread(s.settingNames(), "setting", "settings")
	return append(warnings, s.Notes()...)
}

// note records that a trial has read a hyperparameter or setting.
func (s *Study) note(name string) {
	if used := s.used[name]; used != nil && !used.Load() {
		used.Store(true)
	}
}
