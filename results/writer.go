package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/results/internal/claim"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// ErrInUse is in the chain of the error for a study that other processes have open, where that must not be.
var ErrInUse = errors.New("study is in use")

// Writer is a study that this process writes, one of any number of processes. Its methods may be called from several goroutines.
//
// After an error of the disk the writer accepts no more rows: those acknowledged are safe, and Create continues from them once
// the cause is removed.
type Writer struct {
	view     *View
	desk     *claim.Desk
	name     string // of its journal
	options  Options
	recovery Recovery

	mu      sync.Mutex // held while entries are checked and appended, and while tables are written
	closed  bool
	journal *journal.Journal // nil until there is an entry
	plan    string           // the digest of the last plan of this writer
	publisher
}

// Options are choices of the writing process; they may differ from one run to the next.
type Options struct {
	Now    func() time.Time // the clock; required
	Device string           // on which this process trains, for those who ask who writes the study

	// AppendEpoch and Finish publish pending rows once there are FlushRows of them (default 10,000), or once both
	// FlushEvery (default 10 s) and a hundredth of the time since Create have passed, for each writer of the study: that keeps a long
	// study, and one of many writers, from having thousands of files. Publish and Close publish at once.
	FlushRows  int
	FlushEvery time.Duration

	// A process that has given no sign of life for StaleAfter (default 60 s), by the clock of the file system, is taken for dead.
	// It gives one each HeartbeatEvery (default 10 s).
	//
	// A process that begins knows nothing of others yet. Watching is told of whose old heartbeats it waits to see whether they stand still, in
	// Continue, and wherever it must be alone; nil: it does not wait, and takes them for alive.
	HeartbeatEvery, StaleAfter time.Duration
	Watching                   func([]Process)
	ModTime                    func(path string) (time.Time, error) // that clock, in tests; default: when the file was last changed
}

func (o Options) claims() claim.Options {
	return claim.Options{HeartbeatEvery: o.HeartbeatEvery, StaleAfter: o.StaleAfter, ModTime: o.ModTime}
}

// errClosed is the error of a writer that was closed.
var errClosed = fmt.Errorf("%w: the study is closed", ErrStorage)

// View is the study as this writer sees it: with its own rows at once, with those of others as of the last Refresh.
func (w *Writer) View() *View { return w.view }

// Recovery is what Create found damaged and repaired.
func (w *Writer) Recovery() Recovery { return w.recovery }

// Refresh is View.Refresh.
func (w *Writer) Refresh() (changed []string, err error) { return w.view.Refresh() }

// BeginPlan records what a run is about to train, unless it equals the newest plan.
func (w *Writer) BeginPlan(p Plan) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.Began = p.Began.UTC().Truncate(time.Millisecond)
	w.plan = p.digest()
	w.view.mu.Lock()
	newest, number := w.view.fold.plan, w.view.fold.number
	w.view.mu.Unlock()
	if newest != nil && newest.digest == w.plan {
		return nil
	}
	return w.append(entry{Plan: &p, Number: number + 1})
}

// under is the digest of the plan in which this writer begins trials.
func (w *Writer) under() string {
	if newest := w.view.fold.plan; w.plan == "" && newest != nil {
		return newest.digest
	}
	return w.plan
}

// Forget removes trials, finished or not, and all their rows, so that they can run again. The error is ErrClaimed if another process
// trains one of them; then none is forgotten, unless it has begun that one meanwhile.
func (w *Writer) Forget(ids ...string) error {
	if err := w.view.reread(); err != nil {
		return err
	}
	holders, err := w.Claims()
	if err != nil {
		return err
	}
	var claimed, free []string
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if _, found := w.view.State(id); !found {
			return fmt.Errorf("trial %s was never begun", id)
		}
		if _, held := holders[id]; held {
			claimed = append(claimed, id)
		} else {
			free = append(free, id)
		}
	}
	for batch := range slices.Chunk(append(claimed, free...), max(len(claimed), forgetBatch)) {
		if err := w.forget(batch); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.mend(), w.rank())
}

// forgetBatch is how many trials are claimed at a time: to claim one is to list the claims.
const forgetBatch = 50

// forget records that trials are forgotten. The caller mends the tables.
func (w *Writer) forget(ids []string) error {
	var claims []*Claim
	defer func() {
		for _, c := range claims {
			_ = c.Release() // a claim that stays is one of a process that ends, or of the trial's next run
		}
	}()
	var entries []any
	for _, id := range ids {
		c, err := w.Claim(id)
		if err != nil {
			return err
		}
		claims = append(claims, c)
		entries = append(entries, entry{Forget: id, Generation: c.Generation})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.write((*journal.Journal).Append, entries); err != nil {
		return err
	}
	for _, c := range claims {
		if err := durable.Remove(w.view.checkpointPath(c.Trial)); err != nil {
			return err
		}
	}
	return nil
}

// RemoveCheckpoints removes the checkpoints of finished trials, if there are any. It leaves those of trials that another process has
// claimed, or that are finished no more: they are needed.
func (w *Writer) RemoveCheckpoints(ids ...string) error {
	for _, id := range ids {
		if err := w.removeCheckpoint(id); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) removeCheckpoint(id string) error {
	c, err := w.Claim(id)
	switch {
	case errors.Is(err, ErrClaimed):
		claims, err := w.Claims()
		if err != nil || !claims[id].Mine {
			return err
		}
	case err != nil:
		return err
	default:
		defer func() { _ = c.Release() }() // a claim that stays is one of a process that ends, or of the trial's next run
	}
	if s, found := w.view.State(id); found && !s.Status.Final() {
		return nil
	}
	path := w.view.checkpointPath(id)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // not synced: what a power failure brings back does no harm
		return durable.StorageError(path, err)
	}
	return nil
}

// AppendMeasurement records evaluations of kept weights by other measures. One that is already recorded is compared, except for its
// seconds, and not recorded again.
func (w *Writer) AppendMeasurement(rows ...Measurement) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.view.mu.Lock()
	entries, err := w.view.fold.measurements(rows)
	w.view.mu.Unlock()
	if err != nil {
		return err
	}
	return w.append(entries...)
}

// measurements are the entries of measurements.
func (f *fold) measurements(rows []Measurement) (entries []any, err error) {
	for _, m := range rows {
		t := f.trial(m.Trial)
		if t == nil || m.Epoch < 1 || m.Epoch > len(t.epochRows) || m.Measure == "" {
			return nil, fmt.Errorf("measurement of trial %q, epoch %d: want a measure, and an epoch that is recorded", m.Trial, m.Epoch)
		}
		for name := range m.Metrics {
			if !slices.Contains(f.meta.Metrics, name) {
				return nil, fmt.Errorf("trial %s: got metric %q, want one of %s", m.Trial, name, strings.Join(f.meta.Metrics, ", "))
			}
		}
		if old := t.measured[sampleKey{m.Trial, m.Epoch, m.Measure}]; old != nil {
			was, is := *old.again, m
			was.SecondsEvaluate, is.SecondsEvaluate, was.Backend, is.Backend = 0, 0, "", ""
			if got, want := encode(is), encode(was); !bytes.Equal(got, want) {
				return nil, fmt.Errorf("trial %s, epoch %d was measured before and differs:\ngot  %s\nwant %s", m.Trial, m.Epoch, got, want)
			}
			continue
		}
		entries = append(entries, entry{Measurement: &m, Generation: t.latest.number})
	}
	return entries, nil
}

// Decide records decision i of a sequence, unless it is recorded already, and returns the one that is: that of the first process.
func (w *Writer) Decide(s Sequence, i int, decision json.RawMessage) (winner json.RawMessage, err error) {
	return w.desk.Decide(s, i, decision)
}

// append writes entries as one record of this writer's journal and adds them to the view. The caller holds the mutex. If that changes
// which rows of anybody count, tables are mended.
func (w *Writer) append(entries ...any) error { return w.record((*journal.Journal).Append, entries) }

// appendLater is append without the sync.
func (w *Writer) appendLater(entries ...any) error {
	return w.record((*journal.Journal).AppendLater, entries)
}

func (w *Writer) record(write func(*journal.Journal, ...[]byte) ([]journal.Line, error), entries []any) error {
	if err := w.write(write, entries); err != nil {
		return err
	}
	return w.mend()
}

// write is record, but leaves the tables alone.
func (w *Writer) write(write func(*journal.Journal, ...[]byte) ([]journal.Line, error), entries []any) error {
	if w.closed {
		return errClosed
	}
	if len(entries) == 0 {
		return nil
	}
	lines := make([][]byte, 0, len(entries)+1)
	if w.journal == nil {
		if err := w.begin(); err != nil {
			return err
		}
		lines = append(lines, w.view.firstLine())
	}
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	places, err := write(w.journal, lines...)
	if err != nil {
		return err
	}
	return w.remember(places, lines)
}

// begin creates the journal.
func (w *Writer) begin() (err error) {
	dir := filepath.Join(w.view.dir, journalFolder)
	if err := durable.MkdirAll(dir); err != nil {
		return err
	}
	w.journal, err = journal.Create(filepath.Join(dir, w.name))
	return err
}

// remember adds lines of this writer's journal to the view: what a study holds in memory is always what its files say.
func (w *Writer) remember(places []journal.Line, lines [][]byte) error {
	parsed, err := decode(lines)
	if err != nil {
		return err
	}
	w.view.mu.Lock()
	defer w.view.mu.Unlock()
	for i, e := range parsed {
		if err := w.view.add(place{w.name, places[i]}, e); err != nil {
			return err
		}
	}
	w.view.fold.settle()
	w.view.journals.advance(w.journal.End())
	return nil
}

// Close publishes pending rows and leaves the study. The last writer to leave a study whose trials are all finished compacts the tables.
// Claims that are still held are released.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	mine := func(r request) bool { return r.writer == w.name }
	errs := []error{w.publish(), w.rank(), w.finishTables(), w.view.removeRequests(mine), w.desk.Close()}
	if w.journal != nil {
		errs = append(errs, w.journal.Close())
	}
	return errors.Join(append(errs, w.view.Close())...)
}

// clean removes files that a crash left half-written: those that were last written to before a process joined the study that then was
// alone. Younger ones may be of a process that has joined since.
func (v *View) clean(joined time.Time) error {
	for _, folder := range append([]Table{"checkpoints"}, Tables()...) {
		temporary, err := filepath.Glob(filepath.Join(v.folder(folder), ".*"+durable.TempSuffix))
		if err != nil {
			return err
		}
		for _, path := range temporary {
			if info, err := os.Lstat(path); err != nil || info.IsDir() || !info.ModTime().Before(joined) {
				continue
			}
			if err := durable.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}
