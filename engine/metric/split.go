package metric

import (
	"fmt"
	"math/rand/v2"
)

// Split draws two sets of n samples from one, at random, with no sample in both. A metric of the one against the other is that metric's floor (or ceiling) at n
// samples: what a generator scores whose samples cannot be told from real ones. FID is far from 0 there when n is small, and
// recall from 1, so each score should be read next to its floor.
func Split(f Features, n int, rng *rand.Rand) (a, b Features, err error) {
	if n < 1 || 2*n > f.N {
		return a, b, fmt.Errorf("floor: got %s for two sets of %d, want %d or more", samples(f.N), n, 2*n)
	}
	order := rng.Perm(f.N)
	return f.pick(order[:n]), f.pick(order[n : 2*n]), nil
}
