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

// ErrNoStudy is in the chain of the error for a directory that holds no study, ErrOther for one that holds a different study or a
// study of another version of starsweep.
var (
	ErrNoStudy = errors.New("not the directory of a study")
	ErrOther   = errors.New("a different study")
)

// ErrCorrupt is in the chain of the error for a study.json that is damaged, and for a journal that cannot be of its study.
var ErrCorrupt = journal.ErrCorrupt

// View is a study as its journal records it. Its methods may be called from several goroutines.
type View struct {
	dir      string
	meta     Meta
	compared Meta // meta, with the objectives of the pareto table
	journal  *journal.Journal

	mu     sync.Mutex
	lines  int               // in the journal
	trials map[string]*trial // those begun and not forgotten
	order  []*trial          // all, in the order in which they began
	rows   map[Table][]row   // all, in the order of the journal

	replicates map[replicate]string // IDs of the trials
	plan       *Plan                // the newest
	planned    map[string]int       // its trials, with their budgets

	paretoChanges int // counts the lines that changed the pareto table

	rebuilt bool     // the journal was rebuilt from what was left of it, and the segments may still be those of the old one
	damage  []string // of the journal: the view then shows what is sound

	orphans     int // lines that were left out since those that they depend on are damaged
	firstOrphan error
}

// row is a row of a table: its line in the journal, and the number of lines before it.
type row struct {
	position int
	line     journal.Line
	trial    *trial
}

// trial is what the journal has of a trial so far. Once finished or forgotten it does not change.
type trial struct {
	Trial
	plan    *Plan          // in which it began; nil if none was recorded
	epoch   int            // the last
	lines   []journal.Line // of epoch i+1, unless the journal is damaged
	samples map[sampleKey]journal.Line

	summary         // of the epochs
	points  []point // its epochs in the pareto table
	measure string  // of their values

	outcome   *Outcome
	forgotten bool
}

// replicate is what no two trials may share: a mean over seeds would count one of them twice.
type replicate struct {
	configuration string
	seed          int64
	length        int
}

func (t Trial) replicate() replicate { return replicate{t.Configuration, t.Seed, t.Length} }

// Open opens a study for reading, while it runs or later, as it is acknowledged at this moment. Objectives, any of the study's
// metrics, replace the study's own in Pareto and in the rows of the pareto table, which are computed. Errors: ErrNoStudy,
// ErrOther, ErrCorrupt, ErrStorage, or those of Meta.Check for the objectives.
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
	published, err := lastPublished(dir) // before the journal is read, since a writer may append at the same time
	if err != nil {
		return nil, err
	}
	tail := int64(0)
	v.journal, tail, err = journal.View(filepath.Join(dir, "journal"), v.foldSound, func(h journal.Hole) error {
		v.damaged("%v are damaged and left out", h)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the next starsweep run of this study rebuilds the journal from its tables", err)
	}
	if err != nil {
		return nil, err
	}
	if v.orphans > 0 {
		v.damaged("%d lines are left out since they depend on damaged ones: %v", v.orphans, v.firstOrphan)
	}
	if _, live := writing(dir); tail > 0 && !live {
		v.damaged("the last %d bytes are an incomplete record and left out", tail)
	}
	if published >= v.lines && !v.rebuilt {
		v.damaged("it has %d lines, but tables were published up to line %d, counted from 0: they may have rows that are not shown here",
			v.lines, published)
	}
	return v, nil
}

// damaged notes damage of the journal.
func (v *View) damaged(format string, a ...any) {
	v.damage = append(v.damage, filepath.Join(v.dir, "journal")+": "+fmt.Sprintf(format, a...))
}

// Damage describes the damage of the journal, if any. The view then shows what is sound, and the next Create recovers from tables
// and checkpoints what they have of the rest.
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

// trial returns a trial that was begun.
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

// State is the state of a trial.
type State struct {
	Trial
	Status   Status
	Reason   string
	Failure  Failure // its class, of a trial that failed
	Attempts int     // begun since its last epoch, without those that were left in good order
	Epochs   int     // in the journal
	Last     Metrics // the last measured value of each

	InPlan           bool            // it is in the newest plan
	Settings, Script string          // of the run that finished it, or in which it began: a JSON object and a hash
	Best             map[string]Best // of the study's objectives, within the budget of the newest plan
}

// Trials returns all trials that were begun and not forgotten, in the order in which they began.
func (v *View) Trials() []State {
	v.mu.Lock()
	defer v.mu.Unlock()
	var states []State
	for _, t := range v.order {
		if t.forgotten {
			continue
		}
		s := v.state(t)
		s.Last, s.Best = maps.Clone(t.last), map[string]Best{}
		for objective := range t.best {
			if b, measured := t.bestUntil(v.budget(t), objective); measured {
				s.Best[objective] = b
			}
		}
		states = append(states, s)
	}
	return states
}

// state is the state of a trial, without its values.
func (v *View) state(t *trial) State {
	s := State{Trial: t.Trial, Status: Interrupted, Epochs: len(t.lines), InPlan: v.inPlan(t)}
	if t.plan != nil {
		s.Settings, s.Script = t.plan.Settings, t.plan.Script
	}
	if o := t.outcome; o != nil {
		s.Status, s.Reason, s.Failure, s.Settings, s.Script = o.Status, o.Reason, o.Failure, o.Settings, o.Script
	}
	return s
}

// Finished returns the status of every finished trial, by its ID.
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
		return len(t.lines)
	}
	return 0
}

// Epochs returns the rows of a trial's epochs, in order.
func (v *View) Epochs(id string) (rows []Epoch, err error) {
	v.mu.Lock()
	t, err := v.trial(id)
	var lines []journal.Line
	if err == nil {
		lines = slices.Clone(t.lines)
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

// HasSample reports whether a sample sheet of a trial is in the journal.
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

// Fields returns the columns of a table in order.
func (v *View) Fields(t Table) []Field {
	if t == Pareto {
		return v.compared.Fields(t)
	}
	return v.meta.Fields(t)
}

// Rows returns the rows of a table, published or not, in the order in which they were appended. They are read on demand, and
// end after an error.
func (v *View) Rows(t Table) iter.Seq2[Row, error] {
	if t == Pareto {
		return v.Pareto(Comparison{})
	}
	v.mu.Lock()
	rows := live(v.rows[t])
	v.mu.Unlock()
	return v.read(t, rows)
}

// live returns the rows whose trial was not forgotten.
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
