package starlib

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/number"
	"github.com/starsweep/starsweep/starlib/sandbox"
	"go.starlark.net/lib/math"
	"go.starlark.net/starlark"
)

// tracerOf is the trace that a thread is in.
func tracerOf(c kit.Call) (*tracer, error) {
	if t, ok := c.Thread.Local(traceKey).(*tracer); ok {
		t.at()
		return t, nil
	}
	hint := ofNumbers(c.Name)
	if len(c.Args) > 0 && c.Args[0].Type() == "list" {
		hint = "; write a loop over the list"
	}
	return nil, fmt.Errorf("%s: got a call outside a network or a loss, want it inside: tensors exist only there%s", c.Name, hint)
}

// timed is a call whose first argument, if it is a schedule, has become an input of the program.
func (t *tracer) timed(c kit.Call) kit.Call {
	if len(c.Args) == 0 {
		return c
	}
	if number.IsSchedule(c.Args[0]) {
		if x, err := t.operand(c.Args[0]); err == nil {
			c.Args = slices.Clone(c.Args)
			c.Args[0] = Tensor{Node: x, t: t}
		}
	}
	return c
}

// ofNumbers is a hint where a function of tensors has a name that math has too.
func ofNumbers(name string) string {
	if math.Module.Members.Has(name) {
		return fmt.Sprintf("; math.%s is of numbers", name)
	}
	return ""
}

// tensors makes a builtin of a function over the trace.
func tensors(name string, f func(t *tracer, c kit.Call) (*expr.Node, error)) *starlark.Builtin {
	return kit.Builtin(name, func(c kit.Call) (starlark.Value, error) {
		t, err := tracerOf(c)
		if err != nil {
			return nil, err
		}
		n, err := f(t, c)
		if err != nil {
			return nil, err
		}
		return t.tensor(n)
	})
}

// pointwise is a function of one tensor, element by element.
func pointwise(name string, f func(*expr.Node) *expr.Node) *starlark.Builtin {
	return tensors(name, func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		if err := t.timed(c).Unpack("x", &x); err != nil {
			return nil, err
		}
		return f(t.floats(x.Node)), nil
	})
}

// activation binds one of nn.Activations; its number is an input of the program.
func activation(name string, a nn.Activation) *starlark.Builtin {
	return tensors(name, func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		var param *expr.Node
		pairs := []any{"x", &x}
		arg := starlark.Value(starlark.Float(a.Default))
		if a.Param != "" {
			pairs = append(pairs, a.Param+"?", &arg)
		}
		if err := t.timed(c).Unpack(pairs...); err != nil {
			return nil, err
		}
		if a.Param != "" {
			var s number.Real
			if err := s.Unpack(arg); err != nil {
				return nil, fmt.Errorf("%s: for parameter %s: %w", name, a.Param, err)
			}
			param = t.Real(t.at(), s.Schedule)
		}
		y := a.Of(t.floats(x.Node), param)
		t.row(name, y)
		return y, nil
	})
}

// pairwise is a function of two tensors or numbers, one of them a tensor, joined by axis name.
func pairwise(name string, f func(a, b *expr.Node) *expr.Node) *starlark.Builtin {
	return tensors(name, func(t *tracer, c kit.Call) (*expr.Node, error) {
		var a, b starlark.Value
		if err := c.Unpack("a", &a, "b", &b); err != nil {
			return nil, err
		}
		x, err := t.operand(a)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		y, err := t.operand(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return f(t.floats(x), t.floats(y)), nil
	})
}

// axesArg is an argument that names axes, each once and in any order; "" if it was left out.
type axesArg string

func (a *axesArg) Unpack(v starlark.Value) error {
	s, ok := starlark.AsString(v)
	switch {
	case !ok:
		return fmt.Errorf(`got %s, want the letters of axes, such as "hw"`, kit.Describe(v))
	case s == "":
		return fmt.Errorf(`got "", want at least one axis; without the argument the default applies`)
	}
	for i, letter := range s {
		if strings.ContainsRune(s[:i], letter) {
			return fmt.Errorf("got %q, want each axis once", s)
		}
	}
	*a = axesArg(s)
	return nil
}

// of is the axes in memory order: those named, which x must have, or the default if none are.
func (a axesArg) of(name string, x Tensor, standard string) (string, error) {
	axes := cmp.Or(string(a), standard)
	for _, letter := range axes {
		if !strings.ContainsRune(x.Shape.Axes(), letter) {
			return "", fmt.Errorf("%s: for parameter axes: got %q of %v, want letters of its axes %q", name, axes, x.Shape, x.Shape.Axes())
		}
	}
	return x.Shape.Only(axes).Axes(), nil
}

// reduction is over the axes named; without axes, over all but keep.
func reduction(name, keep string, f func(x *expr.Node, axes string) *expr.Node) *starlark.Builtin {
	return tensors(name, func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		var given axesArg
		if err := c.Unpack("x", &x, "axes?", &given); err != nil {
			return nil, err
		}
		axes, err := given.of(name, x, x.Shape.Without(keep+"k").Axes())
		if err != nil {
			return nil, err
		}
		return f(t.floats(x.Node), axes), nil
	})
}

// extremum is max or min: of a tensor over axes, of anything else what Starlark's own does.
func extremum(name string, f func(x *expr.Node, axes string) *expr.Node) *starlark.Builtin {
	own := sandbox.Universe(name)
	return kit.Builtin(name, func(c kit.Call) (starlark.Value, error) {
		if len(c.Args) == 0 || c.Args[0].Type() != "tensor" {
			return own.CallInternal(c.Thread, c.Args, c.Kwargs)
		}
		if len(c.Args) > 1 && c.Args[1].Type() != "string" {
			return nil, fmt.Errorf("%s: got %d tensors, want one and its axes; %simum(a, b) compares two", name, len(c.Args), name)
		}
		return reduction(name, "", f).CallInternal(c.Thread, c.Args, c.Kwargs)
	})
}

// variance over axes, divided by n.
func variance(x *expr.Node, axes string) *expr.Node {
	return expr.Mean(expr.Square(expr.Sub(x, expr.Mean(x, axes))), axes)
}

// functions are those of tensors, but for activations and draws.
func functions() starlark.StringDict {
	minimum := func(x *expr.Node, axes string) *expr.Node { return expr.Neg(expr.Amax(expr.Neg(x), axes)) }
	d := starlark.StringDict{
		"max": extremum("max", expr.Amax),
		"min": extremum("min", minimum),
		"abs": kit.Builtin("abs", func(c kit.Call) (starlark.Value, error) {
			if len(c.Args) == 1 && c.Args[0].Type() == "tensor" {
				return pointwise("abs", expr.Abs).CallInternal(c.Thread, c.Args, c.Kwargs)
			}
			return starlark.Universe["abs"].(*starlark.Builtin).CallInternal(c.Thread, c.Args, c.Kwargs)
		}),
		"where": tensors("where", where),
		"clamp": tensors("clamp", clamp),
		"flatten": tensors("flatten", func(t *tracer, c kit.Call) (*expr.Node, error) {
			var x Tensor
			if err := c.Unpack("x", &x); err != nil {
				return nil, err
			}
			return t.noted("flatten")(nn.Flatten(x.Node))
		}),
		"reshape":               tensors("reshape", reshape),
		"concat":                tensors("concat", concat),
		"slice":                 tensors("slice", slice),
		"flip":                  tensors("flip", flip),
		"grad":                  tensors("grad", grad),
		"one_hot":               tensors("one_hot", oneHot),
		"softmax_cross_entropy": tensors("softmax_cross_entropy", softmaxCrossEntropy),
		"accuracy":              tensors("accuracy", accuracy),
	}
	for name, f := range map[string]func(*expr.Node) *expr.Node{
		"square": expr.Square, "sqrt": expr.Sqrt, "rsqrt": expr.Rsqrt, "log": expr.Log, "log1p": expr.Log1p, "sign": expr.Sign,
		"floor": expr.Floor, "sin": expr.Sin, "cos": expr.Cos, "stop_gradient": expr.Stop,
		"log_sigmoid": func(x *expr.Node) *expr.Node { return expr.Neg(expr.Softplus(expr.Neg(x))) },
	} {
		d[name] = pointwise(name, f)
	}
	for name, a := range nn.Activations {
		d[name] = activation(name, a)
	}
	for name, f := range map[string]func(a, b *expr.Node) *expr.Node{
		"minimum": expr.Min, "maximum": expr.Max, "less": expr.Less, "power": expr.Pow, "equal": expr.Equal,
		"greater": func(a, b *expr.Node) *expr.Node { return expr.Less(b, a) },
	} {
		d[name] = pairwise(name, f)
	}
	for name, f := range map[string]func(x *expr.Node, axes string) *expr.Node{"sum": expr.Sum, "mean": expr.Mean} {
		d[name] = reduction(name, "", f)
	}
	// Per example, unless axes say otherwise.
	d["norm"] = reduction("norm", "b", func(x *expr.Node, axes string) *expr.Node { return expr.Norm(x, axes, normEps) })
	// Over the batch.
	d["std"] = overBatch("std", func(x *expr.Node, axes string) *expr.Node {
		return expr.Sqrt(expr.Add(variance(x, axes), x.Graph().Const(x.Shape.DType, normEps)))
	})
	d["variance"] = overBatch("variance", variance)
	return d
}

// normEps stands under the roots of norm and std, which have no derivative at 0.
const normEps = 1e-12

// overBatch is a function of the spread over axes, which are the batch unless a script names others. One value has no spread: a
// loss or a network made of it would be a constant. The examples that are left of a test split are an exception, as they come one by one.
func overBatch(name string, f func(x *expr.Node, axes string) *expr.Node) *starlark.Builtin {
	return tensors(name, func(t *tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		var given axesArg
		if err := c.Unpack("x", &x, "axes?", &given); err != nil {
			return nil, err
		}
		axes, err := given.of(name, x, "b")
		if err != nil {
			return nil, err
		}
		if testing := t.HasData() && !t.Training; x.Shape.Only(axes).Elems() == 1 && !testing {
			return nil, fmt.Errorf("%s: got %v, one value over the axes %q, want two or more: one has no spread", name, x.Shape, axes)
		}
		return f(t.floats(x.Node), axes), nil
	})
}

func where(t *tracer, c kit.Call) (*expr.Node, error) {
	var p Tensor
	var a, b starlark.Value
	if err := c.Unpack("condition", &p, "a", &a, "b", &b); err != nil {
		return nil, err
	}
	if p.Shape.DType != expr.Bool {
		return nil, fmt.Errorf("where: for parameter condition: got %v, want truth values, of less(a, b) and the like", p.Shape)
	}
	x, err := t.operand(a)
	if err != nil {
		return nil, fmt.Errorf("where: %w", err)
	}
	y, err := t.operand(b)
	if err != nil {
		return nil, fmt.Errorf("where: %w", err)
	}
	return expr.Where(p.Node, t.floats(x), t.floats(y)), nil
}

func clamp(t *tracer, c kit.Call) (*expr.Node, error) {
	var x Tensor
	var lo, hi starlark.Value
	if err := c.Unpack("x", &x, "lo", &lo, "hi", &hi); err != nil {
		return nil, err
	}
	a, err := t.operand(lo)
	if err != nil {
		return nil, fmt.Errorf("clamp: for parameter lo: %w", err)
	}
	b, err := t.operand(hi)
	if err != nil {
		return nil, fmt.Errorf("clamp: for parameter hi: %w", err)
	}
	return expr.Max(expr.Min(t.floats(x.Node), b), a), nil
}

func reshape(t *tracer, c kit.Call) (*expr.Node, error) {
	var x Tensor
	var h, w, ch kit.Count
	if err := c.Unpack("x", &x, "h", &h, "w", &w, "c", &ch); err != nil {
		return nil, err
	}
	return t.noted("reshape")(nn.Reshape(x.Node, int(h), int(w), int(ch)))
}

func concat(t *tracer, c kit.Call) (*expr.Node, error) {
	var list *starlark.List
	axis := axisArg('c')
	if err := c.Unpack("xs", &list, "axis?", &axis); err != nil {
		return nil, err
	}
	var xs []*expr.Node
	for v := range list.Elements() {
		x, ok := v.(Tensor)
		if !ok {
			return nil, fmt.Errorf("concat: for parameter xs: got a list with %s, want tensors", kit.Describe(v))
		}
		xs = append(xs, x.Node)
	}
	return t.noted("concat")(nn.Concat(byte(axis), xs...))
}

// axisArg is an argument that is the letter of an axis.
type axisArg byte

func (a *axisArg) Unpack(v starlark.Value) error {
	s, ok := starlark.AsString(v)
	if !ok || len(s) != 1 || !strings.Contains(expr.Letters, s) {
		return fmt.Errorf("got %s, want one of the axes b, h, w, c", kit.Describe(v))
	}
	*a = axisArg(s[0])
	return nil
}

func slice(t *tracer, c kit.Call) (*expr.Node, error) {
	var x Tensor
	var axis axisArg
	var lo kit.Natural
	var hi, step kit.Count = 0, 1
	if err := c.Unpack("x", &x, "axis", &axis, "lo", &lo, "hi?", &hi, "step?", &step); err != nil {
		return nil, err
	}
	end := cmp.Or(int(hi), x.Shape.Size(byte(axis)))
	return nn.Slice(x.Node, byte(axis), int(lo), end, int(step))
}

func flip(_ *tracer, c kit.Call) (*expr.Node, error) {
	var x Tensor
	var axis axisArg
	if err := c.Unpack("x", &x, "axis", &axis); err != nil {
		return nil, err
	}
	return expr.Reverse(x.Node, byte(axis)), nil
}

func grad(t *tracer, c kit.Call) (*expr.Node, error) {
	var y, x Tensor
	if err := c.Unpack("y", &y, "x", &x); err != nil {
		return nil, err
	}
	if y.Shape.Axes() != "" {
		return nil, fmt.Errorf("grad: for parameter y: got %v, want one number: use sum(...) or mean(...)", y.Shape)
	}
	d := expr.Grad(t.floats(y.Node), x.Node)[0]
	if d.IsZero() {
		kit.Note(c.Thread, "grad: y does not depend on x here, or only through stop_gradient "+
			"and functions without a derivative, so it is 0 everywhere")
	}
	return d, nil
}

func oneHot(t *tracer, c kit.Call) (*expr.Node, error) {
	var y Tensor
	var classes kit.Count
	if err := c.Unpack("y", &y, "classes", &classes); err != nil {
		return nil, err
	}
	if err := t.enough(c, "classes", int(classes)); err != nil {
		return nil, err
	}
	return nn.OneHot(t.Trace, y.Node, int(classes))
}

// enough refuses fewer classes than the labels have: one that is left out would count as no class, in silence.
func (t *tracer) enough(c kit.Call, parameter string, classes int) error {
	if classes < t.Config.Classes {
		return fmt.Errorf("%s: for parameter %s: got %d classes, want at least the data set's %d", c.Name, parameter, classes, t.Config.Classes)
	}
	return nil
}

// logitsAndLabels unpacks logits [b c] and labels i32 [b], and makes one-hot vectors of the labels.
func (t *tracer) logitsAndLabels(c kit.Call) (logits, hot *expr.Node, err error) {
	var x, y Tensor
	if err := c.Unpack("logits", &x, "y", &y); err != nil {
		return nil, nil, err
	}
	if x.Shape.Axes() != "bc" {
		return nil, nil, fmt.Errorf("%s: for parameter logits: got %v, want [b c]", c.Name, x.Shape)
	}
	if err := t.enough(c, "logits", x.Shape.Size('c')); err != nil {
		return nil, nil, err
	}
	hot, err = nn.OneHot(t.Trace, y.Node, x.Shape.Size('c'))
	return x.Node, hot, err
}

// softmaxCrossEntropy is -ln softmax(logits)[y], per example.
func softmaxCrossEntropy(t *tracer, c kit.Call) (*expr.Node, error) {
	x, hot, err := t.logitsAndLabels(c)
	if err != nil {
		return nil, err
	}
	return expr.Neg(expr.Sum(expr.Mul(hot, expr.LogSoftmax(x, "c")), "c")), nil
}

// accuracy is the part of the examples whose largest logit is that of the label. Of a tie the label has a share, so that a
// classifier that gives every class the same logit is right by chance and not always.
func accuracy(t *tracer, c kit.Call) (*expr.Node, error) {
	x, hot, err := t.logitsAndLabels(c)
	if err != nil {
		return nil, err
	}
	top := t.floats(expr.Equal(x, expr.Amax(x, "c")))
	ties := expr.Max(expr.Sum(top, "c"), t.Number(1)) // there is no largest logit where one is not a number
	return expr.Mean(expr.Div(expr.Sum(expr.Mul(hot, top), "c"), ties), "b"), nil
}

// noted records a step of a network in its table.
func (t *tracer) noted(kind string) func(*expr.Node, error) (*expr.Node, error) {
	return func(n *expr.Node, err error) (*expr.Node, error) {
		if err == nil {
			t.row(kind, n)
		}
		return n, err
	}
}
