package data

import (
	"cmp"
	"fmt"

	"github.com/starsweep/starsweep/engine/spec"
)

// maxBytes is the memory that one set may take if the store does not set a limit.
const maxBytes = 1 << 37

// memory is the number of bytes that one set may take.
func (st *Store) memory() int64 { return cmp.Or(st.Memory, maxBytes) }

// fits returns an error if n images of this many bytes each take more memory than one set may. advice is what to change.
func (st *Store) fits(n, each float64, what, advice string) error {
	if need := n * each; need > float64(st.memory()) {
		return fmt.Errorf("%s need %s of memory, and one set may take %s: %s", what, bytesText(need), bytesText(float64(st.memory())), advice)
	}
	return nil
}

// fitsDrawn is fits for generated sets, before anything is generated: their values and labels, which the survey holds as well.
func (st *Store) fitsDrawn(r row, wanted spec.Data) error {
	if r.drawn == nil {
		return nil
	}
	what, each := r.drawn(wanted)
	return st.fits(float64(wanted.Count), float64(each), fmt.Sprintf("%d %s", wanted.Count, what), "lower count")
}

// fitsShape is fits for images, kept as bytes or as float32.
func (st *Store) fitsShape(d Shape, bytes bool) error {
	each := float64(d.H) * float64(d.W) * float64(d.C)
	if !bytes {
		each *= 4
	}
	what := fmt.Sprintf("%s of %d x %d x %d", images(d.N), d.H, d.W, d.C)
	return st.fits(float64(d.N), each, what, "set "+st.argument("size")+" or "+st.argument("limit"))
}

// Fits returns an error if the set that Open would return takes more memory than it may, insofar as that is known without any file.
func (st *Store) Fits(wanted spec.Data) error {
	wanted, r, err := complete(wanted)
	if err != nil {
		return err
	}
	if err = st.fitsDrawn(r, wanted); err == nil && r.known != nil && wanted.Path == "" {
		v := r.known.survey(wanted.Split)
		var keep []int
		if keep, err = v.selection(wanted); err == nil {
			d := v.shape(wanted, len(keep))
			err = st.fitsShape(d, d.H == v.first.h && d.W == v.first.w)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", wanted.Name, err)
	}
	return nil
}

// bytesText formats a number of bytes for users, in powers of ten.
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
