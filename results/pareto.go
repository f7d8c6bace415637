package results

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
)

// Scope says which points of the pareto table are compared with each other.
type Scope string

// Trials that failed or diverged have no usable model, so the last two scopes leave them out.
const (
	ScopeTrial         Scope = "trial"         // the epochs of one trial
	ScopeStudy         Scope = "study"         // the finished trials of the study, each at the last measured epoch before its end
	ScopeConfiguration Scope = "configuration" // the same, with the seeds of a configuration averaged
)

// Scopes returns all scopes, in the order of the table.
func Scopes() []Scope { return []Scope{ScopeStudy, ScopeConfiguration, ScopeTrial} }

// Comparison is how points are compared. The zero value is how the pareto table compares them.
type Comparison struct {
	Best      bool               // a trial is compared at the epoch where the first objective is best, instead of at its last
	Reference map[string]float64 // of some objectives, instead of the rule of View.Pareto
	Measured  bool               // measurements of kept weights are compared, instead of epochs
}

// point is an epoch with a finite number for each objective.
type point struct {
	epoch   int
	backend string
	values  []float64
}

// course is the points of a trial under one measure, by epoch.
type course struct {
	measure string
	points  []point
}

// member is a row of the pareto table before it is compared.
type member struct {
	trial     *trial // for a configuration, one of its trials
	epoch     int    // 0 for a configuration
	budget    int    // epochs at which the trial, or those of the configuration, are compared
	backend   string // of the values; empty for a configuration with several
	values    []float64
	deviation []float64 // over seeds; nil for fewer than two
	inPlan    bool      // it, or a trial of the configuration, is in the newest plan
	seeds     int
}

// peerGroup holds members that are compared with each other: their objectives have the same measure.
type peerGroup struct {
	scope     Scope
	measure   string
	reference []float64
	members   []member
}

// Pareto returns the rows of the pareto table. Points of one scope are compared only within one measure, which is the part of a
// trial's measure that decides the objectives. The points of a measure are in order from best to worst; the measures of the newest
// plan come first.
//
// Rank, hypervolume and contribution are those of package pareto; the last two are those of the front that the point is on. The
// reference of an objective is a tenth of the range of its values (0.1 if all are equal) beyond the worst value of all trials in the
// scope and measure, so that fronts of one measure can be compared and the points at the ends of a front contribute.
func (v *View) Pareto(c Comparison) iter.Seq2[Row, error] {
	v.mu.Lock()
	groups, m := v.fold.peerGroups(c), v.compared()
	v.mu.Unlock()
	return m.ranked(groups)
}

// peerGroups gathers the members. The result shares nothing that a writer may change.
func (f *fold) peerGroups(c Comparison) []peerGroup {
	var own []peerGroup
	last := map[string][]member{} // by measure
	newest, others := f.measures()
	measures := slices.Concat(newest, others)
	for _, t := range f.ordered() {
		shown := &trial{Trial: t.Trial, summary: t.summary}
		for _, x := range f.courses(t, c) {
			if !slices.Contains(measures, x.measure) {
				measures = append(measures, x.measure)
			}
			epochs := peerGroup{scope: ScopeTrial, measure: x.measure}
			for _, p := range x.points {
				epochs.members = append(epochs.members, f.member(t, shown, p))
			}
			own = append(own, epochs)
			if p, any := f.representative(t, x.points, c); any {
				last[x.measure] = append(last[x.measure], f.member(t, t.asEnded(shown), p))
			}
		}
	}
	var study, configuration []peerGroup
	for _, m := range measures {
		if len(last[m]) > 0 {
			study = append(study, peerGroup{scope: ScopeStudy, measure: m, members: last[m]})
			configuration = append(configuration, peerGroup{scope: ScopeConfiguration, measure: m, members: joined(last[m], c)})
		}
	}
	all := slices.Concat(study, configuration, own)
	f.refer(all, c)
	return all
}

// courses are the points of a trial that are compared.
func (f *fold) courses(t *trial, c Comparison) (list []course) {
	if !c.Measured {
		if len(t.points) > 0 {
			list = []course{{t.measure, t.points}}
		}
		return list
	}
	for _, k := range slices.SortedFunc(maps.Keys(t.measured), sampleKey.compare) {
		x := t.measured[k].again
		values, measured := x.Metrics.finite(f.objectives)
		if !measured {
			continue
		}
		i := slices.IndexFunc(list, func(x course) bool { return x.measure == k.Kind })
		if i < 0 {
			list, i = append(list, course{measure: k.Kind}), len(list)
		}
		list[i].points = append(list[i].points, point{x.Epoch, x.Backend, values})
	}
	return list
}

// asEnded is the trial as it was when it ended, if it goes on since with more epochs, and otherwise as it is shown.
func (t *trial) asEnded(shown *trial) *trial {
	if e := t.shown(); e != nil && t.ended == nil {
		former := t.Trial
		former.Length = e.under.Length
		return &trial{Trial: former, summary: e.total}
	}
	return shown
}

// member is an epoch of a trial, as a point of the table that shows the trial so.
func (f *fold) member(t, shown *trial, p point) member {
	return member{trial: shown, epoch: p.epoch, budget: min(shown.Length, f.budget(t)), backend: p.backend, values: p.values,
		inPlan: f.inPlan(t), seeds: 1}
}

// representative is the point of a finished trial that is compared with those of others: one within its budget, as c chooses.
func (f *fold) representative(t *trial, points []point, c Comparison) (p point, any bool) {
	points = usable(t, points, f.budget(t))
	switch {
	case len(points) == 0:
		return point{}, false
	case c.Best:
		return slices.MinFunc(points, func(a, b point) int { return f.objectives[0].order(a.values[0], b.values[0]) }), true
	}
	return points[len(points)-1], true
}

// usable are the points of a finished trial within a budget.
func usable(t *trial, points []point, budget int) []point {
	last := t.usableUntil(budget)
	for len(points) > 0 && points[len(points)-1].epoch > last {
		points = points[:len(points)-1]
	}
	return points
}

// usableUntil is the last epoch of a finished trial within a budget at which it may be compared with others; of one that was extended
// since, within its former end. It is 0 for a trial that failed or diverged.
func (t *trial) usableUntil(budget int) int {
	e := t.shown()
	if e == nil || e.outcome.Status == Failed || e.outcome.Status == Diverged {
		return 0
	}
	return min(budget, e.epochs)
}

// position is where seeds of a configuration are joined: their budget and, where they were trained to its end, the epoch of the values,
// which is another one if the trial was not evaluated at the end of this budget.
type position struct {
	configuration string
	budget, epoch int
}

func (m member) position(c Comparison) position {
	p := position{m.trial.Configuration, m.budget, m.budget}
	if m.trial.epochs >= m.budget && !c.Best {
		p.epoch = m.epoch
	}
	return p
}

// joined averages trials of one configuration at one position: means and deviations (N-1) over seeds.
func joined(trials []member, compared Comparison) []member {
	seeds := map[position][]member{}
	var order []position
	for _, c := range trials {
		key := c.position(compared)
		if seeds[key] == nil {
			order = append(order, key)
		}
		seeds[key] = append(seeds[key], c)
	}
	var out []member
	for _, key := range order {
		group := seeds[key]
		c := member{trial: group[0].trial, budget: group[0].budget, backend: group[0].backend,
			values: make([]float64, len(group[0].values)), seeds: len(group)}
		if slices.ContainsFunc(group, func(g member) bool { return g.backend != c.backend }) {
			c.backend = ""
		}
		c.inPlan = slices.ContainsFunc(group, func(g member) bool { return g.inPlan })
		for j := range c.values {
			for _, g := range group {
				c.values[j] += g.values[j]
			}
			c.values[j] /= float64(len(group))
		}
		if len(group) > 1 {
			c.deviation = make([]float64, len(c.values))
			for j, mean := range c.values {
				for _, g := range group {
					c.deviation[j] += (g.values[j] - mean) * (g.values[j] - mean) / float64(len(group)-1)
				}
				c.deviation[j] = math.Sqrt(c.deviation[j])
			}
		}
		out = append(out, c)
	}
	return out
}

// refer sets the reference point of every group.
func (f *fold) refer(all []peerGroup, c Comparison) {
	type group struct {
		scope   Scope
		measure string
	}
	references := map[group]*extent{}
	for _, x := range all {
		e := references[group{x.scope, x.measure}]
		if e == nil {
			e = newExtent(len(f.objectives))
			references[group{x.scope, x.measure}] = e
		}
		for _, point := range x.members {
			e.add(point.values)
		}
	}
	for i, x := range all {
		all[i].reference = references[group{x.scope, x.measure}].reference(f.objectives, c)
	}
}

// extent is the least and the greatest value of each objective.
type extent struct{ lo, hi []float64 }

func newExtent(objectives int) *extent {
	return &extent{slices.Repeat([]float64{math.Inf(1)}, objectives), slices.Repeat([]float64{math.Inf(-1)}, objectives)}
}

func (e *extent) add(values []float64) {
	for j, x := range values {
		e.lo[j], e.hi[j] = min(e.lo[j], x), max(e.hi[j], x)
	}
}

// reference is the reference point of c, or a tenth of the extent beyond its worst values.
func (e *extent) reference(objectives []Objective, c Comparison) []float64 {
	out := make([]float64, len(objectives))
	for j, o := range objectives {
		if given, ok := c.Reference[o.Metric]; ok {
			out[j] = given
			continue
		}
		lo, hi := e.lo[j], e.hi[j]
		beyond := (hi - lo) / 10
		if lo == hi {
			beyond = 0.1
		}
		if out[j] = hi + beyond; o.Direction == pareto.Max {
			out[j] = lo - beyond
		}
	}
	return out
}

// ranked makes the rows.
func (m Meta) ranked(groups []peerGroup) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, c := range groups {
			rows, err := m.rank(c)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// rank compares the members of a group.
func (m Meta) rank(c peerGroup) ([]Row, error) {
	directions := directions(m.Objectives)
	points := make([][]float64, len(c.members))
	for i, member := range c.members {
		points[i] = member.values
	}
	ranks, err := pareto.Ranks(points, directions)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(ranks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(ranks[a]-ranks[b], m.Objectives[0].order(points[a][0], points[b][0]))
	})
	var rows []Row
	columns := m.layout(Pareto)
	for len(order) > 0 {
		rank, n := ranks[order[0]], 1
		for n < len(order) && ranks[order[n]] == rank {
			n++
		}
		front := make([][]float64, n)
		for i, at := range order[:n] {
			front[i] = points[at]
		}
		volume, err := pareto.Hypervolume(front, c.reference, directions)
		if err != nil {
			return nil, err
		}
		contributions, err := pareto.Contributions(front, c.reference, directions)
		if err != nil {
			return nil, err
		}
		for i, at := range order[:n] {
			rows = append(rows, columns.row(&record{Study: m.Study, Trial: c.members[at].trial.Trial,
				Standing: standing{c, c.members[at], rank, contributions[i], volume}}))
		}
		order = order[n:]
	}
	return rows, nil
}

func directions(objectives []Objective) (list []pareto.Direction) {
	for _, o := range objectives {
		list = append(list, o.Direction)
	}
	return list
}

// order is negative if value a is better than b.
func (o Objective) order(a, b float64) int {
	if o.Direction == pareto.Max {
		a, b = b, a
	}
	return cmp.Compare(a, b)
}

// finite returns the values of the objectives, if all were measured and are finite.
func (m Metrics) finite(objectives []Objective) ([]float64, bool) {
	values := make([]float64, len(objectives))
	for j, o := range objectives {
		value, measured := m[o.Metric]
		if !measured || math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, false
		}
		values[j] = value
	}
	return values, len(values) > 0
}
