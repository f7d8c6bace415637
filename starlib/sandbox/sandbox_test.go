package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// evaluate evaluates a file with guards and some values of the host, and returns its globals.
func evaluate(source string, host starlark.StringDict) (starlark.StringDict, error) {
	f, err := Parse("test.star", []byte(source))
	if err != nil {
		return nil, err
	}
	all := Guards()
	for name, v := range host {
		all[name] = v
	}
	program, err := starlark.FileProgram(f, all.Has)
	if err != nil {
		return nil, err
	}
	th := NewThread(Limits{}, func(string) {})
	Defer(th, func() {})
	globals, err := program.Init(th, all)
	if err != nil {
		return nil, err
	}
	for _, name := range globals.Keys() {
		if err := Freeze(th, globals[name]); err != nil {
			return nil, err
		}
	}
	return globals, nil
}

// placed is an error with the place in the script that it is about.
func placed(err error) string {
	var eval *starlark.EvalError
	if !errors.As(err, &eval) {
		return fmt.Sprint(err)
	}
	pos := syntax.Position{}
	for _, frame := range eval.CallStack {
		if frame.Pos.Filename() == "test.star" {
			pos = frame.Pos
		}
	}
	return fmt.Sprintf("%v: %s", pos, eval.Msg)
}

// Rewritten scripts compute what Starlark computes.
func TestGuardedOperationsComputeWhatStarlarkDoes(t *testing.T) {
	for expression, want := range map[string]string{
		`1 + 2 * 3 - 4 // 3 % 2`:                                        "6",
		`"%s-%d" % ("a", 1) + "b" * 2`:                                  `"a-1bb"`,
		`[1] + [2] * 2`:                                                 "[1, 2, 2]",
		`{"a": 1} | {"b": 2}`:                                           `{"a": 1, "b": 2}`,
		`1 << 3 | 1 & 3 ^ 2`:                                            "11",
		`-(3) + ~4`:                                                     "-8",
		`1 < 2 and "a" in "abc" or fail()`:                              "True",
		`not 1 in [2] and 3 not in (1, 2)`:                              "True",
		`[1, 2, 3][1:][::-1]`:                                           "[3, 2]",
		`max(1, 3) + min([4, 2])`:                                       "5",
		`"a,b".split(",") if "-".join(["x"]) == "x" else 0`:             `["a", "b"]`,
		`getattr({"a": 1}, "get")("a") + getattr("x", "nothing", 2)`:    "3",
		`[f(*[1, 2], **{"c": 3}) for f in [lambda a, b, c: a + b * c]]`: "[7]",
		`{(1, 2): 3}[(1, 2)]`:                                           "3",
		`any([0, 1]) and not all([0, 1])`:                               "True",
		`sorted({2: 0, 1: 0}.keys())`:                                   "[1, 2]",
	} {
		globals, err := evaluate("x = "+expression, nil)
		if err != nil {
			t.Errorf("%s: %v", expression, placed(err))
		} else if got := globals["x"].String(); got != want {
			t.Errorf("%s: got %s, want %s", expression, got, want)
		}
	}
}

func TestAugmentedAssignments(t *testing.T) {
	const source = `
def f():
    x = [1]
    same = x
    x += [2]
    y = {"a": 1}
    y["a"] -= 3
    z = 7
    z //= 2
    return [same, y, z]
x = f()
`
	globals, err := evaluate(source, nil)
	if err != nil {
		t.Fatal(placed(err))
	}
	if got, want := globals["x"].String(), `[[1, 2], {"a": -2}, 3]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, err = evaluate("def f():\n  return [0]\nf()[0] += 1", nil)
	if want := "test.star:3:8: got += on a computed element, want a name for the list or dict and the index first"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// unknown is a value without elements, for tests.
type unknown struct{}

func (unknown) String() string        { return "unknown" }
func (unknown) Type() string          { return "unknown" }
func (unknown) Freeze()               {}
func (unknown) Truth() starlark.Bool  { return true }
func (unknown) Hash() (uint32, error) { return 0, nil }
func (unknown) NoTruth() error        { return errors.New("no truth") }
func (unknown) NoSlice() error        { return errors.New("no slice") }
func (unknown) NoComparison(y starlark.Value) error {
	if y == starlark.None {
		return nil
	}
	return errors.New("no comparison")
}

var _ Unknown = unknown{}

func TestUnknownValuesDecideNothing(t *testing.T) {
	host := starlark.StringDict{"u": unknown{}}
	for expression, want := range map[string]string{
		"1 if u else 2": "no truth", "not u": "no truth", "u and 1": "no truth", "[1 for x in [1] if u]": "no truth", "bool(u)": "bool: no truth",
		"any([u])": "any: no truth", "u == 1": "got unknown == int, no comparison", "1 < u": "got int < unknown, no comparison",
		"[u] == [u]": "got unknown == unknown, no comparison", "u in [1]": "got unknown == int, no comparison", "u[1:]": "no slice",
		"u == None": "", "u != None": "",
	} {
		_, err := evaluate("x = "+expression, host)
		if want == "" && err != nil || want != "" && !strings.HasSuffix(strings.ReplaceAll(placed(err), " in ", " == "), want) {
			t.Errorf("%s: got %v, want %s", expression, placed(err), want)
		}
	}
}

// deferred is the number 2, for tests: it counts how often it was revealed.
type deferred struct{ revealed *int }

func (d deferred) String() string        { return d.Reveal().String() }
func (d deferred) Type() string          { return "deferred" }
func (d deferred) Freeze()               {}
func (d deferred) Truth() starlark.Bool  { return true }
func (d deferred) Hash() (uint32, error) { return 0, nil }
func (d deferred) Reveal() starlark.Value {
	*d.revealed++
	return starlark.MakeInt(2)
}
func (d deferred) Operate(_ *starlark.Thread, _ *starlark.Builtin, operands starlark.Tuple) (starlark.Value, bool, error) {
	for _, o := range operands {
		if o.Type() != "int" && o.Type() != "deferred" {
			return nil, false, nil
		}
	}
	return d, true, nil
}

var _ Deferred = deferred{}

func TestDeferredValuesAreRevealedLate(t *testing.T) {
	for expression, want := range map[string]string{
		"d + 1": "", "-d": "", "[d]": "", "(d, {1: d})": "", "[d][0]": "", "[d].append": "",
		`"%d" % d`: `"2"`, "[0, 1, 2][d]": "2", "1 if d else 0": "1", "d == 2": "True", "[1, d] == [1, 3]": "False", "d in [2]": "True",
		"{2: 5}[d]": "5", "[d] * d": "[2, 2]", `"a".join([str(1)]) + "b" * d`: `"1bb"`,
	} {
		revealed := 0
		globals, err := evaluate("x = "+expression, starlark.StringDict{"d": deferred{&revealed}})
		if err != nil {
			t.Errorf("%s: %v", expression, placed(err))
			continue
		}
		if (revealed > 0) != (want != "") {
			t.Errorf("%s: got %d revelations", expression, revealed)
		}
		if got := globals["x"].String(); want != "" && got != want {
			t.Errorf("%s: got %s, want %s", expression, got, want)
		}
	}
}

// A value too large to search may hold any deferred value.
func TestValuesTooLargeToSearchRevealAll(t *testing.T) {
	shared := starlark.Value(starlark.MakeInt(1))
	for range 40 {
		shared = starlark.Tuple{shared, shared}
	}
	th, all := NewThread(Limits{}, nil), 0
	Defer(th, func() { all++ })
	if Reveal(th, starlark.Tuple{starlark.MakeInt(1)}); all != 0 {
		t.Error("a small value revealed all")
	}
	if Reveal(th, shared); all != 1 {
		t.Errorf("got %d calls for a large value, want 1", all)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	th := NewThread(Limits{}, nil)
	wait := make(chan struct{})
	defer close(wait)
	_, err := Run(ctx, th, func() (int, error) {
		cancel()
		<-wait
		return 1, nil
	})
	if !errors.As(err, new(Interrupted)) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	if _, err := Run(ctx, th, func() (int, error) { panic("called after the end") }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
}

func TestFilesHaveABound(t *testing.T) {
	_, err := Parse("long.star", []byte("x = "+strings.Repeat("1+", MaxSource/2)+"1"))
	if want := "long.star:1:1: got a file of more than 1048576 bytes, want fewer"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
