package results

import (
	"cmp"
	"maps"
	"slices"
	"sort"

	"github.com/starsweep/starsweep/engine/metric"
)

// trial is what the journals have of a trial: its generations, one for each time that somebody claimed and began it, and what follows
// from them. The rows that count are chosen so:
//
//   - Generations up to the one that was last forgotten do not count, nor do those whose beginning is lost.
//   - A generation goes on after the epoch that its beginning names. Where it repeats later epochs of lower generations with equal
//     values (times apart), the older rows stay. From the first difference on, the lower ones do not count any more.
//   - The outcome of the highest generation counts. A later one that begins with more epochs opens the trial again. What the outcome
//     says of the epochs until then is shown until the next one: a study that gets more epochs keeps its results meanwhile.
type trial struct {
	id          string
	generations []*generation // by their numbers
	forgotten   int           // generations up to this one do not count
	version     int           // counts the changes

	// What follows is the result of settle. The embedded Trial is the beginning of the first generation that counts, with the length
	// of the last one.
	Trial
	first, latest *generation // nil if none counts
	epochRows     []*row      // of epoch i+1
	samples       map[sampleKey]*row
	measured      map[sampleKey]*row // by epoch and measure
	ended         *row               // the outcome's; nil for an unfinished trial
	former        *ending            // of a trial that was extended since and has not ended anew; nil for others
	paused        *row
	orphans       int // rows that do not count since what they depend on is lost

	summary         // of the epochs
	points  []point // its epochs in the pareto table
	measure string  // of their values
}

// generation is one owner's part of a trial.
type generation struct {
	number int
	begin  *begin
	rows   []*row
}

// begin is the beginning of a generation.
type begin struct {
	Trial
	from     int    // the epoch after which it goes on
	under    string // the digest of its writer's plan
	tookOver bool
	place
}

// ending is an outcome and what tables show with it.
type ending struct {
	*row           // the outcome's
	under  *begin  // the last one before it
	epochs int     // that it ends
	total  summary // of these epochs
	whole  bool    // all of them are there
}

// replicate is what trials share that may be averaged, with the seed apart.
type replicate struct {
	configuration string
	seed          int64
	length        int
}

func (t *trial) replicate() replicate { return replicate{t.Configuration, t.Seed, 0} }

// counts reports whether the trial was begun and not forgotten.
func (t *trial) counts() bool { return t.first != nil }

// outcome is how the trial ended, nil for an unfinished one.
func (t *trial) outcome() *Outcome {
	if t.ended == nil {
		return nil
	}
	return &t.ended.outcome.Outcome
}

// shown is how the trial ended as far as tables and comparisons show it: under the present budget or, of one that was extended, under
// the former one. It is nil for others.
func (t *trial) shown() *ending {
	switch {
	case t.ended != nil:
		return &ending{t.ended, t.latest.begin, len(t.epochRows), t.summary, true}
	case t.former != nil && t.former.whole:
		return t.former
	}
	return nil
}

// generation returns the generation of a number, with or without entries.
func (t *trial) generation(number int) *generation {
	i := sort.Search(len(t.generations), func(i int) bool { return t.generations[i].number >= number })
	if i == len(t.generations) || t.generations[i].number != number {
		t.generations = slices.Insert(t.generations, i, &generation{number: number})
	}
	return t.generations[i]
}

// addBegin adds a beginning. A generation has several if its owner found its checkpoint unusable and began once more, or if a lost
// one was recorded anew; the one that goes on after the lowest epoch counts.
func (g *generation) addBegin(b begin) {
	if g.begin == nil || cmp.Or(cmp.Compare(b.from, g.begin.from), b.place.compare(g.begin.place)) < 0 {
		g.begin = &b
	}
}

// extend adds the next row of the last generation, if that is what r is: an epoch after those that are known, or the outcome. Where rows
// wait for one that is lost, all are settled anew: r may be that one. So they are where an outcome replaces a former one.
func (t *trial) extend(r *row, g *generation, e *Epoch, f *fold) bool {
	if g != t.latest || t.ended != nil || t.paused != nil || t.orphans > 0 || t.former != nil && !t.former.whole {
		return false
	}
	switch {
	case r.table == Epochs && r.epoch == len(t.epochRows)+1 && r.epoch > g.begin.from:
		t.addEpoch(r, *e, f)
	case r.table == Samples && r.epoch >= len(t.epochRows) && t.samples[r.key()] == nil:
		t.samples[r.key()] = r
	case r.table == Trials && t.former == nil:
		t.ended = r
	default:
		return false
	}
	r.counts, r.settled = true, true
	return true
}

func (r *row) key() sampleKey { return sampleKey{r.trial.id, r.epoch, r.kind} }

func (t *trial) addEpoch(r *row, e Epoch, f *fold) {
	t.epochRows = append(t.epochRows, r)
	t.add(e, f.meta.Objectives)
	if values, ok := e.Metrics.finite(f.objectives); ok {
		t.points = append(t.points, point{e.Epoch, e.Backend, values})
	}
}

// settle chooses the rows that count, and returns those of which that has changed since it was last decided.
func (t *trial) settle(f *fold) (flipped []*row) {
	t.first, t.latest, t.epochRows, t.ended, t.former, t.paused, t.orphans = nil, nil, nil, nil, nil, nil, 0
	t.samples, t.measured = map[sampleKey]*row{}, map[sampleKey]*row{}
	for _, g := range t.generations {
		switch {
		case g.number <= t.forgotten:
		case g.begin == nil:
			t.orphans += len(g.rows)
		default:
			t.merge(g)
		}
	}
	t.summary, t.points = newSummary(), nil
	if t.counts() {
		t.Trial = t.first.begin.Trial
		t.Length = t.latest.begin.Length
		t.measure = metric.Deciding(t.Measure, t.Train, objectiveNames(f.objectives)...).String()
	}
	chosen := map[*row]bool{}
	for _, r := range t.epochRows {
		chosen[r] = true
	}
	epochs := t.epochRows
	t.epochRows = nil
	for _, r := range epochs {
		t.addEpoch(r, r.numbers.epoch(r), f)
	}
	if e := t.former; e != nil && e.epochs <= len(t.epochRows) {
		e.whole, e.total = true, newSummary()
		for _, r := range t.epochRows[:e.epochs] {
			e.total.add(r.numbers.epoch(r), f.meta.Objectives)
		}
	}
	for _, r := range t.samples {
		chosen[r] = true
	}
	for _, r := range t.measured {
		chosen[r] = true
	}
	if e := t.shown(); e != nil {
		chosen[e.row] = true
	}
	for _, g := range t.generations {
		for _, r := range g.rows {
			if r.settled && r.counts != chosen[r] {
				flipped = append(flipped, r)
			}
			r.counts, r.settled = chosen[r], true
		}
	}
	return flipped
}

// merge adds a generation to what lower ones have.
func (t *trial) merge(g *generation) {
	slices.SortStableFunc(g.rows, func(a, b *row) int { // by epoch; of equal rows, which a repair may have made, the first
		return cmp.Or(cmp.Compare(a.epoch, b.epoch), a.compare(b.place))
	})
	if cut := t.difference(g); cut > 0 {
		t.cut(cut)
	}
	if t.first == nil {
		t.first = g
	}
	if t.ended != nil && g.begin.Length > t.endedUnder().Length { // extended
		t.former, t.ended = t.ending(), nil
	}
	t.latest, t.paused = g, nil
	for _, r := range g.rows {
		switch r.table {
		case Epochs:
			if r.epoch == len(t.epochRows)+1 {
				t.epochRows = append(t.epochRows, r)
			} else if r.epoch > len(t.epochRows) {
				t.orphans++
			}
		case Samples:
			if t.samples[r.key()] == nil {
				t.samples[r.key()] = r
			}
		case Measurements:
			if t.measured[r.key()] == nil {
				t.measured[r.key()] = r
			}
		case Trials:
			if t.ended == nil || t.ended.generation != g.number {
				t.ended, t.former = r, nil
			}
		default:
			t.paused = r
		}
	}
	if t.ended != nil {
		t.paused = nil
	}
}

// ending is the outcome that counts, as a former one. Some of its epochs may be lost.
func (t *trial) ending() *ending {
	e := &ending{row: t.ended, under: t.latest.begin, epochs: len(t.epochRows)}
	if want := t.ended.outcome.rows; want != nil {
		e.epochs = max(e.epochs, want.Epochs)
	}
	return e
}

// endedUnder is the beginning of the generation whose outcome counts.
func (t *trial) endedUnder() *begin { return t.generation(t.ended.generation).begin }

// difference is the first epoch after its beginning in which a generation differs from lower ones, 0 if there is none.
func (t *trial) difference(g *generation) (epoch int) {
	for _, r := range g.rows { // in the order of their epochs
		if r.epoch <= g.begin.from {
			continue
		}
		switch r.table {
		case Epochs:
			if r.epoch <= len(t.epochRows) && !t.epochRows[r.epoch-1].numbers.equal(r.numbers) {
				return r.epoch
			}
		case Samples:
			if old := t.samples[r.key()]; old != nil && old.picture != r.picture {
				return r.epoch
			}
		}
	}
	return 0
}

// cut drops everything from an epoch on.
func (t *trial) cut(epoch int) {
	t.epochRows = t.epochRows[:min(len(t.epochRows), epoch-1)]
	t.ended, t.paused = nil, nil
	if t.former != nil && t.former.epochs >= epoch {
		t.former = nil
	}
	for _, rows := range []map[sampleKey]*row{t.samples, t.measured} {
		maps.DeleteFunc(rows, func(key sampleKey, _ *row) bool { return key.Epoch >= epoch })
	}
}

// appendRows appends the rows that a table has of the trial, in order.
func (t *trial) appendRows(rows []*row, table Table) []*row {
	switch table {
	case Epochs:
		return append(rows, t.epochRows...)
	case Samples, Measurements:
		of := t.samples
		if table == Measurements {
			of = t.measured
		}
		n := len(rows)
		rows = slices.AppendSeq(rows, maps.Values(of))
		slices.SortFunc(rows[n:], func(a, b *row) int { return a.key().compare(b.key()) })
	case Trials:
		if e := t.shown(); e != nil {
			rows = append(rows, e.row)
		}
	}
	return rows
}

// attempts is how often the trial was begun since its last epoch, without the times that it was left in good order.
func (t *trial) attempts() (n int) {
	for i := len(t.generations) - 1; i >= 0; i-- {
		g := t.generations[i]
		if g.number <= t.forgotten || slices.ContainsFunc(g.rows, func(r *row) bool { return r.table == Epochs }) {
			break
		}
		next := i + 1
		if g.begin != nil && (next == len(t.generations) || t.generations[next].begin != nil && t.generations[next].begin.tookOver) {
			n++
		}
	}
	return n
}

// gap says what a finished trial has lost, empty if it is complete.
func (t *trial) incomplete() (epochs, samples int) {
	if t.ended == nil || t.ended.outcome.rows == nil {
		return 0, 0
	}
	want := t.ended.outcome.rows
	return max(0, want.Epochs-len(t.epochRows)), max(0, want.Samples-len(t.samples))
}
