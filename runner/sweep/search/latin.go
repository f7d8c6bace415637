package search

import "github.com/starsweep/starsweep/engine/model"

// latin is a Latin hypercube (McKay, Beckman and Conover 1979): of n points, every dimension has one in each of n equal parts, in an
// order of its own, at a random place of the part.
type latin struct {
	parts  [][]uint32 // by dimension and point
	within model.Source
}

func newLatin(n, dimensions int, seed uint32) *latin {
	l := &latin{within: *model.NewSource(seed, "latin hypercube")}
	order := model.NewSource(seed, "latin hypercube order")
	for j := range dimensions {
		order.Seek(uint64(j) << 32)
		parts := make([]uint32, n)
		for i := range parts {
			parts[i] = uint32(i)
		}
		for i := n - 1; i > 0; i-- { // Fisher and Yates
			k := int(order.Uniform() * float64(i+1))
			parts[i], parts[k] = parts[k], parts[i]
		}
		l.parts = append(l.parts, parts)
	}
	return l
}

// uniform is coordinate j of point i.
func (l *latin) uniform(i, j int) float64 {
	draws := l.within
	draws.Seek(uint64(i)<<32 | uint64(j))
	return (float64(l.parts[j][i]) + draws.Uniform()) / float64(len(l.parts[j]))
}
