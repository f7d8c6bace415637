package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// ErrStorage is in the chain of every error that the file system caused. Files written earlier stay readable.
var ErrStorage = durable.ErrStorage

// ErrNoStudy is in the chain of the error for a directory that holds no study, ErrOther for one that holds a different study, or one of
// another version of starsweep.
var (
	ErrNoStudy = errors.New("not the directory of a study")
	ErrOther   = errors.New("a different study")
)

// ErrCorrupt is in the chain of the error for a study.json that is damaged, and for a journal that cannot be of its study.
var ErrCorrupt = journal.ErrCorrupt

// View is a study as its journal tells it. Its methods may be called from several goroutines.
type View struct {
	dir      string
	meta     Meta
	compared Meta // meta, with the objectives of the pareto table
	journal  *journal.Journal

	mu     sync.Mutex
	lines  int               // in the journal
	trials map[string]*trial // those begun and not forgotten
	order  []*trial          // all, as they began
	rows   map[Table][]row   // all, in the journal's order

	replicates map[replicate]string // IDs of the trials
	plan       *Plan                // the newest
	planned    map[string]bool      // its trials

	standings int // counts the lines that changed the pareto table

	rebuilt bool     // the journal was made anew of what was left of it, and the segments may still be of the old one
	damage  []string // what is wrong with the journal: the view then shows what is sound

	senseless      int // lines that were left out because of others
	firstSenseless error
}

// row is a row of a table: its line in the journal, and how many lines stand before it.
type row struct {
	position int
	line     journal.Line
	trial    *trial
}

// trial is what the journal says of a trial so far. Once it is finished or forgotten it changes no more.
type trial struct {
	Trial
	plan    *Plan          // in which it began; nil if nobody recorded one
	epoch   int            // the last
	epochs  []journal.Line // of epoch i+1, unless the journal is damaged
	samples map[sampleKey]journal.Line

	steps, images                 int64
	secondsTrain, secondsEvaluate float64
	last                          Metrics // the last measured value of each
	evaluated                     bool    // an epoch was
	best                          map[string]Best
	points                        []point // its epochs in the pareto table
	measure                       string  // of their values

	outcome   *Outcome
	forgotten bool
}

// Best is the best value of an objective, and the epoch of it.
type Best struct {
	Value float64
	Epoch int
}

// replicate is what no two trials have in common: without it a mean over seeds would count one of them twice.
type replicate struct {
	configuration string
	seed          int64
	length        int
}

func (t Trial) replicate() replicate { return replicate{t.Configuration, t.Seed, t.Length} }

// sampleKey identifies a sample.
type sampleKey struct {
	Trial string `json:"trial"`
	Epoch int    `json:"epoch"`
	Kind  string `json:"kind"`
}

// Open opens a study for reading, while it runs or later, and sees what is acknowledged at this moment. Objectives, any of the
// study's metrics, replace the study's own in Pareto and in the rows of the pareto table, which are computed.
func Open(dir string, objectives ...Objective) (*View, error) {
	meta, err := readMeta(dir)
	if err != nil {
		return nil, err
	}
	v := newView(dir, meta)
	if len(objectives) > 0 {
		v.compared.Objectives = objectives
		if err := v.compared.Check(); err != nil {
			return nil, err
		}
	}
	published, err := lastPublished(dir) // before the journal is read: a writer may be at work
	if err != nil {
		return nil, err
	}
	tail := int64(0)
	v.journal, tail, err = journal.View(filepath.Join(dir, "journal"), v.foldSound, func(h journal.Hole) error {
		v.damaged("%v are damaged and left out", h)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the next starsweep run of this study makes the journal anew from its tables", err)
	}
	if err != nil {
		return nil, err
	}
	if v.senseless > 0 {
		v.damaged("%d lines are left out, which have no sense without what is damaged: %v", v.senseless, v.firstSenseless)
	}
	if _, writing := Writer(dir); tail > 0 && !writing {
		v.damaged("the last %d bytes are not whole and left out", tail)
	}
	if published >= v.lines && !v.rebuilt {
		v.damaged("it has %d lines, but tables were published up to line %d, counted from 0, so that they may have rows that are not shown here",
			v.lines, published)
	}
	return v, nil
}

// damaged notes what is wrong with the journal.
func (v *View) damaged(format string, a ...any) {
	v.damage = append(v.damage, filepath.Join(v.dir, "journal")+": "+fmt.Sprintf(format, a...))
}

// Damage is what is wrong with the journal. If there is anything, the view shows what is sound, and the next Create takes back what
// tables and checkpoints have of the rest.
func (v *View) Damage() []string { return v.damage }

// lastPublished is the last line of the journal that a segment holds, -1 if there is none.
func lastPublished(dir string) (int, error) {
	last := -1
	for _, t := range recorded() {
		segments, _, err := listSegments(filepath.Join(dir, string(t)))
		if err != nil {
			return 0, err
		}
		for _, g := range segments {
			if g != schemaSegment {
				last = max(last, g.last)
			}
		}
	}
	return last, nil
}

func newView(dir string, m Meta) *View {
	return &View{dir: dir, meta: m, compared: m, trials: map[string]*trial{}, rows: map[Table][]row{}, replicates: map[replicate]string{}}
}

// trial gives a trial that was begun.
func (v *View) trial(id string) (*trial, error) {
	if t := v.trials[id]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("trial %s was never begun", id)
}

// Dir is the directory of the study.
func (v *View) Dir() string { return v.dir }

// Meta describes the study. The caller does not change the slices in it.
func (v *View) Meta() Meta { return v.meta }

// State is how a trial stands.
type State struct {
	Trial
	Status Status
	Reason string
	Epochs int     // in the journal
	Last   Metrics // the last measured value of each

	InPlan           bool            // of the newest plan
	Settings, Script string          // of the run that finished it, or in which it began: a JSON object, and a hash
	Best             map[string]Best // of the study's objectives
}

// Trials are all trials that were begun, in that order, without those that were forgotten.
func (v *View) Trials() []State {
	v.mu.Lock()
	defer v.mu.Unlock()
	var states []State
	for _, t := range v.order {
		if t.forgotten {
			continue
		}
		s := v.state(t)
		s.Last, s.Best = maps.Clone(t.last), maps.Clone(t.best)
		states = append(states, s)
	}
	return states
}

// state is how a trial stands, without its values.
func (v *View) state(t *trial) State {
	s := State{Trial: t.Trial, Status: Interrupted, Epochs: len(t.epochs), InPlan: v.inPlan(t)}
	if t.plan != nil {
		s.Settings, s.Script = t.plan.Settings, t.plan.Script
	}
	if o := t.outcome; o != nil {
		s.Status, s.Reason, s.Settings, s.Script = o.Status, o.Reason, o.Settings, o.Script
	}
	return s
}

// Finished gives the status of every trial that is finished, by its ID.
func (v *View) Finished() map[string]Status {
	finished := map[string]Status{}
	for _, s := range v.Trials() {
		if s.Status.final() {
			finished[s.ID] = s.Status
		}
	}
	return finished
}

// lastEpoch is the last epoch of a trial in the journal, 0 if there is none.
func (v *View) lastEpoch(id string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if t := v.trials[id]; t != nil {
		return len(t.epochs)
	}
	return 0
}

// Epochs are the rows of a trial's epochs, in order.
func (v *View) Epochs(id string) (rows []Epoch, err error) {
	v.mu.Lock()
	t, err := v.trial(id)
	var lines []journal.Line
	if err == nil {
		lines = slices.Clone(t.epochs)
	}
	v.mu.Unlock()
	for _, at := range lines {
		e, err := v.readEpoch(at)
		if err != nil {
			return nil, err
		}
		rows = append(rows, e)
	}
	return rows, err
}

// HasSample reports whether a picture of a trial is in the journal.
func (v *View) HasSample(id string, epoch int, kind string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.trials[id]
	if t == nil {
		return false
	}
	_, there := t.samples[sampleKey{id, epoch, kind}]
	return there
}

// Fields are the columns of a table in order.
func (v *View) Fields(t Table) []Field {
	if t == Pareto {
		return v.compared.Fields(t)
	}
	return v.meta.Fields(t)
}

// Rows gives the rows of a table, published or not, in the order in which they were appended. They are read as they are
// asked for, and stop after an error.
func (v *View) Rows(t Table) iter.Seq2[Row, error] {
	if t == Pareto {
		return v.Pareto(Comparison{})
	}
	v.mu.Lock()
	rows := live(v.rows[t])
	v.mu.Unlock()
	return v.read(t, rows)
}

// live gives the rows whose trial was not forgotten.
func live(rows []row) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.trial.forgotten })
}

func (v *View) read(t Table, rows []row) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, r := range rows {
			out, err := v.readRow(t, r)
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

func (v *View) readRow(t Table, r row) (Row, error) {
	if t == Trials {
		return v.meta.trialRow(r.trial), nil
	}
	if t == Epochs {
		e, err := v.readEpoch(r.line)
		if err != nil {
			return nil, err
		}
		return v.meta.epochRow(r.trial, e), nil
	}
	s, err := v.readSample(r.line)
	if err != nil {
		return nil, err
	}
	return v.meta.sampleRow(r.trial, s)
}

func (v *View) readEpoch(at journal.Line) (Epoch, error) {
	var e struct {
		Epoch Epoch `json:"epoch"`
	}
	err := v.readLine(at, &e)
	return e.Epoch, err
}

func (v *View) readSample(at journal.Line) (Sample, error) {
	var e struct {
		Sample Sample `json:"sample"`
	}
	err := v.readLine(at, &e)
	return e.Sample, err
}

func (v *View) readLine(at journal.Line, into any) error {
	line, err := v.journal.Read(at)
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}

// Close closes the files.
func (v *View) Close() error { return v.journal.Close() }
