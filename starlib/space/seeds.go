package space

import (
	"fmt"
	"math"
	"slices"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib/kit"
)

// Seeds are those under which points are trained.
type Seeds struct {
	kit.Opaque
	List     []uint32       // all that a point may have
	Adaptive *spec.Adaptive // nil: every point has all of them
}

func (s Seeds) String() string { return "adaptive" }
func (s Seeds) Type() string   { return "seeds" }

// SeedsArgument is a variable for seeds: a number n for 0 to n-1, a list, or adaptive(...).
type SeedsArgument struct{ Seeds }

// Unpack implements starlark.Unpacker.
func (a *SeedsArgument) Unpack(v starlark.Value) (err error) {
	switch v := v.(type) {
	case Seeds:
		a.Seeds = v
	case *starlark.List:
		a.Seeds.List, err = listed(v)
	default:
		var n kit.Count
		if err := n.Unpack(v); err != nil || n > maxSeeds {
			return fmt.Errorf("got %s, want a number of seeds from 1 to %d, a list of seeds or adaptive(start, most)", kit.Describe(v), maxSeeds)
		}
		a.Seeds = FirstSeeds(int(n))
	}
	return err
}

// FirstSeeds are the seeds 0 to n-1.
func FirstSeeds(n int) (s Seeds) {
	for i := range n {
		s.List = append(s.List, uint32(i))
	}
	return s
}

const maxSeeds = 10_000

func listed(list *starlark.List) (seeds []uint32, err error) {
	for e := range list.Elements() {
		var n kit.Natural
		if err := n.Unpack(e); err != nil || n > math.MaxUint32 {
			return nil, fmt.Errorf("got %s, want an int from 0 to %d", kit.Describe(e), uint32(math.MaxUint32))
		}
		if slices.Contains(seeds, uint32(n)) {
			return nil, fmt.Errorf("got the seed %d twice", n)
		}
		seeds = append(seeds, uint32(n))
	}
	if len(seeds) == 0 {
		return nil, fmt.Errorf("got an empty list, want at least one seed")
	}
	return seeds, nil
}

// SeedBuiltins are the builtins that make seeds.
var SeedBuiltins = starlark.StringDict{
	"adaptive": kit.Builtin("adaptive", func(c kit.Call) (starlark.Value, error) {
		var start, most kit.Count
		bound := kit.Number(0.05)
		if err := c.Unpack("start", &start, "most", &most, "error?", &bound); err != nil {
			return nil, err
		}
		switch {
		case start < 2:
			return nil, fmt.Errorf("adaptive: for parameter start: got %d, want at least 2: one seed does not show how much seeds differ", start)
		case most <= start || most > maxSeeds:
			return nil, fmt.Errorf("adaptive: for parameter most: got %d, want more than start, which is %d, and at most %d", most, start, maxSeeds)
		case !(bound > 0 && bound <= 0.5):
			return nil, fmt.Errorf("adaptive: for parameter error: got %v, want a probability above 0 and at most 0.5", float64(bound))
		}
		s := FirstSeeds(int(most))
		s.Adaptive = &spec.Adaptive{Start: int(start), Error: float64(bound)}
		return s, nil
	}),
}
