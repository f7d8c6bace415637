package data

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/starsweep/starsweep/engine/spec"
)

// random is the generator of example i of a toy set: a pure function of its arguments, so that examples can be drawn in any order. The
// generator is a cipher, so neighbouring seeds and indices have unrelated streams.
//
// Only the first 8 bytes of a set's name and of a split's count, so sets whose names agree in them would share their draws:
// TestSetsThatAreDrawnHaveStreamsOfTheirOwn.
func random(set, split string, seed uint64, i int) *rand.Rand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[0:], seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(i))
	copy(key[16:24], set)
	copy(key[24:32], split)
	return rand.New(rand.NewChaCha8(key))
}

var (
	// ring has the defaults of Metz et al. 2017, Unrolled GANs, appendix A.
	ring = row{
		DataSet: spec.DataSet{Name: "ring", Builtin: "ring", Doc: "points around 8 modes on a circle of radius 2, sigma 0.02",
			Args: pointArgs, Channels: 2, Classes: 8, Points: true,
			Default: spec.Data{Modes: 8, Count: spec.DrawnCount, Radius: 2, Sigma: 0.02}},
		from: fromSeed, find: findRing, drawn: drawnPoints,
	}
	// gaussianGrid has the defaults of Srivastava et al. 2017, VEEGAN, section 5.1.
	gaussianGrid = row{
		DataSet: spec.DataSet{Name: "gaussian_grid", Builtin: "gaussian_grid",
			Doc:  "points around 25 modes on a square from -4 to 4, sigma 0.05",
			Args: pointArgs, Channels: 2, Classes: 25, Points: true,
			Default: spec.Data{Modes: 25, Count: spec.DrawnCount, Radius: 4, Sigma: 0.05},
			Check: func(d spec.Data) error {
				if side := gridSide(d.Modes); side*side != d.Modes {
					return fmt.Errorf("modes: got %d, want a square such as 9, 16 or 25", d.Modes)
				}
				return nil
			}},
		from: fromSeed, find: findGrid, drawn: drawnPoints,
	}
)

const pointArgs = "modes? radius? sigma? count? split? seed? limit?"

// drawnPoints have two values and a label each, in the survey as well.
func drawnPoints(spec.Data) (what string, bytes int) { return "points", 2*4 + 2*4 }

// gridSide is the number of modes along a side of the grid.
func gridSide(modes int) int { return int(math.Round(math.Sqrt(float64(max(0, modes))))) }

// gaussians is points in the plane, drawn around each of the centres in turn, which are the classes.
type gaussians struct {
	stream  string // of random numbers
	wanted  spec.Data
	centres [][2]float64
}

// findRing puts Modes centres on a circle of the given Radius, the first on the x axis.
func findRing(_ context.Context, _ *Store, wanted spec.Data) (source, error) {
	g := gaussians{stream: "ring", wanted: wanted}
	for k := range wanted.Modes {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(wanted.Modes))
		g.centres = append(g.centres, [2]float64{wanted.Radius * cos, wanted.Radius * sin})
	}
	return g, nil
}

// findGrid puts Modes centres on a square grid from -Radius to Radius, row by row.
func findGrid(_ context.Context, _ *Store, wanted spec.Data) (source, error) {
	side := gridSide(wanted.Modes)
	at := func(k int) float64 {
		if side == 1 {
			return 0
		}
		return wanted.Radius * (2*float64(k)/float64(side-1) - 1)
	}
	g := gaussians{stream: "grid", wanted: wanted}
	for k := range wanted.Modes {
		g.centres = append(g.centres, [2]float64{at(k % side), at(k / side)})
	}
	return g, nil
}

func (gaussians) identity() (string, error) { return "", nil }

func (g gaussians) survey(context.Context) (survey, error) {
	v := survey{n: g.wanted.Count, first: header{1, 1, 2}, labels: make([]int32, g.wanted.Count), classes: len(g.centres),
		where: func(i int) string { return fmt.Sprintf("%s: point %d", g.wanted.Name, i) }}
	for i := range v.labels {
		v.labels[i] = int32(i % len(g.centres))
	}
	return v, nil
}

func (g gaussians) open(context.Context, []int) (func(int) (picture, error), error) {
	return func(i int) (picture, error) {
		r := random(g.stream, g.wanted.Split, g.wanted.Seed, i)
		c := g.centres[i%len(g.centres)]
		// A product in its own statement and conversion is not fused with the sum: see luma.
		dx, dy := float64(g.wanted.Sigma*r.NormFloat64()), float64(g.wanted.Sigma*r.NormFloat64())
		return picture{header: header{1, 1, 2}, f32: []float32{float32(c[0] + dx), float32(c[1] + dy)}}, nil
	}, nil
}
