package cpu

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestArenaTakesTheSmallestGapThatFits(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		var a arena
		var used []gap // by offset
		top := 0
		for range 200 {
			if len(used) > 0 && r.IntN(2) == 0 {
				i := r.IntN(len(used))
				a.free(used[i].offset, used[i].bytes)
				used = slices.Delete(used, i, i+1)
				continue
			}
			want, end, least := -1, 0, math.MaxInt
			bytes := 64 * (1 + r.IntN(10))
			for _, u := range used {
				if free := u.offset - end; free >= bytes && free < least {
					want, least = end, free
				}
				end = u.offset + u.bytes
			}
			if want < 0 {
				want = end
			}
			if got := a.alloc(bytes); got != want {
				t.Fatalf("seed %d: %d bytes next to %v: got offset %d, want %d", seed, bytes, used, got, want)
			}
			used = append(used, gap{want, bytes})
			slices.SortFunc(used, func(a, b gap) int { return cmp.Compare(a.offset, b.offset) })
			top = max(top, want+bytes)
			if a.size != top {
				t.Fatalf("seed %d: got a memory of %d bytes, want %d", seed, a.size, top)
			}
		}
	}
}
