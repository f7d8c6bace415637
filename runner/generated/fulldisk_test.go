//go:build unix

package generated

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/fulldisk"
)

func TestAFullDiskLeavesNothing(t *testing.T) {
	fulldisk.Test(t, func(fill func(bytes uint64)) {
		fill(60) // less than one picture
		for _, name := range []string{"folder", "x.zip", "x.npy", "x.parquet"} {
			dir := t.TempDir()
			err := Write(t.Context(), filepath.Join(dir, name), images(300, 3, 2))
			if left, _ := os.ReadDir(dir); !errors.Is(err, durable.ErrStorage) || len(left) > 0 {
				t.Errorf("%s: got %v and the files %v, want a storage error and none", name, err, left)
			}
		}
	})
}
