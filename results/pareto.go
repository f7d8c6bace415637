package results

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/durable"
)

// Scope says which points of the pareto table are compared with each other.
type Scope string

// Trials that failed or diverged have no usable model, so the last two scopes leave them out.
const (
	ScopeTrial         Scope = "trial"         // the epochs of one trial
	ScopeStudy         Scope = "study"         // the finished trials of the study, each at its last measured epoch
	ScopeConfiguration Scope = "configuration" // the same, with the seeds of a configuration averaged
)

// Scopes returns all scopes, in the order of the table.
func Scopes() []Scope { return []Scope{ScopeStudy, ScopeConfiguration, ScopeTrial} }

// Comparison is how points are compared. The zero value is how the pareto table compares them.
type Comparison struct {
	Best      bool               // a trial is compared at the epoch where the first objective is best, instead of at its last
	Reference map[string]float64 // of some objectives, instead of the rule of View.Pareto
}

// point is an epoch with a finite number for each objective.
type point struct {
	epoch   int
	backend string
	values  []float64
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
	groups := v.peerGroups(c)
	v.mu.Unlock()
	return v.ranked(groups)
}

// peerGroups gathers the members. The result shares nothing that a writer may change.
func (v *View) peerGroups(c Comparison) []peerGroup {
	var own []peerGroup
	last := map[string][]member{} // by measure
	for _, t := range v.order {
		if t.forgotten || len(t.points) == 0 {
			continue
		}
		epochs := peerGroup{scope: ScopeTrial, measure: t.measure}
		for _, p := range t.points {
			epochs.members = append(epochs.members, v.member(t, p))
		}
		own = append(own, epochs)
		if p, any := v.representative(t, c); any {
			last[t.measure] = append(last[t.measure], p)
		}
	}
	newest, others := v.measures()
	var study, configuration []peerGroup
	for _, m := range slices.Concat(newest, others) {
		if len(last[m]) > 0 {
			study = append(study, peerGroup{scope: ScopeStudy, measure: m, members: last[m]})
			configuration = append(configuration, peerGroup{scope: ScopeConfiguration, measure: m, members: joined(last[m], c)})
		}
	}
	all := slices.Concat(study, configuration, own)
	v.refer(all, c)
	return all
}

// member is an epoch of a trial, as a point of the table.
func (v *View) member(t *trial, p point) member {
	return member{trial: t, epoch: p.epoch, budget: min(t.Length, v.budget(t)), backend: p.backend, values: p.values,
		inPlan: v.inPlan(t), seeds: 1}
}

// representative is the epoch at which a finished trial is compared with others: the last one within its budget. A trial that failed or
// diverged has none, and neither has one that was not measured.
func (v *View) representative(t *trial, c Comparison) (m member, any bool) {
	switch v.state(t).Status {
	case Interrupted, Failed, Diverged:
		return member{}, false
	}
	points := t.points
	for len(points) > 0 && points[len(points)-1].epoch > v.budget(t) {
		points = points[:len(points)-1]
	}
	switch {
	case len(points) == 0:
		return member{}, false
	case c.Best:
		return v.member(t, slices.MinFunc(points, func(a, b point) int {
			return v.compared.Objectives[0].order(a.values[0], b.values[0])
		})), true
	}
	return v.member(t, points[len(points)-1]), true
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
func (v *View) refer(all []peerGroup, c Comparison) {
	type group struct {
		scope   Scope
		measure string
	}
	references := map[group]*extent{}
	for _, x := range all {
		e := references[group{x.scope, x.measure}]
		if e == nil {
			e = newExtent(len(v.compared.Objectives))
			references[group{x.scope, x.measure}] = e
		}
		for _, point := range x.members {
			e.add(point.values)
		}
	}
	for i, x := range all {
		all[i].reference = references[group{x.scope, x.measure}].reference(v.compared.Objectives, c)
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
func (v *View) ranked(groups []peerGroup) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, c := range groups {
			rows, err := v.compared.rank(c)
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

// paretoFile is the only file of the pareto table.
const paretoFile = "pareto.parquet"

// writePareto replaces the pareto table by that of the rows that the journal has now. The file is not a segment, since the rank of a
// point depends on all others. The rename ensures that a reader who opens it sees either the old or the new table in full. A study
// without objectives has no such table.
func (s *study) writePareto() error {
	if len(s.meta.Objectives) == 0 {
		return nil
	}
	start := s.options.Now()
	path := filepath.Join(s.dir, string(Pareto), paretoFile)
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	err := durable.WriteFile(path, func(w io.Writer) error {
		return writeParquet(w, s.meta, Pareto, segment{0, s.lines - 1}.String(), nil, s.ranked(s.peerGroups(Comparison{})))
	})
	if err != nil {
		return fmt.Errorf("pareto table: %w", err)
	}
	now := s.options.Now()
	s.compare.changes, s.compare.due = s.paretoChanges, now.Add(100*now.Sub(start))
	return nil
}

// compare is the state of the pareto table: the changes that it includes, and when it may be written again. All points are
// compared each time, which must not take more than a hundredth of a study's time.
type compare struct {
	changes int
	due     time.Time
}

// writeParetoWhenDue keeps the table current.
func (s *study) writeParetoWhenDue() error {
	if s.compare.changes == s.paretoChanges || s.options.Now().Before(s.compare.due) {
		return nil
	}
	return s.writePareto()
}
