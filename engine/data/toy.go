package data

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
)

// random is the generator of example i of a toy set: a pure function of its arguments, so examples can be drawn in any order. The
// generator is a cipher, so neighbouring seeds and indices give unrelated streams.
func random(set, split string, seed uint64, i int) *rand.Rand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[0:], seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(i))
	copy(key[16:24], set)
	copy(key[24:32], split)
	return rand.New(rand.NewChaCha8(key))
}

// gaussians is points in the plane, drawn in turn around each of the centres, which are the classes.
type gaussians struct {
	spec    Spec
	centres [][2]float64
}

// findRing puts Modes centres on a circle of the given Radius, the first on the x axis.
func findRing(_ context.Context, _ *Store, spec Spec) (source, error) {
	g := gaussians{spec: spec}
	for k := range spec.Modes {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(spec.Modes))
		g.centres = append(g.centres, [2]float64{spec.Radius * cos, spec.Radius * sin})
	}
	return g, nil
}

// findGrid puts Modes centres on a square grid from -Radius to Radius, row by row.
func findGrid(_ context.Context, _ *Store, spec Spec) (source, error) {
	side := int(math.Round(math.Sqrt(float64(spec.Modes))))
	at := func(k int) float64 {
		if side == 1 {
			return 0
		}
		return spec.Radius * (2*float64(k)/float64(side-1) - 1)
	}
	g := gaussians{spec: spec}
	for k := range spec.Modes {
		g.centres = append(g.centres, [2]float64{at(k % side), at(k / side)})
	}
	return g, nil
}

func (gaussians) identity() (string, error) { return "", nil }

func (g gaussians) survey(context.Context) (survey, error) {
	v := survey{n: g.spec.Count, first: header{1, 1, 2}, labels: make([]int32, g.spec.Count), classes: len(g.centres),
		where: func(i int) string { return fmt.Sprintf("%s: point %d", g.spec.Name, i) }}
	for i := range v.labels {
		v.labels[i] = int32(i % len(g.centres))
	}
	return v, nil
}

func (g gaussians) open(context.Context, []int) (func(int) (picture, error), error) {
	return func(i int) (picture, error) {
		r := random(g.spec.Name, g.spec.Split, g.spec.Seed, i)
		c := g.centres[i%len(g.centres)]
		// A product in its own statement and conversion is not fused with the sum: see luma.
		dx, dy := float64(g.spec.Sigma*r.NormFloat64()), float64(g.spec.Sigma*r.NormFloat64())
		return picture{header: header{1, 1, 2}, f32: []float32{float32(c[0] + dx), float32(c[1] + dy)}}, nil
	}, nil
}
