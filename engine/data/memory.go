package data

import (
	"cmp"
	"fmt"
)

// maxBytes is how much memory one set may take where the store does not say.
const maxBytes = 1 << 37

// memory is how many bytes one set may take.
func (st *Store) memory() int64 { return cmp.Or(st.Memory, maxBytes) }

// fits returns an error if n images of this many bytes each take more memory than one set may. advice says what to change.
func (st *Store) fits(n, each float64, what, advice string) error {
	if need := n * each; need > float64(st.memory()) {
		return fmt.Errorf("%s need %s of memory, and one set may take %s: %s", what, bytesText(need), bytesText(float64(st.memory())), advice)
	}
	return nil
}

// fitsCount is fits for the sets that are drawn, before anything is: their values and labels, which the survey holds too.
func (st *Store) fitsCount(spec Spec) error {
	what, each := "points", 2*4+2*4
	if spec.Name == "ellipses" {
		what, each = fmt.Sprintf("phantoms of %d x %d", spec.Size, spec.Size), spec.Size*spec.Size
	}
	return st.fits(float64(spec.Count), float64(each), fmt.Sprintf("%d %s", spec.Count, what), "lower count")
}

// bytesText is a number of bytes for people, in powers of ten.
func bytesText(n float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if n >= unit.size {
			return fmt.Sprintf("%.1f %s", n/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.0f bytes", n)
}
