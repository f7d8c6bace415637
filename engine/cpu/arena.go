package cpu

import (
	"math"
	"slices"
	"sort"
)

// arena allocates places in a memory that is as large as they need. It plans the memory; it does not hold any.
type arena struct {
	gaps []gap // free places below top, by offset; no two are adjacent
	top  int   // end of the places in use
	size int   // highest top so far
}

type gap struct{ offset, bytes int }

// alloc returns the offset of a free place: in the smallest gap that fits, the first of several, or else at the top.
func (a *arena) alloc(bytes int) (offset int) {
	best, least := -1, math.MaxInt
	for i, g := range a.gaps {
		if g.bytes >= bytes && g.bytes < least {
			best, least = i, g.bytes
		}
	}
	if best < 0 {
		offset = a.top
		a.top += bytes
		a.size = max(a.size, a.top)
		return offset
	}
	g := &a.gaps[best]
	offset = g.offset
	g.offset, g.bytes = g.offset+bytes, g.bytes-bytes
	if g.bytes == 0 {
		a.gaps = slices.Delete(a.gaps, best, best+1)
	}
	return offset
}

// free returns a place.
func (a *arena) free(offset, bytes int) {
	if bytes == 0 {
		return
	}
	i := sort.Search(len(a.gaps), func(i int) bool { return a.gaps[i].offset > offset })
	g := gap{offset, bytes}
	from, to := i, i
	if i > 0 && a.gaps[i-1].offset+a.gaps[i-1].bytes == offset {
		from, g = i-1, gap{a.gaps[i-1].offset, a.gaps[i-1].bytes + bytes}
	}
	if i < len(a.gaps) && a.gaps[i].offset == offset+bytes {
		to, g.bytes = i+1, g.bytes+a.gaps[i].bytes
	}
	if g.offset+g.bytes == a.top {
		a.top = g.offset
		a.gaps = slices.Delete(a.gaps, from, to)
		return
	}
	a.gaps = slices.Replace(a.gaps, from, to, g)
}
