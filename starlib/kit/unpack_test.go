package kit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.starlark.net/starlark"
)

// call calls a builtin of two arguments, of which the second may be omitted, and an argument that may be None.
func call(args starlark.Tuple, kwargs ...starlark.Tuple) (got string, err error) {
	b := Builtin("box", func(c Call) (starlark.Value, error) {
		var side Count
		weight, label := Number(2), "none"
		if err := c.Unpack("side", &side, "weight?", &weight, "label??", &label); err != nil {
			return nil, err
		}
		return starlark.String(fmt.Sprintf("%v %v %s", side, weight, label)), nil
	})
	v, err := starlark.Call(new(starlark.Thread), b, args, kwargs)
	if err != nil {
		return "", err
	}
	return string(v.(starlark.String)), nil
}

func named(name string, v starlark.Value) starlark.Tuple {
	return starlark.Tuple{starlark.String(name), v}
}

func TestArgumentsAreUnpackedByPlaceAndName(t *testing.T) {
	one, half := starlark.MakeInt(1), starlark.Float(.5)
	for _, c := range []struct {
		args   starlark.Tuple
		kwargs []starlark.Tuple
		want   string
	}{
		{starlark.Tuple{one}, nil, "1 2 none"},
		{starlark.Tuple{one, half}, nil, "1 0.5 none"},
		{nil, []starlark.Tuple{named("label", starlark.None), named("side", one)}, "1 2 none"},
		{starlark.Tuple{one}, []starlark.Tuple{named("label", starlark.String("a"))}, "1 2 a"},
	} {
		if got, err := call(c.args, c.kwargs...); got != c.want || err != nil {
			t.Errorf("%v %v: got %q, %v; want %q", c.args, c.kwargs, got, err, c.want)
		}
	}
}

func TestAllWrongArgumentsAreReported(t *testing.T) {
	one := starlark.MakeInt(1)
	for _, c := range []struct {
		args   starlark.Tuple
		kwargs []starlark.Tuple
		want   []string
	}{
		{nil, nil, []string{"box: got no side, want side"}},
		{starlark.Tuple{one, one, one, one}, nil, []string{"box: got 4 arguments, want at most 3"}},
		{starlark.Tuple{starlark.MakeInt(0), starlark.String("x")}, nil,
			[]string{"box: for parameter side: got 0, want a positive int", `box: for parameter weight: got string "x", want a number`}},
		{starlark.Tuple{one}, []starlark.Tuple{named("side", one)}, []string{"box: got the argument side twice, want it once"}},
		{nil, []starlark.Tuple{named("weigth", one)}, []string{`box: there is no argument "weigth" (did you mean weight?)`}}, // side may be meant
		{starlark.Tuple{one}, []starlark.Tuple{named("weight", starlark.None)}, []string{"box: for parameter weight: got None, want a number"}},
	} {
		_, err := call(c.args, c.kwargs...)
		if got := strings.Split(fmt.Sprint(err), "\n"); !slices.Equal(got, c.want) {
			t.Errorf("%v %v: got\n%q\nwant\n%q", c.args, c.kwargs, got, c.want)
		}
	}
}

// Each remark appears once, in the order of lines, not of characters.
func TestNotesAreInTheOrderOfLines(t *testing.T) {
	var n Notes
	for _, pos := range []string{"b.star:2:1", "a.star:10:1", "a.star:9:12", "a.star:9:3", "a.star:10:1"} {
		n.Add(pos, "x")
	}
	want := []string{"a.star:9:3: x", "a.star:9:12: x", "a.star:10:1: x", "b.star:2:1: x"}
	if got := n.List(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
