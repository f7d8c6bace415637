// Package race decides which points are on the Pareto front of their expected costs, from costs that vary from seed to seed (racing: Maron
// and Moore, NeurIPS 6, 1994; Birattari et al., GECCO 2002; several objectives: Zhang, Georgiopoulos and Anagnostopoulos, GECCO 2013). It
// is statistics alone: package search asks it which points need more seeds. docs/search.md has the rule, and how often it is wrong.
package race

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Race compares points, again whenever they have more costs. What one look has shown stays shown: all that is said by all looks together is
// true with a probability of at least 1 - error, as far as the costs of a point are independent, normal on their scale (see scaled), and
// their variances are as like each other as prior says.
type Race struct {
	points int
	error  float64
	looks  int
	out    []bool // by point: another is better in every objective
	safe   []bool // by point and other point: the point is better in an objective, so the other cannot dominate it
}

// New returns a race of points, of which nothing is known.
func New(points int, error float64) *Race {
	return &Race{points: points, error: error, out: make([]bool, points), safe: make([]bool, points*points)}
}

// Clone returns a race that knows the same.
func (r *Race) Clone() *Race {
	c := *r
	c.out, c.safe = slices.Clone(r.out), slices.Clone(r.safe)
	return &c
}

// Out reports whether another point surely dominates p.
func (r *Race) Out(p int) bool { return r.out[p] }

// Safe reports whether p surely is not dominated by q.
func (r *Race) Safe(p, q int) bool { return r.safe[p*r.points+q] }

// Look compares the points. costs[p][i][j] is objective j of trial i of point p, less is better; a point without trials is not compared.
// An objective that has one value only has no part in it.
func (r *Race) Look(costs [][][]float64) {
	r.looks++
	objectives := slices.DeleteFunc(transposed(costs), constant)
	level := r.level()
	out, safe := make([][]standing, len(objectives)), make([][]standing, len(objectives))
	for j, values := range objectives {
		es := estimates(values)
		out[j], safe[j] = standings(es, level), standings(es, level/float64(len(objectives)))
	}
	for p := range r.points {
		for q := range r.points {
			if p == q || len(costs[p]) == 0 || len(costs[q]) == 0 {
				continue
			}
			in := func(sure [][]standing) (some, all bool) {
				all = len(sure) > 0
				for _, s := range sure {
					better := s != nil && s[p].below(s[q])
					some, all = some || better, all && better
				}
				return some, all
			}
			if _, all := in(out); all {
				r.out[q] = true
			}
			if some, _ := in(safe); some {
				r.safe[p*r.points+q] = true
			}
		}
	}
}

// level is the error that one comparison of two points may have at this look, for points p and q in this order. Either q dominates p, and
// it would be wrong that p is safe from it, or q does not, and it would be wrong that p is out because of it: the error is shared among
// ordered pairs. Looks 1 to k have 1 - 1/√(k+1) of it together, however many follow (an error spending function: Lan and DeMets 1983). To
// be out wrongly, a point has to be taken for worse in an objective where it is not, whatever is said of the others, so each objective
// may have the whole level (Berger 1982). To be safe wrongly, any one objective is enough, so they share it.
func (r *Race) level() float64 {
	k, pairs := float64(r.looks), float64(max(1, r.points*(r.points-1)))
	return r.error * (1/math.Sqrt(k) - 1/math.Sqrt(k+1)) / pairs
}

// transposed are the costs by objective, point and trial.
func transposed(costs [][][]float64) (objectives [][][]float64) {
	for p, trials := range costs {
		for _, values := range trials {
			for len(objectives) < len(values) {
				objectives = append(objectives, make([][]float64, len(costs)))
			}
			for j, v := range values {
				objectives[j][p] = append(objectives[j][p], v)
			}
		}
	}
	return objectives
}

// constant reports whether all trials of all points have the same value, so that an objective distinguishes none of them.
func constant(values [][]float64) bool {
	all := slices.Concat(values...)
	return slices.Min(all) == slices.Max(all)
}

// standing is an estimate with the quantile of its t distribution that belongs to a level.
type standing struct {
	estimate
	quantile float64
}

// standings are those of estimates; nil if there are none.
func standings(es []estimate, level float64) []standing {
	if es == nil {
		return nil
	}
	quantiles := map[float64]float64{} // by degrees of freedom
	list := make([]standing, len(es))
	for p, e := range es {
		q, known := quantiles[e.df]
		if !known && e.df > 0 {
			q = -distuv.StudentsT{Sigma: 1, Nu: e.df}.Quantile(level)
			quantiles[e.df] = q
		}
		list[p] = standing{e, q}
	}
	return list
}

// below reports whether the mean of s is surely below that of t. The degrees of freedom are those of the estimate that has fewer, which is
// not more than Welch's.
func (s standing) below(t standing) bool {
	return t.mean-s.mean > max(s.quantile, t.quantile)*math.Sqrt(s.variance+t.variance)
}
