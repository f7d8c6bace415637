package model

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/spec"
)

// Optimizer updates a player's weights by its gradients. All numbers are inputs of the program: changing one never recompiles it.
type Optimizer struct {
	Rule      Rule
	Params    []Param        // the numbers of the rule, in its order
	ClipNorm  *spec.Schedule // the largest norm of all gradients together
	ClipValue *spec.Schedule // gradient elements are clamped to ± this
	EMA       *spec.Schedule // decay of a moving average of the weights that sampling uses
}

// Param is a number of an optimizer.
type Param struct {
	Name  string
	Value spec.Schedule
}

// Rule names an update rule.
type Rule string

const (
	Adam    Rule = "adam"
	AdamW   Rule = "adamw"
	SGD     Rule = "sgd"
	RMSProp Rule = "rmsprop"
)

// Rules lists every update rule: its numbers, in order, and its update of a weight.
var Rules = map[Rule]struct {
	Params []string
	update func(u *update) *expr.Node
}{
	Adam:    {[]string{"lr", "beta1", "beta2", "eps"}, adam},
	AdamW:   {[]string{"lr", "beta1", "beta2", "eps", "decay"}, adamW},
	SGD:     {[]string{"lr", "momentum"}, sgd},
	RMSProp: {[]string{"lr", "rho", "eps", "momentum"}, rmsProp},
}

// update is the change of one weight p by its gradient g.
type update struct {
	t    *Trace
	v    Var
	p, g *expr.Node
	real func(name string) *expr.Node
}

// slot is a tensor of the weight's shape that the optimizer keeps, initially zero: its value, and a function that sets the next.
func (u *update) slot(suffix string) (now *expr.Node, next func(*expr.Node)) {
	name := u.v.Name + "." + suffix
	return u.t.variable(name, u.v.Shape, Slot, Constant(0)), func(n *expr.Node) { u.t.now[name] = n }
}

// blend is d*a + (1-d)*b.
func (u *update) blend(d, a, b *expr.Node) *expr.Node {
	return expr.Add(expr.Mul(d, a), expr.Mul(expr.Sub(u.t.Number(1), d), b))
}

// adam is Kingma and Ba (2015), algorithm 1 in the form of the end of section 2 (the corrections of both biases folded in the
// step size), where eps is Keras's "epsilon hat".
func adam(u *update) *expr.Node { return expr.Sub(u.p, u.adamStep()) }

// adamW is Loshchilov and Hutter (2019), algorithm 2, with the decay multiplied by the learning rate as in PyTorch and Keras.
func adamW(u *update) *expr.Node {
	return expr.Sub(expr.Sub(u.p, expr.Mul(expr.Mul(u.real("lr"), u.real("decay")), u.p)), u.adamStep())
}

func (u *update) adamStep() *expr.Node {
	one := u.t.Number(1)
	b1, b2 := u.real("beta1"), u.real("beta2")
	m, setM := u.slot("m")
	v, setV := u.slot("v")
	t := u.updates()
	size := expr.Mul(u.real("lr"), expr.Div(expr.Sqrt(expr.Sub(one, expr.Pow(b2, t))), expr.Sub(one, expr.Pow(b1, t))))
	m, v = u.blend(b1, m, u.g), u.blend(b2, v, expr.Square(u.g))
	setM(m)
	setV(v)
	return expr.Mul(size, expr.Div(m, expr.Add(expr.Sqrt(v), u.real("eps"))))
}

// updates is the number of the player's updates, including this one.
func (u *update) updates() *expr.Node {
	name := u.v.Player() + "/updates"
	return u.t.now[name]
}

// sgd is Polyak's momentum as in PyTorch: v = momentum v + g, p = p - lr v.
func sgd(u *update) *expr.Node {
	v, set := u.slot("m")
	v = expr.Add(expr.Mul(u.real("momentum"), v), u.g)
	set(v)
	return expr.Sub(u.p, expr.Mul(u.real("lr"), v))
}

// rmsProp is Tieleman and Hinton (2012) as in PyTorch: eps is outside the root, momentum averages the scaled gradient.
func rmsProp(u *update) *expr.Node {
	v, setV := u.slot("v")
	m, setM := u.slot("m")
	v = u.blend(u.real("rho"), v, expr.Square(u.g))
	m = expr.Add(expr.Mul(u.real("momentum"), m), expr.Div(u.g, expr.Add(expr.Sqrt(v), u.real("eps"))))
	setV(v)
	setM(m)
	return expr.Sub(u.p, expr.Mul(u.real("lr"), m))
}

// reals lists the numbers of a player's optimizer and its clipping with their sites in the trace. The learning rate is recorded.
func (p Player) reals() []Real {
	var r []Real
	for _, q := range p.Optimizer.Params {
		site := p.Name + "/" + q.Name
		if q.Name == "lr" {
			q.Value = spec.Named(spec.Label{Name: "lr_" + p.Name, Place: site}, q.Value)
		}
		r = append(r, Real{site, q.Value})
	}
	for _, q := range []struct {
		name  string
		value *spec.Schedule
	}{{"clip_norm", p.Optimizer.ClipNorm}, {"clip_value", p.Optimizer.ClipValue}, {"ema", p.Optimizer.EMA}, {"clip_weights", p.ClipWeights}} {
		if q.value != nil {
			r = append(r, Real{p.Name + "/" + q.name, *q.value})
		}
	}
	return r
}

// structure is everything about a player that determines the program, except its loss.
func (p Player) structure() string {
	s := fmt.Sprint(p.Name, " ", p.Steps, " ", p.Optimizer.Rule)
	if p.Critic {
		s += " critic"
	}
	for _, r := range p.reals() {
		s += " " + r.Site
	}
	return s
}

// improve updates the player's weights by the gradients of its loss, and returns the norm of all gradients together.
func (p Player) improve(t *Trace, loss *expr.Node) (norm *expr.Node, err error) {
	rule, ok := Rules[p.Optimizer.Rule]
	if !ok {
		return nil, fmt.Errorf("%s: there is no optimizer %q", p.Name, p.Optimizer.Rule)
	}
	weights := t.weights(p.Name)
	if len(weights) == 0 {
		return nil, fmt.Errorf("%s: its loss uses no network with parameters of its own", p.Name)
	}
	reals := map[string]*expr.Node{}
	for _, r := range p.reals() {
		reals[r.Site] = t.real(realKey{site: r.Site}, r.Value)
	}
	real := func(name string) *expr.Node { return reals[p.Name+"/"+name] }
	for _, name := range rule.Params {
		if real(name) == nil {
			return nil, fmt.Errorf("%s: the optimizer %s lacks its number %s", p.Name, p.Optimizer.Rule, name)
		}
	}

	now := make([]*expr.Node, len(weights))
	for i, v := range weights {
		now[i] = t.now[v.Name]
	}
	grads := expr.Grad(loss, now...)
	if !slices.ContainsFunc(grads, func(g *expr.Node) bool { return !g.IsZero() }) {
		return nil, fmt.Errorf("the loss of the %s does not depend on its weights, "+
			"except through stop_gradient or functions without a derivative, "+
			"so nothing would be trained", p.Name)
	}
	norm = length(t, grads)
	grads = clip(t, grads, norm, real("clip_value"), real("clip_norm"))

	count := p.Name + "/updates"
	t.variable(count, expr.Of(t.Config.DType, ""), Slot, Constant(0))
	t.now[count] = expr.Add(t.now[count], t.Number(1))
	for i, v := range weights {
		next := rule.update(&update{t, v, now[i], grads[i], real})
		if c := real("clip_weights"); c != nil {
			next = within(next, c)
		}
		// Later losses read the result as a constant: their gradients must not pass through this update.
		t.now[v.Name] = expr.Stop(next)
		if d := real("ema"); d != nil {
			u := update{t: t, v: v}
			name := v.Name + ".ema"
			if t.leaf[name] == nil {
				t.declare(Var{name, v.Shape, Average, v.Init, v.Stream})
			}
			t.now[name] = u.blend(d, t.now[name], next)
		}
	}
	return norm, nil
}

// length is the Euclidean norm of tensors taken together.
func length(t *Trace, xs []*expr.Node) *expr.Node {
	square := t.Number(0)
	for _, x := range xs {
		square = expr.Add(square, expr.Sum(expr.Square(x), x.Shape.Axes()))
	}
	return expr.Sqrt(square)
}

// clip limits the elements of gradients, whose norm is given, to ± value, and then their norm to the limit. A nil bound is none.
func clip(t *Trace, grads []*expr.Node, norm, value, limit *expr.Node) []*expr.Node {
	clipped := slices.Clone(grads)
	if value != nil {
		for i, g := range grads {
			clipped[i] = within(g, value)
		}
		norm = length(t, clipped)
	}
	if limit != nil {
		for i, g := range clipped {
			clipped[i] = expr.Mul(g, expr.Div(limit, expr.Max(norm, limit)))
		}
	}
	return clipped
}

// within is x, limited to ± bound.
func within(x, bound *expr.Node) *expr.Node { return expr.Max(expr.Min(x, bound), expr.Neg(bound)) }

// weights lists the trained tensors of a player, in the order of first use.
func (t *Trace) weights(player string) (w []Var) {
	for _, v := range t.vars {
		if v.Role == Weight && v.Player() == player {
			w = append(w, v)
		}
	}
	return w
}
