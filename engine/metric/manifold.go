package metric

import (
	"context"
	"fmt"
	"math"

	"github.com/starsweep/starsweep/internal/parallel"
)

// Manifold is a set of features with a ball around each sample that reaches to its Kth nearest neighbour, itself not counted:
// the estimate of a set's support that precision, recall, density and coverage share. That of the real set is the
// same for all trials.
//
// Distances are |u|² - 2uv + |v|² with products in float32. If these do not decide which of two numbers is larger, the distance is
// computed again in float64 as Σ(u-v)², so that no comparison depends on the backend, and duplicates have distance 0.
type Manifold struct {
	Features
	K     int
	Radii []float64 // [N], squared
}

// NewManifold computes the radii of f, which must have more than k samples; k must be 1 or more.
func NewManifold(ctx context.Context, p *Products, f Features, k int) (Manifold, error) {
	if err := f.check("features", 1); err != nil {
		return Manifold{}, err
	}
	if k < 1 || f.N <= k {
		return Manifold{}, fmt.Errorf("neighbours: got k = %d and %s, want k of at least 1 and more than k samples", k, samples(f.N))
	}
	s, err := p.surveyed(ctx, f, f.mean())
	if err != nil {
		return Manifold{}, err
	}
	near := make([]nearest, f.N)
	for i := range near {
		near[i] = newNearest(min(k+spare, f.N-1))
	}
	err = p.each(ctx, s.centred, s.centred, func(t tile) error {
		for r := range t.rows {
			i := t.At + r
			own, norms := &near[i], s.norms[t.Bt:][:t.cols]
			first := 0
			if t.At == t.Bt { // each pair once
				first = r + 1
			}
			for c, uv := range t.v[r*t.cols:][first:t.cols] {
				j := first + c
				d := s.norms[i] + norms[j] - 2*float64(uv)
				if d < own.bound {
					own.put(t.Bt+j, d)
				}
				if other := &near[t.Bt+j]; d < other.bound {
					other.put(i, d)
				}
			}
		}
		return nil
	})
	if err != nil {
		return Manifold{}, err
	}
	m := Manifold{f, k, make([]float64, f.N)}
	parallel.Each(f.N, func(i int) {
		if ctx.Err() == nil {
			m.Radii[i] = s.radius(f, i, k, near[i])
		}
	})
	return m, ctx.Err()
}

// spare is the number of additional neighbours that are kept, so that rounding seldom changes which are kept.
const spare = 4

// radius is the squared distance from sample i to its kth neighbour. If a sample outside near could be that close, all
// samples are compared.
func (s *survey) radius(f Features, i, k int, near nearest) float64 {
	exact := newNearest(k)
	for _, j := range near.index {
		exact.put(j, squared(f.Row(i), f.Row(j), exact.bound))
	}
	if r := exact.bound; r == 0 || len(near.index) == f.N-1 || r <= near.bound-s.slack*(s.norms[i]+s.longest) {
		return r
	}
	exact = newNearest(k)
	for j := range f.N {
		if j != i {
			exact.put(j, squared(f.Row(i), f.Row(j), exact.bound))
		}
	}
	return exact.bound
}

// nearest are the samples with the smallest distances so far, ascending.
type nearest struct {
	bound float64 // a distance must be below it to be kept
	index []int
	dist  []float64
}

func newNearest(n int) nearest {
	return nearest{math.Inf(1), make([]int, 0, n), make([]float64, 0, n)}
}

func (n *nearest) put(i int, d float64) {
	if d >= n.bound {
		return
	}
	if len(n.dist) < cap(n.dist) {
		n.index, n.dist = append(n.index, 0), append(n.dist, 0)
	}
	at := len(n.dist) - 1
	for ; at > 0 && n.dist[at-1] > d; at-- {
		n.index[at], n.dist[at] = n.index[at-1], n.dist[at-1]
	}
	n.index[at], n.dist[at] = i, d
	if len(n.dist) == cap(n.dist) {
		n.bound = n.dist[len(n.dist)-1]
	}
}

// squared is |u-v|² in float64, or some number above bound if it is above bound. It is the same for (v, u).
func squared(u, v []float32, bound float64) (d float64) {
	const step = 64
	for len(u) > step {
		d += squaredPart(u[:step], v[:step])
		if d > bound {
			return d
		}
		u, v = u[step:], v[step:]
	}
	return d + squaredPart(u, v)
}

func squaredPart(u, v []float32) float64 {
	var even, odd float64
	v = v[:len(u)]
	i := 0
	for ; i+1 < len(u); i += 2 {
		a, b := float64(u[i])-float64(v[i]), float64(u[i+1])-float64(v[i+1])
		even += a * a
		odd += b * b
	}
	if i < len(u) {
		a := float64(u[i]) - float64(v[i])
		even += a * a
	}
	return even + odd
}

// survey is a set minus a mean, with what distances need from it. Distances stay the same, and products round less.
type survey struct {
	centred *Features
	norms   []float64 // squared
	longest float64   // the largest of them
	slack   float64   // a squared distance is wrong by at most slack (|u|² + |v|²)
}

func (p *Products) surveyed(ctx context.Context, f Features, mean []float64) (*survey, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slack, err := p.slack(f.D)
	if err != nil {
		return nil, err
	}
	s := &survey{centred: &Features{f.N, f.D, make([]float32, len(f.X))}, norms: make([]float64, f.N), slack: slack}
	for i := range f.N {
		row := s.centred.Row(i)
		for j, v := range f.Row(i) {
			row[j] = float32(float64(v) - mean[j])
			s.norms[i] += float64(row[j]) * float64(row[j])
		}
		s.longest = max(s.longest, s.norms[i])
	}
	return s, nil
}

// slack measures how the backend rounds sums of d products: from about 1e-6 in float32 to 1e-3 on GPUs that use TF32.
func (p *Products) slack(d int) (float64, error) {
	p.mu.Lock()
	s, ok := p.slacks[d]
	p.mu.Unlock()
	if ok {
		return s, nil
	}
	f := probe(64, d)
	err := p.each(context.Background(), &f, &f, func(t tile) error {
		for i := range t.rows {
			for j := range t.cols {
				uv, uu, vv := dot(f.Row(i), f.Row(j)), dot(f.Row(i), f.Row(i)), dot(f.Row(j), f.Row(j))
				s = max(s, math.Abs(float64(t.v[i*t.cols+j])-uv)/math.Sqrt(uu*vv))
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	s = 4*s + 0x1p-21 // other data may round worse than these, and their mean is subtracted in float32
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slacks[d] = s
	return s, nil
}

// probe is n samples of d numbers in (0, 1): sums of positive numbers round worst. Weyl's sequence.
func probe(n, d int) Features {
	f := Features{n, d, make([]float32, n*d)}
	for i := range f.X {
		_, frac := math.Modf(float64(i+1) * math.Phi)
		f.X[i] = float32(frac)
	}
	return f
}

func dot(u, v []float32) (s float64) {
	for i, x := range u {
		s += float64(x) * float64(v[i])
	}
	return s
}
