//go:build unix

package data

import (
	"os"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/fulldisk"
)

func TestCacheOnAFullDiskCostsOnlyAWarning(t *testing.T) {
	fulldisk.Test(t, func(fill func(bytes uint64)) {
		st := store(t)
		wanted := spec.Data{Name: "images", Path: pictures(t), Size: 64}
		fill(4096)
		var warning error
		st.Warn = func(err error) { warning = err }
		if s := open(t, st, wanted); s.N != 3 {
			t.Errorf("got %d images", s.N)
		}
		wantError(t, warning, "images are not cached: ")
		if files, err := os.ReadDir(st.Cache); err != nil || len(files) > 0 {
			t.Errorf("left in the cache: %v, %v", files, err)
		}
	})
}
