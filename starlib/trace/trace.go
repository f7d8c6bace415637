package trace

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"github.com/starsweep/starsweep/starlib/tensor"
	"github.com/starsweep/starsweep/starlib/trial"
)

// tracer traces a trial's program: it calls its networks and losses with symbolic tensors.
type tracer struct {
	*tensor.Tracer
	trial  *trial.Trial
	spent  error // of the function that used up the steps: those after it cannot be evaluated
	tables []*tensor.Network
}

// build traces a trial's program.
func build(th *starlark.Thread, t *trial.Trial, dtype expr.DType) *Trace {
	core, end := tensor.Begin(th)
	defer end()
	tr := &tracer{Tracer: core, trial: t}
	var watches []model.Watch
	for _, w := range t.Watches {
		watches = append(watches, model.Watch{Name: w.Name, Test: w.Test, Value: func(m *model.Trace) (*expr.Node, error) {
			return tr.number(m, w.Value, w.What)
		}})
	}
	players := t.ModelPlayers()
	for i := range players {
		p := t.Players[i]
		if p.Logit != nil {
			players[i].Logit = func(m *model.Trace, out *expr.Node) (*expr.Node, error) { return tr.logit(m, p, out) }
		}
		players[i].Loss = func(m *model.Trace) (*expr.Node, error) { return tr.number(m, p.Loss, "the loss of the "+p.Name) }
	}
	program, reals, err := model.Build(t.Config(dtype), players, watches, tr.sampling())
	if err != nil {
		return &Trace{err: kit.Locate(err, t.Pos)}
	}
	e := &Trace{Program: program, Reals: reals}
	for _, n := range tr.tables {
		e.networks = append(e.networks, n.Counted(program))
	}
	return e
}

// sampling is the function that traces the generation of images; nil if it makes none.
func (t *tracer) sampling() func(m *model.Trace) (*expr.Node, error) {
	if t.trial.Sample == nil && t.trial.Aliases == nil {
		return nil
	}
	return func(m *model.Trace) (*expr.Node, error) {
		t.Trace, t.Stream = m, "sample"
		if f := t.trial.Sample; f != nil {
			v, err := t.bind(*f, "sample")
			if err != nil {
				return nil, err
			}
			return t.result(v, *f, "sample")
		}
		g := t.trial.Player("generator")
		v, err := starlark.Call(t.Thread, t.network(g), starlark.Tuple{t.Tensor(t.trial.Latent.Draw(t.Tracer))}, nil)
		if err != nil {
			return nil, err
		}
		return v.(tensor.Tensor).Node, nil
	}
}

// number calls a loss, a watch or a test, which must return one number.
func (t *tracer) number(m *model.Trace, f kit.Function, what string) (*expr.Node, error) {
	if t.spent != nil {
		return nil, t.spent
	}
	t.Trace, t.Stream = m, "loss"
	v, err := t.bind(f, what)
	if err != nil && sandbox.Exhausted(t.Thread) {
		t.spent = err
	}
	if err != nil {
		return nil, err
	}
	n, err := t.result(v, f, what)
	if err == nil && n.Shape.Axes() != "" {
		err = t.blame(f, "%s: got %v, want one number: use mean(...) or sum(...)", what, n.Shape)
	}
	return n, err
}

// logit is the part of a critic's output whose means are d_real and d_fake.
func (t *tracer) logit(m *model.Trace, p *trial.Player, out *expr.Node) (*expr.Node, error) {
	t.Trace, t.Stream = m, "loss"
	v, err := starlark.Call(t.Thread, p.Logit.Fn, starlark.Tuple{t.Tensor(out)}, nil)
	if err != nil {
		return nil, err
	}
	return t.result(v, *p.Logit, "critic of the "+p.Name)
}

// result is the tensor that a function of the script returned; any other value is an error.
func (t *tracer) result(v starlark.Value, f kit.Function, what string) (*expr.Node, error) {
	x, ok := v.(tensor.Tensor)
	if ok {
		return x.Node, nil
	}
	return nil, t.blame(f, "%s: got %s, want a tensor%s", what, kit.Describe(v), kit.Forgotten(v))
}

// blame is an error of a function, at the place where the user wrote it; for a function of @std, where the trial is declared.
func (t *tracer) blame(f kit.Function, format string, a ...any) error {
	e := &kit.Error{Pos: f.Position(), Msg: fmt.Sprintf(format, a...)}
	if e.Pos == "" || kit.IsStd(e.Pos) {
		if e.Pos != "" {
			e.Msg += " (in " + e.Pos + ")"
		}
		e.Pos = t.trial.Pos
	}
	return e
}

// bind calls a function of the script with the values that its parameters name.
func (t *tracer) bind(f kit.Function, what string) (starlark.Value, error) {
	fn, ok := f.Fn.(*starlark.Function)
	if !ok || fn.HasVarargs() || fn.HasKwargs() {
		return nil, t.blame(f, "%s: got %s, want a function of some of %s", what, kit.Describe(f.Fn), strings.Join(t.names(), ", "))
	}
	var kwargs []starlark.Tuple
	for i := range fn.NumParams() {
		name, pos := fn.Param(i)
		if !slices.Contains(t.names(), name) {
			if fn.ParamDefault(i) != nil {
				continue
			}
			return nil, &kit.Error{Pos: pos.String(), Msg: fmt.Sprintf("%s: %v", what, hint.Unknown("parameter", name, t.names()))}
		}
		v, err := t.lookup(name)
		if err != nil {
			return nil, &kit.Error{Pos: pos.String(), Msg: fmt.Sprintf("%s: parameter %s: %v", what, name, err)}
		}
		kwargs = append(kwargs, starlark.Tuple{starlark.String(name), v})
	}
	return starlark.Call(t.Thread, fn, nil, kwargs)
}

// names lists the parameters that a function may have.
func (t *tracer) names() []string {
	names := slices.Sorted(maps.Keys(t.trial.Aliases))
	for _, p := range t.trial.Players {
		names = append(names, p.Name)
	}
	return append(names, trial.Given...)
}

func (t *tracer) lookup(name string) (starlark.Value, error) {
	t.Graph.At(t.trial.Pos)
	switch name {
	case "x":
		if !t.HasData() {
			return nil, fmt.Errorf("got x while sampling, want only networks, y and z: no data is read then")
		}
		return t.Tensor(t.X()), nil
	case "y":
		y, err := t.labels()
		return t.Tensor(y), err
	case "z":
		if t.trial.Latent == nil {
			return nil, fmt.Errorf("got no latent, want job(latent = normal(size), ...)")
		}
		return t.Tensor(t.trial.Latent.Draw(t.Tracer)), nil
	case "batch":
		return starlark.MakeInt(t.Examples()), nil
	}
	if alias, ok := t.trial.Aliases[name]; ok {
		name = alias
	}
	return t.network(t.trial.Player(name)), nil
}
