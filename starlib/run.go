package starlib

import (
	"maps"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
	"go.starlark.net/starlark"
)

const runKey = "run"

// run is one evaluation of trial(p), and the trace of its program.
type run struct {
	point     spec.Point      // the hyperparameters, and the settings
	plain     map[string]bool // numbers of p that are no symbols, since an evaluation before asked for their values
	allPlain  bool            // there are no symbols
	reads     names           // what decided something: names of p
	trace     *readings       // of the trace that is going on
	asked     bool            // for the value of a symbol: the evaluation holds for no other
	variables map[formulaID]*symbol
	printed   int                // lines
	done      map[formulaID]bool // formulas that were asked for
	shown     *int               // of them by this evaluation and those before, which print the same as far as they go
	taken
}

// taken is what an evaluation took for granted, and what it computed with symbols.
type taken struct {
	formulas []*formula // that have values, each after those that it is computed of
	known    map[formulaID]bool
	bounds   []requirement
}

func nothingTaken() taken { return taken{known: map[formulaID]bool{}} }

// know notes a formula that has a value at the run's point.
func (t *taken) know(f *formula) {
	if !t.known[f.id] {
		t.known[f.id] = true
		t.formulas = append(t.formulas, f)
	}
}

// readings is what a trace depends on.
type readings struct {
	reads names // of p that were read
	asked names // of numbers of p that symbols were asked for
}

// names are some of p, each once, in the order in which they came.
type names struct {
	list  []string
	known map[string]bool
}

func (n *names) add(name string) {
	if n.known[name] {
		return
	}
	if n.known == nil {
		n.known = map[string]bool{}
	}
	n.known[name] = true
	n.list = append(n.list, name)
}

func (n names) clone() names { return names{slices.Clone(n.list), maps.Clone(n.known)} }

// requirement is what must hold of a number that the evaluation took for granted.
type requirement struct {
	of    *formula
	holds func(v starlark.Value) bool
}

// newRun begins with symbols for all numbers of the space.
func newRun(point spec.Point) *run {
	return &run{point: point, plain: map[string]bool{}, variables: map[formulaID]*symbol{}, done: map[formulaID]bool{}, shown: new(int),
		taken: nothingTaken()}
}

// again is the next evaluation at the point: what this one asked for is plain. Since nothing else decided anything, every point
// that agrees in what was read goes the same way.
func (r *run) again() *run {
	return &run{point: r.point, plain: maps.Clone(r.plain), reads: r.reads.clone(), variables: map[formulaID]*symbol{},
		done: map[formulaID]bool{}, shown: r.shown, taken: nothingTaken()}
}

// plainly is the evaluation without symbols.
func (r *run) plainly() *run {
	return &run{point: r.point, allPlain: true, reads: r.reads.clone(), variables: map[formulaID]*symbol{}, done: map[formulaID]bool{},
		shown: r.shown, taken: nothingTaken()}
}

// runOf is the run that a thread is in; nil outside of trials.
func runOf(th *starlark.Thread) *run {
	r, _ := th.Local(runKey).(*run)
	return r
}

// read notes that a value of p decides something.
func (r *run) read(name string) {
	r.reads.add(name)
	if r.trace != nil {
		r.trace.reads.add(name)
	}
}

// ask notes that the value of a formula decides something.
func (r *run) ask(f *formula) {
	todo := []*formula{f}
	for len(todo) > 0 { // chains may be too long for recursion
		f, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if f.name != "" {
			r.askFor(f.name)
		}
		f.fill(func(x *symbol) starlark.Value {
			if !r.done[x.formula.id] {
				r.done[x.formula.id] = true
				todo = append(todo, x.formula)
			}
			return starlark.None
		})
	}
}

func (r *run) askFor(name string) {
	r.read(name)
	if r.plain[name] {
		return
	}
	r.asked = true
	r.plain[name] = true
	if r.trace != nil {
		r.trace.asked.add(name)
	}
}

// askAll asks for all numbers: where it is not known which of them decide.
func (r *run) askAll() {
	if r.allPlain {
		return
	}
	for _, s := range r.point {
		if k := s.Value.Kind(); k == spec.Int || k == spec.Float {
			r.askFor(s.Name)
		}
	}
}

// follow is a trace as if it were made in this run.
func (r *run) follow(e *entry) {
	for _, name := range e.reads.list {
		r.read(name)
	}
	for _, name := range e.asked.list {
		r.askFor(name)
	}
	for _, f := range e.formulas {
		r.know(f)
	}
	r.bounds = append(r.bounds, e.bounds...)
}

// value is p.name: a symbol if it is a number of the space, no setting, that nothing has asked for. While a program is traced
// integers are structure.
func (r *run) value(v spec.Assignment, settings spec.Settings) starlark.Value {
	k := v.Value.Kind()
	_, fixed := settings.Get(v.Name)
	if r.allPlain || r.plain[v.Name] || fixed || k != spec.Float && (k != spec.Int || r.trace != nil) {
		r.read(v.Name)
		return starlarkValue(v.Value)
	}
	x := starlarkValue(v.Value)
	return r.symbol(x, formulaOf(v.Name, r.point.Place(v.Name), x.Type()))
}

// require notes that a variable must keep within bounds, if it does so at the run's point; ok says that it is one and does.
func (r *run) require(s spec.Schedule, holds func(s spec.Schedule) bool) (value spec.Schedule, ok bool) {
	id, isVariable := s.Variable()
	if !isVariable {
		return s, false
	}
	x := r.variables[formulaID([]byte(id))]
	within := func(v starlark.Value) bool { return holds(asSchedule(v)) }
	if within(x.value) {
		r.bounds = append(r.bounds, requirement{x.formula, within})
		return s, true
	}
	return asSchedule(x.Reveal()), false
}

// asSchedule is a number as a schedule.
func asSchedule(v starlark.Value) spec.Schedule {
	var s schedule
	if err := s.Unpack(v); err != nil {
		panic(err) // symbols stand for numbers
	}
	return s.Schedule
}
