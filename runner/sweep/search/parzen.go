package search

import (
	"cmp"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/internal/parallel"
)

// parzen is a density over the coordinates of a space: the mean of one kernel around each of some points and of the uniform density, the
// prior. A kernel is a product over the axes (Falkner, Klein and Hutter 2018, section 3), so that values that are good together are
// suggested together: normal densities, cut off at 0 and 1; their masses in equal parts of [0, 1] where values are ordered and few; for
// other values, most of the mass on that of the point. Where a hyperparameter does not apply at a point, the density of its axis is
// uniform.
type parzen struct {
	axes []axis
	n    int // points
	// By axis and point. A range has centres, widths and the logarithms of the factors of the density, which is 0 where the hyperparameter
	// does not apply, and then the scale is as well; a finite axis has rows of the table.
	centre, width, factor, scale [][]float64
	row                          [][]int32
	table                        [][]float64 // by finite axis of m values: the logarithm of the mass of value k under row r, in place r·m + k
}

// widths is a rule for the widths of the kernels at places from 0 to 1 on an axis, for n points in d dimensions.
type widths func(at []float64, n, d int) []float64

func newParzen(axes []axis, points [][]float64, widths widths) *parzen {
	p := &parzen{axes: axes, n: len(points), centre: make([][]float64, len(axes)), width: make([][]float64, len(axes)),
		factor: make([][]float64, len(axes)), scale: make([][]float64, len(axes)), row: make([][]int32, len(axes)),
		table: make([][]float64, len(axes))}
	parallel.Each(len(axes), func(j int) {
		if m := len(axes[j].values); m > 0 {
			p.row[j] = make([]int32, p.n)
			for i, x := range points {
				p.row[j][i] = int32(m) // a uniform one
				if x[j] != absent {
					p.row[j][i] = int32(x[j])
				}
			}
			p.table[j] = p.kernels(j, widths)
			return
		}
		p.normals(j, points, widths)
	})
	return p
}

// normals sets the kernels of a range.
func (p *parzen) normals(j int, points [][]float64, widths widths) {
	centre, factor, scale := make([]float64, p.n), make([]float64, p.n), make([]float64, p.n)
	var present []int
	var at []float64
	for i, x := range points {
		if x[j] != absent {
			centre[i], present, at = x[j], append(present, i), append(at, x[j])
		}
	}
	width := make([]float64, p.n)
	for k, w := range widths(at, p.n, len(p.axes)) {
		i := present[k]
		width[i], scale[i] = w, 1/(2*w*w)
		factor[i] = -math.Log(w * math.Sqrt(2*math.Pi) * (normalCDF((1-centre[i])/w) - normalCDF(-centre[i]/w)))
	}
	p.centre[j], p.width[j], p.factor[j], p.scale[j] = centre, width, factor, scale
}

// byNeighbours is the larger of the distances to the neighbours on both sides (Bergstra et al. 2011, section 4). The ends are neighbours
// only of a place that is alone.
func byNeighbours(at []float64, n, _ int) []float64 {
	order := make([]int, len(at))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	w := make([]float64, len(at))
	for k, i := range order {
		if k > 0 {
			w[i] = at[i] - at[order[k-1]]
		}
		if k < len(at)-1 {
			w[i] = max(w[i], at[order[k+1]]-at[i])
		}
		if len(at) == 1 {
			w[i] = max(at[i], 1-at[i])
		}
		w[i] = max(w[i], leastWidth(n))
	}
	return w
}

// byNumber is one width for all (Scott 1992, section 6.3).
func byNumber(at []float64, n, d int) []float64 {
	const ofOne = 0.2
	return slices.Repeat([]float64{max(ofOne*math.Pow(float64(n), -1/float64(d+4)), leastWidth(n))}, len(at))
}

// leastWidth is what no width is below for n points: a hundredth part, or a larger one for few points.
func leastWidth(n int) float64 { return 1 / float64(min(100, n+2)) }

// kernels is the table of a finite axis, with a uniform row at the end.
func (p *parzen) kernels(j int, widths widths) []float64 {
	a := p.axes[j]
	m := len(a.values)
	table := make([]float64, (m+1)*m)
	width := make([]float64, m)
	if a.ordered { // neighbours are values that points have
		seen := make([]bool, m+1)
		for _, r := range p.row[j] {
			seen[r] = true
		}
		var at []float64
		var rows []int
		for r := range m {
			if seen[r] {
				at, rows = append(at, a.unit(float64(r))), append(rows, r)
			}
		}
		for k, w := range widths(at, p.n, len(p.axes)) {
			width[rows[k]] = w
		}
	}
	for r := range m {
		row := table[r*m : (r+1)*m]
		if !a.ordered { // as if each value had been seen once, and the row's own once for each point
			for k := range row {
				row[k] = 1 / float64(p.n+m)
			}
			row[r] = float64(p.n+1) / float64(p.n+m)
			continue
		}
		if width[r] == 0 {
			continue
		}
		at := a.unit(float64(r))
		all := normalCDF((1-at)/width[r]) - normalCDF(-at/width[r])
		for k := range row {
			lo, hi := float64(k)/float64(m), float64(k+1)/float64(m)
			if k > r { // by symmetry, since the tail above has no digits left
				lo, hi = 2*at-hi, 2*at-lo
			}
			row[k] = (normalCDF((hi-at)/width[r]) - normalCDF((lo-at)/width[r])) / all
		}
	}
	for k := range m {
		table[m*m+k] = 1 / float64(m)
	}
	for i, mass := range table {
		table[i] = math.Log(max(mass, math.SmallestNonzeroFloat64))
	}
	return table
}

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// draw draws a point.
func (p *parzen) draw(draws *model.Source) []float64 {
	i := int(draws.Uniform() * float64(p.n+1))
	x := make([]float64, len(p.axes))
	for j, a := range p.axes {
		u := draws.Uniform()
		switch {
		case i == p.n:
			x[j] = a.uniform(u)
		case a.values != nil:
			x[j] = float64(p.pick(j, int(p.row[j][i]), u))
		case p.scale[j][i] == 0:
			x[j] = u
		default:
			lo, hi := normalCDF(-p.centre[j][i]/p.width[j][i]), normalCDF((1-p.centre[j][i])/p.width[j][i])
			z := math.Sqrt2 * math.Erfinv(2*(lo+u*(hi-lo))-1)
			x[j] = min(max(p.centre[j][i]+p.width[j][i]*z, 0), 1)
		}
	}
	return x
}

// pick is the value of a finite axis at the quantile u of a row of its table.
func (p *parzen) pick(j, row int, u float64) int {
	m := len(p.axes[j].values)
	for k := range m - 1 {
		if u -= math.Exp(p.table[j][row*m+k]); u < 0 {
			return k
		}
	}
	return m - 1
}

// logDensity is the logarithm of the density at a point, of the axes that have a value there. Memory holds one number more than the
// density has points.
func (p *parzen) logDensity(x, memory []float64) float64 {
	sums := memory[:p.n+1]
	clear(sums)
	prior := &sums[p.n]
	for j, a := range p.axes {
		if x[j] == absent {
			continue
		}
		if m := len(a.values); m > 0 {
			table := p.table[j][int(x[j]):]
			for i, r := range p.row[j] {
				sums[i] += table[int(r)*m]
			}
			*prior += table[m*m]
			continue
		}
		centre, factor, scale := p.centre[j], p.factor[j][:p.n], p.scale[j][:p.n]
		for i, c := range centre {
			d := x[j] - c
			sums[i] += factor[i] - d*d*scale[i]
		}
	}
	most := math.Inf(-1)
	for _, s := range sums {
		most = max(most, s)
	}
	const digits = -40 // below this, the exponential is not seen in a sum of any number of points
	sum := 0.0
	for _, s := range sums {
		if s -= most; s > digits {
			sum += math.Exp(s)
		}
	}
	return most + math.Log(sum/float64(p.n+1))
}
