package search

import (
	_ "embed"
	"fmt"
	"math/bits"
	"strings"

	"github.com/starsweep/starsweep/engine/model"
)

// Points of Sobol' (1967) fill the unit cube evenly: of the first 2^m, every dimension has one in each of 2^m equal parts. The direction
// numbers are those of Joe and Kuo (2008). Scrambling by a seed (Owen 1995) keeps this, and makes every point uniform.
//
//go:embed joe_kuo.txt
var joeKuo string

// sobolMost bounds the dimensions: those that joe_kuo.txt has, and the first.
const sobolMost = 128

// directions are the direction numbers of dimension j, from 0, by the bit of the place that they belong to.
func directions(table []string, j int) (v [32]uint32) {
	if j == 0 {
		for k := range v {
			v[k] = 1 << (31 - k)
		}
		return v
	}
	var degree int
	var coefficients, m uint32
	line := strings.NewReader(table[j-1])
	scan := func(to any) {
		if _, err := fmt.Fscan(line, to); err != nil {
			panic(fmt.Sprintf("joe_kuo.txt: dimension %d: %v", j+1, err))
		}
	}
	scan(&degree)
	scan(&coefficients)
	for k := range v {
		if k < degree {
			scan(&m)
			v[k] = m << (31 - k)
			continue
		}
		v[k] = v[k-degree] ^ v[k-degree]>>degree
		for l := 1; l < degree; l++ {
			if coefficients>>(degree-1-l)&1 == 1 {
				v[k] ^= v[k-l]
			}
		}
	}
	return v
}

// sobol is the scrambled sequence in as many dimensions as a space has, in the order of Gray's code.
type sobol struct {
	directions [][32]uint32
	scrambling model.Source
}

func newSobol(dimensions int, seed uint32) (*sobol, error) {
	if dimensions > sobolMost {
		return nil, fmt.Errorf("got %d dimensions, and sobol has at most %d: use latin_hypercube(...) or random(...)", dimensions, sobolMost)
	}
	s := &sobol{scrambling: *model.NewSource(seed, "sobol")}
	table := strings.Split(joeKuo, "\n")[2:] // after the comment
	for j := range dimensions {
		s.directions = append(s.directions, directions(table, j))
	}
	return s, nil
}

// at is coordinate j of point i, before it is scrambled, as a fraction of 2^32.
func (s *sobol) at(i uint32, j int) (x uint32) {
	for gray := i ^ i>>1; gray != 0; gray &= gray - 1 {
		x ^= s.directions[j][bits.TrailingZeros32(gray)]
	}
	return x
}

// uniform is coordinate j of point i. Each bit is flipped or not by a draw that belongs to all bits before it.
func (s *sobol) uniform(i, j int) float64 {
	x := s.at(uint32(i), j)
	draws := s.scrambling
	y := uint32(0)
	for bit := range 32 {
		before := uint64(1)<<bit | uint64(x)>>(32-bit) // distinct for all bits, with a leading 1
		draws.Seek(uint64(j)<<32 | before)
		y = y<<1 | (x>>(31-bit)^uint32(draws.Uint64()))&1
	}
	return (float64(y) + 0.5) / (1 << 32)
}
