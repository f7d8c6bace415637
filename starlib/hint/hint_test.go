package hint

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestSuggestionsAreTheNearestName(t *testing.T) {
	names := []string{"batch", "epochs", "evaluate", "latent"}
	for got, want := range map[string]string{"bacth": "batch", "epoch": "epochs", "LATENT": "latent", "zzzzzz": "", "": ""} {
		if s := DidYouMean(got, names); want == "" && s != "" || !strings.Contains(s, want) {
			t.Errorf("%s: got %q, want %q", got, s, want)
		}
	}
	if s := DidYouMean("x", nil); s != "" {
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
		if got := Meant(c.got, c.names); got != c.want {
			t.Errorf("%s of %q: got %q, want %q", c.got, c.names, got, c.want)
		}
	}
}

// A synonym is in normal form, and refers to a name that the language has.
func TestSynonymsStandForNamesOfTheLanguage(t *testing.T) {
	language, err := os.ReadFile("../../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	for said, names := range synonyms {
		if normal(said) != said {
			t.Errorf("got the synonym %s, want it as %s", said, normal(said))
		}
		for _, name := range names {
			if !regexp.MustCompile(`\b` + name + `\b`).Match(language) {
				t.Errorf("%s: the language has no %s", said, name)
			}
		}
	}
}

// Errors in lines that are not Python get no advice.
func TestErrorsInStarlarkGetNoAdvice(t *testing.T) {
	for message, line := range map[string]string{
		"got newline, want ')'":                      "x = f(1",
		"got identifier, want newline":               "x = 1 y",
		"got ':', want ')'":                          "    if f(x:",
		"got string literal, want newline":           `x = 1 "a"`,
		"got ':', want newline":                      "else:",
		"undefined: x":                               "",
		"conditional expression without else clause": "x = 1 if y",
	} {
		if got := Instead(message, line); got != "" {
			t.Errorf("%s of %s: got the advice %q, want none", message, line, got)
		}
	}
}
