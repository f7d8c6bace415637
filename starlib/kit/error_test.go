package kit

import (
	"errors"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// failing evaluates a file in which bad() fails with the error.
func failing(t *testing.T, source string, bad error) error {
	t.Helper()
	env := starlark.StringDict{"bad": Builtin("bad", func(Call) (starlark.Value, error) { return nil, bad })}
	_, err := starlark.ExecFileOptions(&syntax.FileOptions{}, new(starlark.Thread), "a.star", source, env)
	if err == nil {
		t.Fatal("got no error")
	}
	return err
}

func TestErrorsArePlacedAtTheInnermostLine(t *testing.T) {
	err := Locate(failing(t, "def f(x):\n    return bad()\n\ndef g():\n    return f(1)\n\ng()", errors.New("boom")), "")
	var own *Error
	if !errors.As(err, &own) {
		t.Fatalf("got %T, want an *Error", err)
	}
	if got, want := own.Error(), "a.star:2:15: boom"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := "a.star:2:15: boom\n  in f, a.star:2:15\n  from g, a.star:5:13\n  from <toplevel>, a.star:7:2"
	if got := own.Detail(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// One builtin may return several errors; each has the place.
func TestSeveralErrorsHaveAPlaceEach(t *testing.T) {
	err := Locate(failing(t, "bad()", Errors{errors.New("first"), errors.New("second")}), "")
	if got, want := err.Error(), "a.star:1:4: first\na.star:1:4: second"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestErrorsWithoutAPlaceGetOne(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("boom"), "f.star:1:1: boom"},
		{&Error{Msg: "boom"}, "f.star:1:1: boom"},
		{&Error{Pos: "b.star:2:2", Msg: "boom"}, "b.star:2:2: boom"},
		{errors.Join(errors.New("a"), errors.New("b"), errors.New("a")), "f.star:1:1: a\nf.star:1:1: b"},
	} {
		if got := Locate(c.err, "f.star:1:1").Error(); got != c.want {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
}

func TestEachTextIsPutBeforeEachError(t *testing.T) {
	if err := Each("x: ", nil).Err(); err != nil {
		t.Errorf("got %v, want none", err)
	}
	got := Each("x: ", errors.Join(errors.New("a"), errors.New("b"))).Error()
	if strings.Join(strings.Split(got, "\n"), "; ") != "x: a; x: b" {
		t.Errorf("got %s", got)
	}
}
