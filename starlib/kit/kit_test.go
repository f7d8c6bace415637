package kit

import (
	"testing"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
)

// A panic inside a builtin becomes an error under its name: of the script if an expression is wrong, otherwise internal.
func TestBuiltinsRecover(t *testing.T) {
	for want, f := range map[string]func(){
		"broken: internal error: boom": func() { panic("boom") },
		"broken: axis b":               func() { panic(&expr.Error{Op: "add", Why: "axis b"}) },
	} {
		b := Builtin("broken", func(Call) (starlark.Value, error) { f(); return nil, nil })
		if _, err := starlark.Call(new(starlark.Thread), b, nil, nil); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
