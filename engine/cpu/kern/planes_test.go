package kern

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestPlanesFollowTheDefinition(t *testing.T) {
	forEachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(9, 10))
		pick := func(v ...int) int { return v[r.IntN(len(v))] }
		done := 0
		for range 600 {
			c := &Conv{Set: s, Team: NewTeam(3), M: pick(1, 2, 3), K: pick(1, 3, 16, 17, 40), N: pick(1, 2, 3, 7, 15, 17, 33), Groups: pick(1, 1, 3),
				In: [2]int{pick(1, 4, 5, 9, 30), pick(1, 3, 8, 17, 33)}, Ker: [2]int{pick(1, 2, 3, 5), pick(1, 2, 3, 4, 5)}, Out: [2]int{pick(1, 3, 6, 40), pick(1, 4, 5, 16)},
				Stride: [2]int{1, 1}, Pad: [2]int{pick(-2, 0, 1, 4), pick(-1, 0, 1, 2, 3)},
				InDil: [2]int{pick(1, 2), pick(1, 2, 3)}, KerDil: [2]int{pick(1, 2), pick(1, 1, 1, 2)}, Reverse: pick(0, 1) == 1}
			channelsLast(c, pick(0, 1) == 0)
			w := newPlanes(c, pick(1<<10, 1<<20))
			if w == nil {
				continue
			}
			done++
			got, want := tried(c, w, r)
			sizes := *c
			sizes.way = nil
			same(t, fmt.Sprintf("%+v", sizes), got, want)
		}
		if done < 100 {
			t.Errorf("only %d convolutions fit", done)
		}
	})
}
