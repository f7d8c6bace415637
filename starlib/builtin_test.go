package starlib

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
)

// A panic inside a builtin ends as an error under its name: the script's, if an expression was wrong, else ours.
func TestBuiltinsRecover(t *testing.T) {
	for want, f := range map[string]func(){
		"broken: internal error: boom": func() { panic("boom") },
		"broken: axis b":               func() { panic(&expr.Error{Op: "add", Why: "axis b"}) },
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

func TestNamesOfOtherLibrariesAreUnderstood(t *testing.T) {
	for _, c := range []struct {
		got   string
		names []string
		want  string
	}{
		{"learning_rate", []string{"batch", "lr"}, "lr"},
		{"LearningRate", []string{"batch", "lr"}, "lr"},
		{"BatchNorm2d", []string{"batch", "batch_norm"}, "batch_norm"},
		{"Conv2d", []string{"conv", "conv_transpose"}, "conv"},
		{"dim", []string{"x", "axis"}, "axis"},
		{"dim", []string{"x", "axes"}, "axes"},
		{"learning_rate", []string{"batch"}, ""}, // no synonym is suggested that does not exist here
		{"batch", []string{"bat"}, ""},
	} {
		if got := called(c.got, c.names); got != c.want {
			t.Errorf("%s of %q: got %q, want %q", c.got, c.names, got, c.want)
		}
	}
}

// A synonym is written as it is looked up, and stands for a name that the language has.
func TestSynonymsStandForNamesOfTheLanguage(t *testing.T) {
	language, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	for said, names := range synonyms {
		if spoken(said) != said {
			t.Errorf("got the synonym %s, want it as %s", said, spoken(said))
		}
		for _, name := range names {
			if !regexp.MustCompile(`\b` + name + `\b`).Match(language) {
				t.Errorf("%s: the language has no %s", said, name)
			}
		}
	}
}

// What is Starlark gets no advice for Python.
func TestOtherMistakesGetNoAdvice(t *testing.T) {
	for complaint, line := range map[string]string{
		"got newline, want ')'":                      "x = f(1",
		"got identifier, want newline":               "x = 1 y",
		"got ':', want ')'":                          "    if f(x:",
		"got string literal, want newline":           `x = 1 "a"`,
		"got ':', want newline":                      "else:",
		"undefined: x":                               "",
		"conditional expression without else clause": "x = 1 if y",
	} {
		if got := instead(complaint, line); got != "" {
			t.Errorf("%s of %s: got the advice %q, want none", complaint, line, got)
		}
	}
}
