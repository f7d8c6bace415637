package starlib

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/starlib/hint"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"github.com/starsweep/starsweep/starlib/tensor"
)

// builder traces a trial's program: it calls its networks and losses with symbolic tensors.
type builder struct {
	*tensor.Tracer
	trial  *trial
	spent  error // of the function that used up the steps: those after it cannot be evaluated
	tables []*tensor.Network
}

// given are the names that a loss may ask for beside the players'.
var given = []string{"x", "y", "z", "batch"}

// build traces a trial's program: an entry of the memo.
func (l Loader) build(th *starlark.Thread, t *trial) *entry {
	core, end := tensor.Begin(th)
	defer end()
	tr := &builder{Tracer: core, trial: t}
	var watches []model.Watch
	for _, w := range t.watches {
		watches = append(watches, model.Watch{Name: w.name, Test: w.test, Value: func(m *model.Trace) (*expr.Node, error) {
			return tr.number(m, w.value, w.what)
		}})
	}
	players := t.modelPlayers()
	for i := range players {
		p := t.players[i]
		if p.logit != nil {
			players[i].Logit = func(m *model.Trace, out *expr.Node) (*expr.Node, error) { return tr.logit(m, p, out) }
		}
		players[i].Loss = func(m *model.Trace) (*expr.Node, error) { return tr.number(m, p.loss, "the loss of the "+p.name) }
	}
	program, reals, err := model.Build(t.config(l), players, watches, tr.sampling())
	if err != nil {
		return &entry{err: kit.Locate(err, t.pos)}
	}
	e := &entry{program: program, reals: reals}
	for _, n := range tr.tables {
		e.networks = append(e.networks, n.Counted(program))
	}
	return e
}

// modelPlayers is the trial's players without their losses: enough for Program.Rebind.
func (t *trial) modelPlayers() (players []model.Player) {
	for _, p := range t.players {
		players = append(players, model.Player{Name: p.name, Steps: p.steps, Optimizer: p.optimizer.Optimizer, ClipWeights: p.clip,
			Critic: p.critic})
	}
	return players
}

// columns checks that no two figures of a job have one name, and none a name that is taken. Names that differ in case only are
// one, because SQL does not tell them apart. All mistakes are reported.
func (s *Study) columns(job *model.Job) error {
	var errs kit.Errors
	owners := map[string]string{}
	for _, name := range s.loader.Reserved {
		owners[strings.ToLower(name)] = "of every study"
	}
	for _, name := range s.hyperparameters() {
		owners[strings.ToLower(name)] = "of a hyperparameter"
	}
	for _, name := range metric.Columns(job.Evaluate) {
		owners[strings.ToLower(name)] = "of a metric"
	}
	taken := func(what, name string) bool {
		other, taken := owners[strings.ToLower(name)]
		switch {
		case taken && other == "of every study":
			errs = append(errs, fmt.Errorf("%s has a name that is taken (%s); want none of %s", what, other, s.loader.reserved()))
		case taken:
			errs = append(errs, fmt.Errorf("%s has a name that is taken (%s); want another", what, other))
		}
		return taken
	}
	for _, r := range append(slices.Clone(job.Program.Readings), job.Program.Test...) {
		if !taken("the figure "+r.Name, r.Name) {
			owners[strings.ToLower(r.Name)] = "of another figure"
		}
	}
	numbers := map[string]model.Column{}
	for _, r := range job.Reals {
		for label, v := range r.Value.Named() {
			if taken(fmt.Sprintf("the number %v, recorded as %s (%s),", v, label.Name, label.Place), label.Name) {
				continue
			}
			if first, ok := numbers[label.Name]; ok && first.Value.String() != v.String() {
				errs = append(errs, fmt.Errorf("the name %s has two numbers: %v (%s) and %v (%s); want a name for each", label.Name, first.Value,
					first.Place, v, label.Place))
			}
			numbers[label.Name] = model.Column{Label: label, Value: v}
		}
	}
	return errs.Err()
}

// sampling is how the trial makes images; nil if it makes none.
func (t *builder) sampling() func(m *model.Trace) (*expr.Node, error) {
	if t.trial.sample == nil && t.trial.aliases == nil {
		return nil
	}
	return func(m *model.Trace) (*expr.Node, error) {
		t.Trace, t.Stream = m, "sample"
		if f := t.trial.sample; f != nil {
			v, err := t.bind(*f, "sample")
			if err != nil {
				return nil, err
			}
			return t.result(v, *f, "sample")
		}
		g := t.trial.player("generator")
		v, err := starlark.Call(t.Thread, t.network(g), starlark.Tuple{t.Tensor(t.trial.latent.Draw(t.Tracer))}, nil)
		if err != nil {
			return nil, err
		}
		return v.(tensor.Tensor).Node, nil
	}
}

// number calls a loss or a watch, which must give one number.
func (t *builder) number(m *model.Trace, f kit.Function, what string) (*expr.Node, error) {
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

// logit is the part of a critic's output that d_real and d_fake are means of.
func (t *builder) logit(m *model.Trace, p *player, out *expr.Node) (*expr.Node, error) {
	t.Trace, t.Stream = m, "loss"
	v, err := starlark.Call(t.Thread, p.logit.Fn, starlark.Tuple{t.Tensor(out)}, nil)
	if err != nil {
		return nil, err
	}
	return t.result(v, *p.logit, "critic of the "+p.name)
}

// result is the tensor that a function of the script returned.
func (t *builder) result(v starlark.Value, f kit.Function, what string) (*expr.Node, error) {
	x, ok := v.(tensor.Tensor)
	if ok {
		return x.Node, nil
	}
	return nil, t.blame(f, "%s: got %s, want a tensor%s", what, kit.Describe(v), forgotten(v))
}

// forgotten is a hint where a function gave None.
func forgotten(v starlark.Value) string {
	if v == starlark.None {
		return ": is there a return?"
	}
	return ""
}

// blame is a mistake of a function: placed where the user wrote it, or where the trial was declared that uses one of @std.
func (t *builder) blame(f kit.Function, format string, a ...any) error {
	e := &kit.Error{Pos: f.Position(), Msg: fmt.Sprintf(format, a...)}
	if e.Pos == "" || kit.IsStd(e.Pos) {
		if e.Pos != "" {
			e.Msg += " (in " + e.Pos + ")"
		}
		e.Pos = t.trial.pos
	}
	return e
}

// bind calls a function of the script with what its parameters name.
func (t *builder) bind(f kit.Function, what string) (starlark.Value, error) {
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

// names lists what a function may ask for.
func (t *builder) names() []string {
	names := slices.Sorted(maps.Keys(t.trial.aliases))
	for _, p := range t.trial.players {
		names = append(names, p.name)
	}
	return append(names, given...)
}

func (t *builder) lookup(name string) (starlark.Value, error) {
	t.Graph.Pos = t.trial.pos
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
		if t.trial.latent == nil {
			return nil, fmt.Errorf("got no latent, want job(latent = normal(size), ...)")
		}
		return t.Tensor(t.trial.latent.Draw(t.Tracer)), nil
	case "batch":
		return starlark.MakeInt(t.Examples()), nil
	}
	if alias, ok := t.trial.aliases[name]; ok {
		name = alias
	}
	return t.network(t.trial.player(name)), nil
}

func (t *trial) player(name string) *player {
	for _, p := range t.players {
		if p.name == name {
			return p
		}
	}
	return nil
}

// labels is y: of the examples read; while sampling, the classes in turn that the data set has images of.
func (t *builder) labels() (*expr.Node, error) {
	if t.HasData() {
		return t.Y()
	}
	n := t.Config.Classes
	if n == 0 {
		return nil, fmt.Errorf("the data set has no labels")
	}
	chosen := t.trial.data.Data.WithDefaults().Classes // in order; nil: all
	if chosen != nil {
		n = len(chosen)
	}
	i := expr.Convert(t.Graph.Iota('b', t.Examples()), t.Config.DType)
	classes := t.Number(float64(n))
	turns := expr.Floor(expr.Div(expr.Add(i, t.Number(.5)), classes)) // the half keeps a rounded quotient from the next integer
	y := expr.Sub(i, expr.Mul(classes, turns))
	if chosen != nil {
		turn := y
		y = t.Number(float64(chosen[0]))
		for k, class := range chosen[1:] {
			y = expr.Where(expr.Equal(turn, t.Number(float64(k+1))), t.Number(float64(class)), y)
		}
	}
	return expr.Convert(y, expr.I32), nil
}

// network is a player as losses see it: a function whose layers have one set of parameters, however often it is called. A
// network of two parameters gets the labels y as the second, unless the loss gives one.
func (t *builder) network(p *player) *starlark.Builtin {
	return kit.Builtin(p.name, func(c kit.Call) (starlark.Value, error) {
		if len(c.Args) == 0 || len(c.Kwargs) > 0 {
			return nil, fmt.Errorf("%s: got %d arguments, want a tensor", p.name, len(c.Args)+len(c.Kwargs))
		}
		in, ok := c.Args[0].(tensor.Tensor)
		if !ok {
			return nil, fmt.Errorf("%s: got %s, want a tensor", p.name, kit.Describe(c.Args[0]))
		}
		args := slices.Clone(c.Args)
		if required(p.network.Fn) == 2 && len(args) == 1 {
			y, err := t.labels()
			if err != nil {
				return nil, fmt.Errorf("%s: its network has two parameters: %w", p.name, err)
			}
			args = append(args, t.Tensor(y))
		}
		defer func(stream string) { t.Stream = stream }(t.Stream)
		if p.noise != nil && t.Training {
			t.Stream = "noise"
			noisy, err := starlark.Call(c.Thread, p.noise.Fn, starlark.Tuple{in}, nil)
			if err != nil {
				return nil, err
			}
			if _, err := t.result(noisy, *p.noise, "noise"); err != nil {
				return nil, err
			}
			args[0] = noisy
		}
		t.Stream = "network"
		out, err := t.Call(p.name, in.Node, func() (*expr.Node, error) { return t.run(p, args) }, identities(args[1:])...)
		if err != nil {
			return nil, err
		}
		return t.Value(out)
	})
}

// identities tell values apart: a tensor by its expression, others by what they print as.
func identities(values starlark.Tuple) (ids []any) {
	for _, v := range values {
		if x, ok := v.(tensor.Tensor); ok {
			ids = append(ids, x.Node)
		} else {
			ids = append(ids, v.String())
		}
	}
	return ids
}

// run calls a network's function, and records its table the first time.
func (t *builder) run(p *player, args starlark.Tuple) (*expr.Node, error) {
	if !slices.ContainsFunc(t.tables, func(n *tensor.Network) bool { return n.Name == p.name }) {
		table := &tensor.Network{Name: p.name, Input: args[0].(tensor.Tensor).Shape}
		t.tables = append(t.tables, table)
		defer t.Record(table)()
	}
	v, err := starlark.Call(t.Thread, p.network.Fn, args, nil)
	if err != nil {
		return nil, err
	}
	n, err := t.result(v, p.network, "the network "+p.name)
	if err != nil {
		return nil, err
	}
	want := t.Config.Image.With('b', t.Examples())
	if p.image && n.Shape != want {
		return nil, t.blame(p.network, "the network %s: got %v, want the shape of the data, %v", p.name, n.Shape, want)
	}
	return n, nil
}

// required counts the parameters that a function must be given; 1 for what is no function of the script.
func required(f starlark.Callable) int {
	fn, ok := f.(*starlark.Function)
	if !ok {
		return 1
	}
	n := 0
	for i := range fn.NumParams() {
		if fn.ParamDefault(i) == nil {
			n++
		}
	}
	return n
}
