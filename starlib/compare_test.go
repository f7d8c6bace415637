package starlib_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/starlib"
)

// Values of the study language may hold slices, which Go does not compare.
func TestValuesOfTheLanguageAreCompared(t *testing.T) {
	const script = `
x, y, z = %s, %s, %s
main = study(trial = lambda p: None, settings = {"same": x == y,
    "other": x == z, "within": x in [z, y] and [z, x].index(y) == 1 and [x] == [y]})
`
	for _, c := range [][2]string{
		{"linear(1, 0, epochs = 2)", "linear(1, 0, epochs = 3)"}, {"mnist()", "cifar10()"}, {"evaluate(every = 1)", "evaluate(every = 2)"},
		{"choice(1, 2)", "choice(1, 3)"}, {"uniform(1, 2)", "uniform(1, 3)"}, {"normal(3)", "normal(4)"}, {"real(1)", "real(2)"},
		{"init.zeros()", "init.ones()"}, {"ring(modes = 3)", "ring(modes = 4)"},
	} {
		s, err := starlib.Loader{Catalogue: catalogue}.Load(context.Background(), "s.star", fmt.Appendf(nil, script, c[0], c[0], c[1]))
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		if got := s.Settings.String(); got != "same=True other=False within=True" {
			t.Errorf("%v: got %s", c, got)
		}
	}
	for _, c := range []string{"adam(lr = 1) == adam(lr = 1)", "sgd(lr = 1) in [sgd(lr = 1)]",
		"linear(1, 0, epochs = 1) < linear(1, 0, epochs = 2)"} {
		_, err := (starlib.Loader{Catalogue: catalogue}).Load(context.Background(), "s.star", []byte("x = "+c))
		if err == nil || strings.Contains(err.Error(), "main") {
			t.Errorf("%s: got %v, want an error", c, err)
		}
	}
}
