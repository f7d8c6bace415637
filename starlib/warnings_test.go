package starlib_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/starlib"
)

func TestUnreadHyperparametersAndSettingsAreWarnings(t *testing.T) {
	source := strings.NewReplacer("lr = p.lr", "lr = 1e-3", `"epochs": 3,`, `"rate": 1, "epochs": 3, "Bias": True,`).Replace(toy)
	s := load(t, source)
	jobs(t, s)
	want := []string{
		"study.star:17:13: no trial reads the hyperparameter lr: use p.lr, or remove it from the space",
		"study.star:17:13: no trial reads the setting rate: use p.rate, or remove it from the settings",
		"study.star:17:13: no trial reads the setting Bias: use p.Bias, or remove it from the settings",
	}
	if got := s.Warnings(); !slices.Equal(got, want) {
		t.Errorf("got warnings %q, want %q", got, want)
	}
}

// A setting that only a network reads counts as read, also for the trials that share its program.
func TestWhatANetworkReadsIsRead(t *testing.T) {
	source := strings.NewReplacer("mlp([p.width], 2)", "lambda z: nn.dense(z, p.width)", "[p.width]", "[4]",
		`"width": 4`, `"width": 2`).Replace(toy)
	first := load(t, source)
	for _, s := range []*starlib.Study{first, with(t, first)} {
		jobs(t, s)
		if w := s.Warnings(); len(w) > 0 {
			t.Errorf("got warnings %q, want none", w)
		}
	}
}

// with returns a second study of the same script, which shares the programs of the first.
func with(t *testing.T, s *starlib.Study) *starlib.Study {
	t.Helper()
	again, err := s.With("", nil)
	if err != nil {
		t.Fatal(err)
	}
	return again
}
