package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

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

// ErrCorrupt is in the chain of the error for a study.json that is damaged where no journal describes the study, and for a journal that
// cannot be of its study.
var ErrCorrupt = journal.ErrCorrupt

// View is a study as its journals record it. Its methods may be called from several goroutines.
type View struct {
	dir   string
	given []Objective // by the caller, for the pareto table

	mu        sync.Mutex // guards what follows
	file      file       // study.json, as it was when the journals were first read
	info      fs.FileInfo
	fold      *fold
	journals  *journals
	changed   map[string]bool // trials that changed since the last Refresh
	followers map[*follower]bool
	dead      map[string]time.Time // writers that Watch found dead, with their heartbeats
}

// Open opens a study for reading, while it runs or later, as it is acknowledged at this moment. Objectives, any of the study's
// metrics, replace the study's own in Pareto and in the rows of the pareto table, which are computed. Errors: ErrNoStudy,
// ErrOther, ErrCorrupt, ErrStorage, or those of Meta.Check for the objectives.
func Open(dir string, objectives ...Objective) (*View, error) {
	v := &View{dir: dir, given: objectives, changed: map[string]bool{}, followers: map[*follower]bool{}}
	if err := v.reset(); err != nil {
		return nil, err
	}
	if err := v.compared().Check(); err != nil {
		return nil, err
	}
	if err := v.read(); err != nil {
		return nil, err
	}
	return v, nil
}

// reset forgets what was read of the journals, and reads study.json.
func (v *View) reset() error {
	info, statErr := os.Stat(filepath.Join(v.dir, studyFile)) // before it is read
	f, err := readFile(v.dir)
	if err != nil {
		return err
	}
	if errors.Is(statErr, fs.ErrNotExist) { // it was read from the journals
		info, statErr = nil, nil
	}
	if statErr != nil {
		return durable.StorageError(v.dir, statErr)
	}
	if v.journals != nil {
		if err := v.journals.close(); err != nil {
			return err
		}
	}
	v.file, v.info = f, info
	v.fold = newFold(f.Meta, v.compared().Objectives)
	fresh, err := openJournals(v.dir, f)
	if err == nil && v.journals != nil {
		fresh.own, fresh.ownEnd = v.journals.own, v.journals.ownEnd
	}
	if err == nil {
		v.journals = fresh
	}
	return err
}

// firstLine is the first line of a journal.
func (v *View) firstLine() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return encode(entry{Study: v.file.ID, File: &v.file})
}

// compared is the study with the objectives of the pareto table.
func (v *View) compared() Meta {
	m := v.file.Meta
	if len(v.given) > 0 {
		m.Objectives = v.given
	}
	return m
}

// read reads on. The caller holds the mutex, or is alone.
func (v *View) read() error {
	err := v.journals.read(func(at place, e *entry) error { return v.add(at, e) })
	v.fold.settle()
	return err
}

// add adds an entry to what the view knows.
func (v *View) add(at place, e *entry) error {
	if id := e.owner(); id != "" {
		v.changed[id] = true
	}
	for f := range v.followers {
		f.see(e)
	}
	return v.fold.add(at, e)
}

// Refresh reads what writers have appended since the view was opened or refreshed, and returns the trials that changed since the last
// call, sorted; those that this process wrote are among them. It takes microseconds for a journal to which nothing was appended.
func (v *View) Refresh() (changed []string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.refresh(); err != nil {
		return nil, err
	}
	changed = slices.Sorted(maps.Keys(v.changed))
	clear(v.changed)
	return changed, nil
}

// reread is Refresh, and leaves the report of the changes to the next one.
func (v *View) reread() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.refresh()
}

// refresh reads on, or anew if the study has got more columns.
func (v *View) refresh() error {
	info, err := os.Stat(filepath.Join(v.dir, studyFile))
	switch {
	case errors.Is(err, fs.ErrNotExist): // lost meanwhile: what was read of it holds
		err = nil
	case err != nil:
		return durable.StorageError(v.dir, err)
	case !(os.SameFile(info, v.info) && info.ModTime().Equal(v.info.ModTime()) && info.Size() == v.info.Size()):
		followers := v.followers
		v.followers = nil // they have seen the entries that are read anew
		err = v.reset()
		if err == nil {
			err = v.read()
		}
		v.followers = followers
	}
	return errors.Join(err, v.read())
}

// Dir is the directory of the study.
func (v *View) Dir() string { return v.dir }

// Meta describes the study. The caller does not change the slices in it.
func (v *View) Meta() Meta {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.file.Meta
}

// State is the state of a trial. Its Length is the number of epochs of the run that began it last.
type State struct {
	Trial
	Status   Status
	Reason   string
	Failure  Failure // its class, of a trial that failed
	Attempts int     // times that it was begun since its last epoch, without those after which it was left in good order
	Epochs   int     // in the journals
	Last     Metrics // the last measured value of each
	Seconds  float64 // of training and evaluation

	InPlan           bool            // it is in the newest plan
	Settings, Script string          // of the run that finished it, or in which it began: a JSON object and a hash
	Best             map[string]Best // of the study's objectives, within the budget of the newest plan

	Former *Former // of a trial that was extended, until it ends anew; nil for others

	Generation int       // of the claim under which it began last
	From       int       // the epoch after which it then went on
	Since      time.Time // when that was
}

// Former is how a trial ended under fewer epochs, which tables and comparisons show while it goes on.
type Former struct {
	Status Status
	Epochs int // that it had then
}

// Remark is the reason of the state or, of a trial that was extended, its former end. Most states need none.
func (s State) Remark() string {
	if s.Former == nil || s.Reason != "" {
		return s.Reason
	}
	return fmt.Sprintf("extended; until it ends, its %d epochs count (%s)", s.Former.Epochs, s.Former.Status)
}

// Trials returns all trials that were begun and not forgotten, in the order of their indices, seeds and IDs.
func (v *View) Trials() []State {
	v.mu.Lock()
	defer v.mu.Unlock()
	states := make([]State, 0, len(v.fold.trials))
	for _, t := range v.fold.ordered() {
		states = append(states, v.fold.fullState(t))
	}
	return states
}

// State returns the state of a trial. Found is false for one that was never begun, or was forgotten.
func (v *View) State(id string) (s State, found bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.fold.trial(id)
	if t == nil {
		return State{}, false
	}
	return v.fold.fullState(t), true
}

func (f *fold) fullState(t *trial) State {
	s := f.state(t)
	s.Last, s.Best = maps.Clone(t.last), map[string]Best{}
	for objective := range t.best {
		if b, measured := t.bestUntil(f.budget(t), objective); measured {
			s.Best[objective] = b
		}
	}
	return s
}

// state is the state of a trial, without its values.
func (f *fold) state(t *trial) State {
	plan := f.plans[t.latest.begin.under]
	s := State{Trial: t.Trial, Status: Interrupted, Epochs: len(t.epochRows), InPlan: f.inPlan(t), Settings: plan.Settings,
		Script: plan.Script, Seconds: t.secondsTrain + t.secondsEvaluate, Generation: t.latest.number, From: t.latest.begin.from,
		Since: t.latest.begin.Started, Attempts: t.attempts()}
	if t.paused != nil {
		s.Status, s.Reason = Paused, t.paused.reason
	}
	if o := t.outcome(); o != nil {
		s.Status, s.Reason, s.Failure, s.Settings, s.Script = o.Status, o.Reason, o.Failure, o.Settings, o.Script
	} else if e := t.shown(); e != nil {
		s.Former = &Former{e.outcome.Status, e.epochs}
	}
	return s
}

// Finished returns the status of every finished trial, by its ID.
func (v *View) Finished() map[string]Status {
	v.mu.Lock()
	defer v.mu.Unlock()
	finished := map[string]Status{}
	for id, t := range v.fold.trials {
		if o := t.outcome(); o != nil {
			finished[id] = o.Status
		}
	}
	return finished
}

// lastEpoch is the last epoch of a trial in the journals, 0 if there is none.
func (v *View) lastEpoch(id string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if t := v.fold.trial(id); t != nil {
		return len(t.epochRows)
	}
	return 0
}

// HasSample reports whether a sample sheet of a trial is in the journals.
func (v *View) HasSample(id string, epoch int, kind string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.fold.trial(id)
	return t != nil && t.samples[sampleKey{id, epoch, kind}] != nil
}

// Fields returns the columns of a table in order.
func (v *View) Fields(t Table) []Field {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.compared().Fields(t)
}

// Rows returns the rows of a table, published or not, in the order of the trials and their epochs. They are read on demand, and end
// after an error.
func (v *View) Rows(t Table) iter.Seq2[Row, error] {
	if t == Pareto {
		return v.Pareto(Comparison{})
	}
	v.mu.Lock()
	rows := v.fold.rows(t)
	v.mu.Unlock()
	return v.readRows(t, rows)
}

func (v *View) readRows(t Table, rows []*row) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		columns := v.Meta().layout(t)
		for _, r := range rows {
			rec, err := v.record(r)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(columns.row(rec), nil) {
				return
			}
		}
	}
}

// record is what a row shows.
func (v *View) record(r *row) (*record, error) {
	v.mu.Lock()
	rec := &record{Study: v.file.Study, Trial: r.trial.Trial}
	if r.table == Trials {
		rec.Total, rec.Outcome = r.trial.summary, r.outcome.Outcome
		if e := r.trial.shown(); e != nil {
			rec.Total, rec.Trial.Length = e.total, e.under.Length
		}
		rec.Total = rec.Total.clone()
	}
	v.mu.Unlock()
	var err error
	switch r.table {
	case Measurements:
		rec.Measurement = *r.again
	case Epochs:
		rec.Epoch, err = v.readEpoch(r)
	case Samples:
		if rec.Sample, err = v.readSample(r); err == nil {
			rec.Picture, err = rec.Sample.size()
		}
	}
	return rec, err
}

func (v *View) readEpoch(r *row) (Epoch, error) {
	var e struct {
		Epoch Epoch `json:"epoch"`
	}
	err := v.readLine(r.place, &e)
	return e.Epoch, err
}

func (v *View) readSample(r *row) (Sample, error) {
	var e struct {
		Sample Sample `json:"sample"`
	}
	err := v.readLine(r.place, &e)
	return e.Sample, err
}

func (v *View) readLine(at place, into any) error {
	v.mu.Lock()
	journals := v.journals
	v.mu.Unlock()
	line, err := journals.line(at)
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}

// Close closes the files.
func (v *View) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.journals.close()
}
