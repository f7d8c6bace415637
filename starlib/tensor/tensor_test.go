package tensor

import (
	"fmt"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

// inTrace calls f while a program is traced.
func inTrace(t *testing.T, f func(th *starlark.Thread, tr *Tracer)) {
	t.Helper()
	th := sandbox.NewThread(sandbox.Limits{}, nil)
	config := model.Config{DType: expr.F32, Batch: 4, SampleBatch: 4, Image: expr.Of(expr.F32, "c", 2)}
	loss := func(m *model.Trace) (*expr.Node, error) {
		tr, end := Begin(th)
		defer end()
		tr.Trace = m
		f(th, tr)
		return expr.Mean(m.X(), "bc"), nil
	}
	// The loss trains nothing, which is an error after it was traced.
	_, _, err := model.Build(config, []model.Player{{Name: "net", Steps: 1, Loss: loss,
		Optimizer: model.Optimizer{Rule: model.SGD}}}, nil, nil)
	if err != nil && !strings.Contains(err.Error(), "net") {
		t.Fatal(err)
	}
}

func TestOperatorsMeetByAxisNames(t *testing.T) {
	called := false
	inTrace(t, func(th *starlark.Thread, tr *Tracer) {
		called = true
		env := starlark.StringDict{"x": tr.Tensor(tr.X()), "m": tr.Tensor(expr.Mean(tr.X(), "c"))}
		for expression, want := range map[string]string{
			"x + 1": "f32[b4 c2]", "x * m": "f32[b4 c2]", "m - x": "f32[b4 c2]", "-m": "f32[b4]", "2 / x": "f32[b4 c2]",
			"x.shape": `{"b": 4, "c": 2}`, "x.b": "4", "x % 2": "operator %: tensors have only + - * /: a - b * floor(a / b) is the remainder",
			"x + 'a'": `operator +: got string "a", want a tensor, a number or a schedule`,
			"x[0]":    "got an index of f32[b4 c2], want slice(x, axis, lo, hi), which selects part of one axis",
			"x.h":     "got .h of f32[b4 c2], want one of its axes or .shape; functions are called as f(x)",
		} {
			v, err := starlark.EvalOptions(&syntax.FileOptions{}, th, "t.star", expression, env)
			got := fmt.Sprint(err)
			if err == nil {
				got = v.String()
			}
			if got != want {
				t.Errorf("%s: got %s, want %s", expression, got, want)
			}
		}
	})
	if !called {
		t.Fatal("nothing was traced")
	}
}

// Elements of tensors decide nothing: comparisons and conditions say what to write.
func TestTensorsAreUnknown(t *testing.T) {
	inTrace(t, func(_ *starlark.Thread, tr *Tracer) {
		x := tr.Tensor(tr.X())
		for _, y := range []starlark.Value{x, starlark.MakeInt(1), starlark.Float(1), starlark.True} {
			if x.NoComparison(y) == nil {
				t.Errorf("a tensor is compared with %v", y)
			}
		}
		for _, y := range []starlark.Value{starlark.None, starlark.String("none")} {
			if err := x.NoComparison(y); err != nil {
				t.Errorf("%v: got %v, want no error", y, err)
			}
		}
		if x.NoTruth() == nil || x.NoSlice() == nil {
			t.Error("a tensor has a truth or slices")
		}
	})
}

// Builtins of tensors work only while a program is traced.
func TestBuiltinsNeedATrace(t *testing.T) {
	b := Builtin("exp", func(tr *Tracer, c kit.Call) (*expr.Node, error) {
		var x Tensor
		err := c.Unpack("x", &x)
		return x.Node, err
	})
	_, err := starlark.Call(new(starlark.Thread), b, starlark.Tuple{starlark.Float(1)}, nil)
	want := "exp: got a call outside a network or a loss, want it inside: tensors exist only there; math.exp is for numbers"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	inTrace(t, func(th *starlark.Thread, tr *Tracer) {
		if _, err := starlark.Call(th, b, starlark.Tuple{tr.Tensor(tr.X())}, nil); err != nil {
			t.Error(err)
		}
	})
}

// Every expression is paid for, so a loop cannot make graphs of any size.
func TestExpressionsArePaidFor(t *testing.T) {
	inTrace(t, func(th *starlark.Thread, tr *Tracer) {
		before := th.Steps
		x := tr.X()
		for range 10 {
			x = expr.Add(x, x)
		}
		if _, err := tr.Value(x); err != nil {
			t.Fatal(err)
		}
		if paid := th.Steps - before; paid < 10*nodeCost {
			t.Errorf("got %d steps for ten expressions, want at least %d", paid, 10*nodeCost)
		}
	})
}
