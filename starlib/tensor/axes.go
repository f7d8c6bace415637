package tensor

import (
	"cmp"
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Axes is a variable for letters of axes, each once and in any order; "" if it was omitted.
type Axes string

func (a *Axes) Unpack(v starlark.Value) error {
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
	*a = Axes(s)
	return nil
}

// Of is the axes of x in memory order: those named, which x must have, or the default if none are.
func (a Axes) Of(name string, x Tensor, standard string) (string, error) {
	axes := cmp.Or(string(a), standard)
	for _, letter := range axes {
		if !strings.ContainsRune(x.Shape.Axes(), letter) {
			return "", fmt.Errorf("%s: for parameter axes: got %q of %v, want letters of its axes %q", name, axes, x.Shape, x.Shape.Axes())
		}
	}
	return x.Shape.Only(axes).Axes(), nil
}

// Axis is a variable for the letter of an axis.
type Axis byte

func (a *Axis) Unpack(v starlark.Value) error {
	s, ok := starlark.AsString(v)
	if !ok || len(s) != 1 || !strings.Contains(expr.Letters, s) {
		return fmt.Errorf("got %s, want one of the axes b, h, w, c", kit.Describe(v))
	}
	*a = Axis(s[0])
	return nil
}
