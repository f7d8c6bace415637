package feature_test

import (
	"testing"

	"github.com/gomlx/compute"

	_ "github.com/starsweep/starsweep/engine/cpu"
	"github.com/starsweep/starsweep/engine/feature"
)

// open opens an extractor on the cpu backend until the test ends.
func open(t *testing.T, name string, st feature.Store) *feature.Extractor {
	t.Helper()
	b, err := compute.NewWithConfig("cpu")
	if err != nil {
		t.Fatal(err)
	}
	e, err := feature.Open(b, name, st)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		b.Finalize()
	})
	return e
}
