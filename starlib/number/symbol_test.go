package number

import (
	"slices"
	"testing"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/sandbox"
)

var point = spec.Point{{Name: "w", Value: spec.FloatValue(2)}, {Name: "k", Value: spec.IntValue(3)},
	{Name: "s", Value: spec.StringValue("x")}}

// evaluating is an evaluation at the point, on a thread that has its guards.
func evaluating(t *testing.T, expression string) (*Evaluation, starlark.Value) {
	t.Helper()
	e := New(point)
	th := sandbox.NewThread(sandbox.Limits{}, nil)
	e.Attach(th)
	f, err := sandbox.Parse("s.star", []byte("x = "+expression))
	if err != nil {
		t.Fatal(err)
	}
	globals := sandbox.Guards()
	globals["p"] = NewParams(e, nil, nil, func(string) {})
	globals["max"] = Lifted(sandbox.Universe("max"), true)
	program, err := starlark.FileProgram(f, globals.Has)
	if err != nil {
		t.Fatal(err)
	}
	made, err := program.Init(th, globals)
	if err != nil {
		t.Fatal(err)
	}
	return e, made["x"]
}

// Numbers computed from p are symbols with values at other points; only what needs their value reveals it.
func TestOnlyWhatDecidesIsRevealed(t *testing.T) {
	for _, c := range []struct {
		expression string
		revealed   bool
		reads      []string
	}{
		{"p.w", false, nil},
		{"10 * p.w + p.k", false, nil}, {"[p.w, p.k]", false, nil},
		{"max(p.w, 1.5)", false, nil}, {"p.s", false, []string{"s"}},
		{"p.w > 1", true, []string{"w"}}, {"1 if p.k else 2", true, []string{"k"}}, {"(p.w * p.k) == 6", true, []string{"w", "k"}},
		{"[0] * p.k", true, []string{"k"}}, {`"%d" % p.k`, true, []string{"k"}}, {"max(p.w, 1)", true, []string{"w"}},
	} {
		e, _ := evaluating(t, c.expression)
		reads := slices.Sorted(slices.Values(e.ReadNames()))
		slices.Sort(c.reads)
		if e.Revealed() != c.revealed || !slices.Equal(reads, c.reads) {
			t.Errorf("%s: got revealed = %v of %q, want %v of %q", c.expression, e.Revealed(), reads, c.revealed, c.reads)
		}
	}
}

// A formula made at one point computes what the script would at another, as long as the type is the same.
func TestFormulasHoldAtOtherPoints(t *testing.T) {
	e, x := evaluating(t, "10 * p.w - p.k / 2")
	symbol, ok := x.(*Symbol)
	if !ok {
		t.Fatalf("got %v, want a symbol", x)
	}
	variable := symbol.variable()
	other := slices.Clone(point)
	other[0].Value, other[1].Value = spec.FloatValue(7), spec.IntValue(4)
	bind, ok := e.Current().At(sandbox.NewThread(sandbox.Limits{}, nil), other)
	if !ok {
		t.Fatal("the point does not keep to the assumptions")
	}
	if got := variable.Bind(bind).At(0, 1); got != 68 {
		t.Errorf("got %g, want 68", got)
	}
	other[0].Value = spec.IntValue(7) // another type
	if _, ok := e.Current().At(sandbox.NewThread(sandbox.Limits{}, nil), other); ok {
		t.Error("a number of another type keeps to the assumptions")
	}
}
