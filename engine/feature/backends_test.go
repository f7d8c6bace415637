package feature

import (
	"testing"

	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/internal/require"
)

// TestEveryBackendGivesTheSameFeatures runs on GoMLX's own backend, and on the PJRT plugin (an absolute path) that STARSWEEP_PJRT
// names, if it does.
func TestEveryBackendGivesTheSameFeatures(t *testing.T) {
	if testing.Short() {
		t.Skip("other backends are slow")
	}
	configs := []string{"go"}
	if p := require.Plugin(t); p != "" {
		configs = append(configs, "xla:"+p)
	}
	for _, name := range []string{"random", "pixels"} {
		x := noise(5, 11, 9, 1)
		want := extract(t, opened(t, name, Store{}), x, 5, 11, 9, 1)
		for _, config := range configs {
			b, err := lower.Open(config)
			if err != nil {
				t.Fatal(err)
			}
			e, err := Open(b.Devices()[0], name, Store{})
			if err != nil {
				t.Fatal(err)
			}
			e.batch = 3
			if d := difference(extract(t, e, x, 5, 11, 9, 1).X, want.X); d > 1e-5 {
				t.Errorf("%s on %s: relative difference %.2g", name, config, d)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
