package number

import (
	"maps"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// Evaluation is one evaluation of trial(p) at a point, together with the trace of its program. It records what decided something, so that
// its outcome serves every point that agrees on it.
type Evaluation struct {
	Point     spec.Point      // the hyperparameters, then the settings
	plain     map[string]bool // numbers of p that are not symbols, since an earlier evaluation revealed them
	allPlain  bool            // there are no symbols
	reads     names           // of p: what decided something
	trace     *readings       // of the trace in progress
	revealed  bool            // a symbol was revealed: the evaluation holds for its value alone
	variables map[formulaID]*Symbol
	printed   int                // lines
	done      map[formulaID]bool // formulas that were revealed
	shown     *int               // lines shown by this evaluation and those before, which print the same lines up to their end
	Assumptions
}

// New begins with symbols for all numbers of the space.
func New(point spec.Point) *Evaluation {
	return Evaluation{Point: point, plain: map[string]bool{}, shown: new(int)}.reset()
}

func (r Evaluation) reset() *Evaluation {
	r.variables, r.done, r.Assumptions = map[formulaID]*Symbol{}, map[formulaID]bool{}, noAssumptions()
	return &r
}

// Again is the next evaluation at the point: what this one revealed is plain. Since nothing else decided anything, every point that
// agrees on what was read takes the same course.
func (r *Evaluation) Again() *Evaluation {
	return Evaluation{Point: r.Point, plain: maps.Clone(r.plain), reads: r.reads.clone(), shown: r.shown}.reset()
}

// Plainly is the evaluation at the point without symbols.
func (r *Evaluation) Plainly() *Evaluation {
	return Evaluation{Point: r.Point, allPlain: true, reads: r.reads.clone(), shown: r.shown}.reset()
}

const evaluationKey = "evaluation"

// Attach sets r as the evaluation of the thread.
func (r *Evaluation) Attach(th *starlark.Thread) {
	th.SetLocal(evaluationKey, r)
	sandbox.Defer(th, r.RevealAll)
}

// evaluationOf is the current evaluation of a thread; nil outside trials.
func evaluationOf(th *starlark.Thread) *Evaluation {
	r, _ := th.Local(evaluationKey).(*Evaluation)
	return r
}

// Shows counts a line that the script prints, and reports whether no evaluation at the point has shown it before.
func (r *Evaluation) Shows() bool {
	if r.printed++; r.printed <= *r.shown {
		return false
	}
	*r.shown = r.printed
	return true
}

// ReadNames lists what decided something: names of p, in the order in which they were read.
func (r *Evaluation) ReadNames() []string { return r.reads.list }

// Revealed reports whether a symbol was revealed, so that the evaluation must be repeated.
func (r *Evaluation) Revealed() bool { return r.revealed }

// PlainNames lists the numbers of p that are not symbols, sorted; all reports that none is a symbol.
func (r *Evaluation) PlainNames() (list []string, all bool) {
	return slices.Sorted(maps.Keys(r.plain)), r.allPlain
}

// read notes that a value of p decides something.
func (r *Evaluation) read(name string) {
	r.reads.add(name)
	if r.trace != nil {
		r.trace.reads.add(name)
	}
}

// reveal notes that the value of a formula decides something.
func (r *Evaluation) reveal(f *formula) {
	todo := []*formula{f}
	for len(todo) > 0 { // chains may be too long for recursion
		f, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if f.name != "" {
			r.revealNumber(f.name)
		}
		f.fill(func(x *Symbol) starlark.Value {
			if !r.done[x.formula.id] {
				r.done[x.formula.id] = true
				todo = append(todo, x.formula)
			}
			return starlark.None
		})
	}
}

func (r *Evaluation) revealNumber(name string) {
	r.read(name)
	if r.plain[name] {
		return
	}
	r.revealed = true
	r.plain[name] = true
	if r.trace != nil {
		r.trace.revealed.add(name)
	}
}

// RevealAll reveals all numbers, where it is not known which of them decide.
func (r *Evaluation) RevealAll() {
	if r.allPlain {
		return
	}
	for _, s := range r.Point {
		if k := s.Value.Kind(); k == spec.Int || k == spec.Float {
			r.revealNumber(s.Name)
		}
	}
}

// Traced is what a trace depends on and what it assumed.
type Traced struct {
	readings
	Assumptions
}

// readings is what a trace depends on.
type readings struct {
	reads    names // of p that were read
	revealed names // numbers of p that were revealed
}

// Tracing calls build, which traces the program, and returns what the trace depends on.
func (r *Evaluation) Tracing(build func()) Traced {
	own := r.Assumptions
	r.trace, r.Assumptions = &readings{}, noAssumptions()
	build()
	t := Traced{*r.trace, r.Assumptions}
	r.trace, r.Assumptions = nil, own
	r.Follow(t)
	return t
}

// Follow counts a trace as if it were made in this evaluation.
func (r *Evaluation) Follow(t Traced) {
	for _, name := range t.reads.list {
		r.read(name)
	}
	for _, name := range t.revealed.list {
		r.revealNumber(name)
	}
	for _, f := range t.formulas {
		r.know(f)
	}
	r.bounds = append(r.bounds, t.bounds...)
}

// Reads lists the names of p that the trace read, in order.
func (t Traced) Reads() []string { return t.reads.list }

// names are some names of p, each once, in the order in which they came.
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

// value is p.name: a symbol if it is a number of the space, not a setting, that nothing has revealed. While a program is traced
// integers are structure.
func (r *Evaluation) value(v spec.Assignment, settings spec.Settings) starlark.Value {
	k := v.Value.Kind()
	_, fixed := settings.Get(v.Name)
	if r.allPlain || r.plain[v.Name] || fixed || k != spec.Float && (k != spec.Int || r.trace != nil) {
		r.read(v.Name)
		return kit.Plain(v.Value.Any())
	}
	x := kit.Plain(v.Value.Any())
	return r.symbol(x, formulaOf(v.Name, r.Point.Place(v.Name), x.Type()))
}
