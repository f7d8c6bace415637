package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/results/internal/journal"
)

// fold is what a set of journal entries says about a study: plain data, without files. It depends on the set alone, not on the order in
// which the entries are added, so that every process that has read the same journals sees the same study. Entries are added in any order
// between journals; settle then brings the trials that they are about up to date.
type fold struct {
	meta       Meta
	objectives []Objective // of the pareto table
	trials     map[string]*trial
	journals   map[string][]*row // the rows that each journal has, in its order
	twins      map[replicate]string
	plans      map[string]Plan // by digest, without their trials
	plan       *planEntry      // the newest
	planned    map[string]int  // the places of its trials
	number     int             // the highest of a plan
	repaired   map[string][]journal.Hole
	metrics    interned

	unsettled map[*trial]bool
	flipped   []*row   // rows that came to count, or ceased to, after they were first settled
	sorted    []*trial // those that count, by Trial.compare; nil when it must be made anew
	changes   int      // counts what may change the pareto table
}

// planEntry is a plan with what decides which one is the newest.
type planEntry struct {
	Plan
	digest string
	number int
	place
}

// place is where an entry is: a line of a writer's journal.
type place struct {
	writer string
	journal.Line
}

func (p place) compare(q place) int {
	return cmp.Or(strings.Compare(p.writer, q.writer), cmp.Compare(p.Offset, q.Offset))
}

// row is a row of a table, or the pause of a trial, as one generation of the trial recorded it.
type row struct {
	place
	table      Table // empty for a pause
	trial      *trial
	generation int

	epoch   int         // of an epoch or a sample
	numbers *numbersOf  // of an epoch
	kind    string      // of a sample; the measure of a measurement
	picture textSum     // of a sample
	outcome *outcomeRow // of the trials table
	again   *Measurement
	reason  string // of a pause

	counts, settled bool // it is in its table; it was once decided whether it is
}

// outcomeRow is how a generation ended.
type outcomeRow struct {
	Outcome
	rows *rowCount // nil if it is unknown
}

func newFold(m Meta, objectives []Objective) *fold {
	return &fold{meta: m, objectives: objectives, trials: map[string]*trial{}, journals: map[string][]*row{}, twins: map[replicate]string{},
		plans: map[string]Plan{}, repaired: map[string][]journal.Hole{}, metrics: interned{}, unsettled: map[*trial]bool{}}
}

// add adds an entry to the set.
func (f *fold) add(at place, e *entry) error {
	switch {
	case e.Study != "":
		return nil
	case e.Plan != nil:
		f.addPlan(at, e)
		return nil
	case e.Repaired != nil:
		f.repaired[e.Repaired.Writer] = append(f.repaired[e.Repaired.Writer], e.Repaired.Hole)
		return nil
	}
	id := e.owner()
	if id == "" {
		return fmt.Errorf("a line of an unknown kind: a newer version of starsweep may have written it")
	}
	t := f.trials[id]
	if t == nil {
		t = &trial{id: id}
		f.trials[id] = t
	}
	if e.Forget != "" {
		t.forgotten = max(t.forgotten, e.Generation)
		f.unsettled[t] = true
		return nil
	}
	g := t.generation(e.Generation)
	if e.Trial != nil {
		b := begin{Trial: *e.Trial, from: e.From, under: e.Under, tookOver: e.TookOver, place: at}
		point, err := b.Point.normal(f.meta.Columns)
		if err != nil {
			return fmt.Errorf("trial %s: %w", id, err)
		}
		b.Point = point
		g.addBegin(b)
		f.unsettled[t] = true
		return nil
	}
	f.addRow(f.row(at, t, e), g, e)
	return nil
}

// row is the row of an entry.
func (f *fold) row(at place, t *trial, e *entry) *row {
	r := &row{place: at, trial: t, generation: e.Generation}
	switch {
	case e.Epoch != nil:
		r.table, r.epoch, r.numbers = Epochs, e.Epoch.Epoch, f.metrics.of(e.Epoch)
	case e.Sample != nil:
		r.table, r.epoch, r.kind, r.picture = Samples, e.Sample.Epoch, e.Sample.Kind, e.Sample.PNG
	case e.Outcome != nil:
		r.table, r.outcome = Trials, &outcomeRow{*e.Outcome, e.Rows}
	case e.Measurement != nil:
		r.table, r.epoch, r.kind, r.again = Measurements, e.Measurement.Epoch, e.Measurement.Measure, e.Measurement
	case e.Pause != nil:
		r.reason = e.Pause.Reason
	}
	return r
}

// addRow adds a row to its generation. The next row of the trial's last generation, which is the ordinary case, extends what is known of
// the trial; any other makes it be settled anew.
func (f *fold) addRow(r *row, g *generation, e *entry) {
	f.journals[r.writer] = append(f.journals[r.writer], r)
	g.rows = append(g.rows, r)
	t := r.trial
	if f.unsettled[t] {
		return
	}
	if !t.extend(r, g, e.Epoch, f) {
		f.unsettled[t] = true
		return
	}
	f.touched(t)
	f.changes++
}

// settle brings all trials up to date, and returns the IDs of those that were not.
func (f *fold) settle() {
	for t := range f.unsettled {
		was, began := t.replicate(), t.counts()
		f.flipped = append(f.flipped, t.settle(f)...)
		if began && f.twins[was] == t.id {
			delete(f.twins, was)
		}
		if t.counts() {
			f.twins[t.replicate()] = t.id
		}
		f.sorted = nil
		f.touched(t)
		f.changes++
	}
	clear(f.unsettled)
}

// touched notes that a trial changed, for the reports of Refresh and Follow.
func (f *fold) touched(t *trial) { t.version++ }

// ordered returns the trials that were begun and not forgotten, in an order that does not depend on who wrote what.
func (f *fold) ordered() []*trial {
	if f.sorted == nil {
		f.sorted = []*trial{}
		for _, t := range f.trials {
			if t.counts() {
				f.sorted = append(f.sorted, t)
			}
		}
		slices.SortFunc(f.sorted, func(a, b *trial) int { return a.Trial.compare(b.Trial) })
	}
	return f.sorted
}

// compare orders trials by their places in their plans.
func (t Trial) compare(u Trial) int {
	return cmp.Or(cmp.Compare(t.Index, u.Index), cmp.Compare(t.Seed, u.Seed), strings.Compare(t.ID, u.ID))
}

// trial returns a trial that was begun and not forgotten, nil if there is none.
func (f *fold) trial(id string) *trial {
	if t := f.trials[id]; t != nil && t.counts() {
		return t
	}
	return nil
}

// known is the highest generation of a trial that any entry names, 0 if there is none.
func (f *fold) known(id string) int {
	t := f.trials[id]
	if t == nil {
		return 0
	}
	if n := len(t.generations); n > 0 {
		return max(t.forgotten, t.generations[n-1].number)
	}
	return t.forgotten
}

// rows returns the rows of a table, in an order that does not depend on who wrote what.
func (f *fold) rows(t Table) (rows []*row) {
	for _, x := range f.ordered() {
		rows = x.appendRows(rows, t)
	}
	return rows
}

// acknowledged reports whether a hole in a writer's journal is part of one that was repaired: its rows are recorded elsewhere or dropped.
// What was once the end of a journal that had lost rows is an incomplete record when the tables are compacted.
func (f *fold) acknowledged(writer string, h journal.Hole) bool {
	return slices.ContainsFunc(f.repaired[writer], func(r journal.Hole) bool {
		return r.Offset <= h.Offset && h.Offset+h.Length <= r.Offset+r.Length
	})
}
