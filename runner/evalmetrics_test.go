package runner_test

import (
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/metric"
)

func TestEvalKnowsEveryMetric(t *testing.T) {
	_, help := command(t, t.TempDir(), "eval", "--help")
	for _, m := range metric.All {
		if !strings.Contains(help, m.Doc) {
			t.Errorf("%s: the help of eval lacks %q", m.Name, m.Doc)
		}
		args := []string{"--real", "testdata/eval/real.npy", "--fake", "testdata/eval/real.npy", "--metrics", m.Name}
		for _, a := range m.Params {
			if a.Flag != "" && a.Default == 0 {
				if _, stderr, code := eval(t, args...); code != 2 || !strings.Contains(stderr, "want --"+a.Name+" above 0") {
					t.Errorf("%s without --%s: got exit code %d, %s", m.Name, a.Name, code, stderr)
				}
			}
			if a.Flag != "" {
				args = append(args, "--"+a.Name, "2")
			}
		}
		v, stderr, code := eval(t, args...)
		if m.Logits {
			if code != 2 || !strings.Contains(stderr, "the features have no logits") {
				t.Errorf("%s: got exit code %d, %s", m.Name, code, stderr)
			}
			continue
		}
		for _, c := range m.Columns {
			if _, ok := v.Values[c.Name]; !ok || code != 0 {
				t.Errorf("%s: got %v and exit code %d, want a value of %s\n%s", m.Name, v.Values, code, c.Name, stderr)
			}
		}
	}
}
