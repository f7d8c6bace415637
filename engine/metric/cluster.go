package metric

import (
	"context"
	"math"
	"math/rand/v2"
)

const (
	clusterBatch  = 1024
	clusterSteps  = 100
	clusterStarts = 10
)

// cluster returns the label of each sample by mini-batch k-means (Sculley 2010, algorithm 1).
func cluster(ctx context.Context, p *Products, f Features, k int, rng *rand.Rand) ([]int, error) {
	sample := f.Pick(rng.Perm(f.N)[:min(f.N, 3*clusterBatch)])
	var centers Features
	least := math.Inf(1)
	for range clusterStarts {
		c := plusPlus(sample, k, rng)
		_, inertia, err := assign(ctx, p, sample, c)
		if err != nil {
			return nil, err
		}
		if inertia < least {
			least, centers = inertia, c
		}
	}
	counts := make([]float64, k)
	rows := make([]int, min(f.N, clusterBatch))
	for range clusterSteps {
		for i := range rows {
			rows[i] = rng.IntN(f.N)
		}
		batch := f.Pick(rows)
		labels, _, err := assign(ctx, p, batch, centers)
		if err != nil {
			return nil, err
		}
		for i, l := range labels { // every centre is the mean of all samples ever assigned to it
			counts[l]++
			rate, c := float32(1/counts[l]), centers.Row(l)
			for j, v := range batch.Row(i) {
				c[j] += rate * (v - c[j])
			}
		}
	}
	labels, _, err := assign(ctx, p, f, centers)
	return labels, err
}

// plusPlus draws k centres from f, each with a probability proportional to the squared distance from the previous ones (Arthur and
// Vassilvitskii 2007).
func plusPlus(f Features, k int, rng *rand.Rand) Features {
	rows := []int{rng.IntN(f.N)}
	d := make([]float64, f.N)
	for i := range d {
		d[i] = math.Inf(1)
	}
	for len(rows) < k {
		var total float64
		for i := range d {
			d[i] = min(d[i], squared(f.Row(i), f.Row(rows[len(rows)-1]), d[i]))
			total += d[i]
		}
		next, left := rng.IntN(f.N), total*rng.Float64() // any sample if all are equal
		for i := 0; i < f.N && total > 0; i++ {
			if left -= d[i]; left < 0 {
				next = i
				break
			}
		}
		rows = append(rows, next)
	}
	return f.Pick(rows)
}

// assign is the nearest centre of each sample, and the sum of the squared distances to them.
func assign(ctx context.Context, p *Products, f, centers Features) (labels []int, inertia float64, err error) {
	mean := centers.mean()
	s, err := p.surveyed(ctx, f, mean)
	if err != nil {
		return nil, 0, err
	}
	c, err := p.surveyed(ctx, centers, mean)
	if err != nil {
		return nil, 0, err
	}
	labels = make([]int, f.N)
	near := make([]float64, f.N)
	for i := range near {
		near[i] = math.Inf(1)
	}
	err = p.each(ctx, s.centred, c.centred, func(t tile) error {
		for r := range t.rows {
			i := t.At + r
			for j, uv := range t.v[r*t.cols:][:t.cols] {
				if d := max(0, s.norms[i]+c.norms[t.Bt+j]-2*float64(uv)); d < near[i] {
					near[i], labels[i] = d, t.Bt+j
				}
			}
		}
		return nil
	})
	for _, d := range near {
		inertia += d
	}
	return labels, inertia, err
}
