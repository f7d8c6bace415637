package results

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// entry is a line of the journal; one field is set.
type entry struct {
	Study   string     `json:"study,omitempty"` // the first line: the ID of the study
	Plan    *Plan      `json:"plan,omitempty"`
	Trial   *Trial     `json:"trial,omitempty"`
	Epoch   *Epoch     `json:"epoch,omitempty"`
	Sample  *sampleKey `json:"sample,omitempty"` // the picture is read on demand
	Outcome *Outcome   `json:"outcome,omitempty"`
	Rows    *rowCount  `json:"rows,omitempty"` // of the trial that an outcome finishes
	Forget  string     `json:"forget,omitempty"`
	Rebuilt bool       `json:"rebuilt,omitempty"` // in the first line of a journal that was rebuilt, see rebuild
	Settled bool       `json:"settled,omitempty"` // the segments are those of the rebuilt journal
}

// rowCount is the number of rows that the other tables have of a trial. It is missing, and so unknown, in journals of older versions.
type rowCount struct {
	Epochs  int `json:"epochs"`
	Samples int `json:"samples"`
}

// foldSound folds a line. It skips a line that depends on a damaged one before it, such as an epoch of a trial whose beginning is
// lost.
func (v *View) foldSound(at journal.Line, line []byte) error {
	before := v.lines
	err := v.fold(at, line)
	if err == nil || len(v.damage) == 0 || errors.Is(err, errForeign) {
		return err
	}
	v.lines = before + 1
	if v.orphans++; v.orphans == 1 {
		v.firstOrphan = err
	}
	return nil
}

// errForeign is in the chain of the error for a journal of another study.
var errForeign = errors.New("the journal belongs to another study")

// fold adds one line of the journal to the view, when the journal is opened and whenever a line is appended. What a study holds in
// memory is therefore always what it would hold after a crash.
func (v *View) fold(at journal.Line, line []byte) error {
	position := v.lines
	v.lines++
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	switch id := v.meta.ID(); {
	case e.Study != "" && e.Study != id:
		return fmt.Errorf("%w: %w: got id %q, study.json says %q", ErrCorrupt, errForeign, e.Study, id)
	case position == 0 && e.Study == "" && len(v.damage) == 0: // with damage, the first line may be lost
		return fmt.Errorf("%w: the first line names no study", ErrCorrupt)
	case e.Study != "":
		v.rebuilt = e.Rebuilt
		return nil
	case e.Settled:
		v.rebuilt = false
		return nil
	}
	if err := v.foldEntry(position, at, e); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

func (v *View) foldEntry(position int, at journal.Line, e entry) error {
	switch {
	case e.Plan != nil:
		v.foldPlan(*e.Plan)
		return nil
	case e.Trial != nil:
		return v.foldTrial(*e.Trial)
	}
	t, err := v.trial(e.owner())
	if err != nil {
		return err
	}
	add := func(table Table) { v.rows[table] = append(v.rows[table], row{position, at, t}) }
	switch {
	case e.Epoch != nil:
		if err := t.addEpoch(at, *e.Epoch, v.meta.Objectives, len(v.damage) > 0); err != nil {
			return err
		}
		add(Epochs)
		if values, ok := e.Epoch.Metrics.finite(v.compared.Objectives); ok {
			t.points = append(t.points, point{e.Epoch.Epoch, e.Epoch.Backend, values})
			v.paretoChanges++
		}
	case e.Sample != nil:
		add(Samples)
		t.samples[*e.Sample] = at
	case e.Outcome != nil:
		add(Trials)
		t.outcome = e.Outcome
		v.paretoChanges++
	case e.Forget != "":
		t.forgotten = true
		v.paretoChanges++
		delete(v.trials, t.ID)
		delete(v.replicates, t.replicate())
	}
	return nil
}

// owner is the ID of the trial that an entry is about.
func (e entry) owner() string {
	switch {
	case e.Epoch != nil:
		return e.Epoch.Trial
	case e.Sample != nil:
		return e.Sample.Trial
	case e.Outcome != nil:
		return e.Outcome.Trial
	}
	return e.Forget
}

func (v *View) foldTrial(t Trial) error {
	if v.trials[t.ID] != nil {
		return fmt.Errorf("trial %s begins twice", t.ID)
	}
	point, err := t.Point.normal(v.meta.Columns)
	if err != nil {
		return fmt.Errorf("trial %s: %w", t.ID, err)
	}
	t.Point = point
	begun := &trial{Trial: t, plan: v.plan, samples: map[sampleKey]journal.Line{}, summary: newSummary(),
		measure: metric.Deciding(t.Measure, t.Train, v.compared.objectives()...).String()}
	v.trials[t.ID] = begun
	v.replicates[t.replicate()] = t.ID
	v.order = append(v.order, begun)
	return nil
}

// addEpoch adds an epoch. There may be gaps where a damaged journal has lost rows.
func (t *trial) addEpoch(at journal.Line, e Epoch, objectives []Objective, gaps bool) error {
	if want := t.epoch + 1; e.Epoch != want && !(gaps && e.Epoch > want) {
		return fmt.Errorf("trial %s: got epoch %d, want %d", t.ID, e.Epoch, want)
	}
	t.epoch = e.Epoch
	t.lines = append(t.lines, at)
	t.add(e, objectives)
	return nil
}
