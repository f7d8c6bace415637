// Package shared finds the folder of reference material (data sets, papers) that may lie beside a checkout. Only tests import
// it: the product never needs that folder, and a test that does skips where it is absent.
package shared

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir is the folder, from STARSWEEP_SHARED or as the sibling "shared" of the checkout or one of its parents. Without one the
// test is skipped.
func Dir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("STARSWEEP_SHARED"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		shared := filepath.Join(dir, "shared")
		if _, err := os.Stat(filepath.Join(shared, "data")); err == nil {
			return shared
		}
	}
	t.Skip("no shared/ beside the checkout: set STARSWEEP_SHARED to run this test")
	return ""
}
