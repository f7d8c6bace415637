package starlib

import (
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
)

// A panic inside a builtin ends as an error: the script's, if an expression was wrong, else ours by name.
func TestBuiltinsRecover(t *testing.T) {
	for want, f := range map[string]func(){
		"broken: internal error: boom": func() { panic("boom") },
		"add: axis b":                  func() { panic(&expr.Error{Op: "add", Why: "axis b"}) },
	} {
		b := builtin("broken", func(invocation) (starlark.Value, error) { f(); return nil, nil })
		if _, err := starlark.Call(new(starlark.Thread), b, nil, nil); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestSuggestionsAreTheNearestName(t *testing.T) {
	names := []string{"batch", "epochs", "evaluate", "latent"}
	for got, want := range map[string]string{"bacth": "batch", "epoch": "epochs", "LATENT": "latent", "zzzzzz": "", "": ""} {
		if s := didYouMean(got, names); want == "" && s != "" || !strings.Contains(s, want) {
			t.Errorf("%s: got %q, want %q", got, s, want)
		}
	}
	if s := didYouMean("x", nil); s != "" {
		t.Errorf("got %q of no names", s)
	}
}
