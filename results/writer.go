package results

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"
)

// Errors of claims: another live writer holds the trial; the claim was taken over.
var (
	ErrClaimed   = errors.New("the trial is claimed")
	ErrClaimLost = errors.New("the claim was lost")
)

// Paused is the status of a trial that a judge has paused. It is not final.
const Paused Status = "paused"

// Writer is a study that this process writes. Its methods may be called from several goroutines.
type Writer struct {
	s *study

	mu          sync.Mutex
	claims      map[string]*Claim
	suggestions map[int]json.RawMessage
}

// Create creates the study m in dir, or joins it.
func Create(dir string, m Meta, scripts map[string][]byte, o Options) (*Writer, error) {
	s, err := createStudy(dir, m, scripts, o)
	if err != nil {
		return nil, err
	}
	return &Writer{s: s, claims: map[string]*Claim{}, suggestions: map[int]json.RawMessage{}}, nil
}

// Continue joins the study in dir as it is.
func Continue(dir string, o Options) (*Writer, error) {
	m, err := readMeta(dir)
	if err != nil {
		return nil, err
	}
	return Create(dir, m, nil, o)
}

// View is the study as this writer sees it: with its own rows at once, with others' after Refresh.
func (w *Writer) View() *View { return w.s.View }

// Recovery is what Create found damaged and repaired.
func (w *Writer) Recovery() Recovery { return w.s.Recovery }

// Close publishes pending rows and leaves the study.
func (w *Writer) Close() error { return w.s.Close() }

// Refresh reads what other writers have appended, and returns the trials that changed.
func (w *Writer) Refresh() (changed []string, err error) { return w.s.Refresh() }

// BeginPlan records what a run is about to train, unless it equals the newest plan.
func (w *Writer) BeginPlan(p Plan) error { return w.s.BeginPlan(p) }

// Publish writes pending rows to Parquet segments. A run with long epochs calls it from a timer.
func (w *Writer) Publish() error { return w.s.Publish() }

// Forget removes trials, finished or not, and all their rows, so that they can run again.
func (w *Writer) Forget(ids ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if w.claims[id] != nil {
			return fmt.Errorf("trial %s: %w", id, ErrClaimed)
		}
	}
	return w.s.Forget(ids...)
}

// Suggest records suggestion i unless it is recorded already, and returns the one that is.
func (w *Writer) Suggest(i int, s json.RawMessage) (winner json.RawMessage, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.suggestions[i] == nil {
		w.suggestions[i] = s
	}
	return w.suggestions[i], nil
}

// Claim claims a trial for this process.
func (w *Writer) Claim(trial string) (*Claim, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.claims[trial] != nil {
		return nil, fmt.Errorf("trial %s: %w by this process", trial, ErrClaimed)
	}
	c := &Claim{Trial: trial, Generation: 1, w: w}
	w.claims[trial] = c
	return c, nil
}

// Claim is the right to write a trial.
type Claim struct {
	Trial      string
	Generation int
	TookOver   bool // from a writer that died or was stopped
	w          *Writer
}

// Held returns an error with ErrClaimLost in its chain if another process has taken the trial over.
func (c *Claim) Held() error {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.w.claims[c.Trial] != c {
		return fmt.Errorf("trial %s: %w", c.Trial, ErrClaimLost)
	}
	return nil
}

// Release frees the trial for others.
func (c *Claim) Release() error {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if c.w.claims[c.Trial] == c {
		delete(c.w.claims, c.Trial)
	}
	return nil
}

func (c *Claim) own(trial string) error {
	if trial != c.Trial {
		return fmt.Errorf("got a row of trial %s, but the claim is of trial %s", trial, c.Trial)
	}
	return c.Held()
}

// Checkpoint is the checkpoint from which the trial can continue, nil if there is none. Errors: ErrCheckpoint, ErrStorage.
func (c *Claim) Checkpoint() (*Checkpoint, error) { return c.w.s.resumable(c.Trial) }

// Begin records that the trial begins: from its beginning, or after the epoch of a checkpoint, whose row it appends if a crash came
// before that.
func (c *Claim) Begin(t Trial, from *Checkpoint) error {
	if err := c.own(t.ID); err != nil {
		return err
	}
	if err := c.w.s.BeginTrial(t); err != nil || from == nil {
		return err
	}
	return c.w.s.AppendEpoch(from.Row)
}

// AppendEpoch records the next epoch of the trial, with sample sheets. When it returns they are on disk.
func (c *Claim) AppendEpoch(e Epoch, samples ...Sample) error {
	if err := c.AppendSample(samples...); err != nil {
		return err
	}
	if err := c.own(e.Trial); err != nil {
		return err
	}
	return c.w.s.AppendEpoch(e)
}

// AppendSample records sample sheets, PNG files.
func (c *Claim) AppendSample(samples ...Sample) error {
	for _, s := range samples {
		if err := c.own(s.Trial); err != nil {
			return err
		}
	}
	return c.w.s.AppendSample(samples...)
}

// SaveCheckpoint replaces the checkpoint of the trial.
func (c *Claim) SaveCheckpoint(p Checkpoint) error {
	if err := c.own(p.Row.Trial); err != nil {
		return err
	}
	return c.w.s.SaveCheckpoint(p)
}

// Finish records how the trial ended, and removes its checkpoint unless Options.KeepCheckpoints.
func (c *Claim) Finish(o Outcome) error {
	if err := c.own(o.Trial); err != nil {
		return err
	}
	return c.w.s.FinishTrial(o)
}

// State returns the state of a trial that was begun and not forgotten.
func (v *View) State(id string) (State, bool) {
	for _, s := range v.Trials() {
		if s.ID == id {
			return s, true
		}
	}
	return State{}, false
}

// Refresh reads on where the view stopped, and returns the trials that changed.
func (v *View) Refresh() (changed []string, err error) { return nil, nil }

// Event is a change that Follow saw.
type Event struct {
	Kind  EventKind
	Trial string // empty for Planned
	Epoch int    // of EpochDone, SampleDrawn and Measured
}

// EventKind says what changed.
type EventKind string

// The kinds of events.
const (
	Began       EventKind = "began"
	EpochDone   EventKind = "epoch"
	SampleDrawn EventKind = "sample"
	PausedTrial EventKind = "paused"
	Ended       EventKind = "ended"
	Forgotten   EventKind = "forgotten"
	Measured    EventKind = "measured"
	Planned     EventKind = "planned"
)

// Follow refreshes the view again and again, and yields what came.
func (v *View) Follow(ctx context.Context, every time.Duration) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for tick := time.Tick(every); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick:
			}
			if _, err := v.Refresh(); err != nil {
				yield(Event{}, err)
				return
			}
		}
	}
}

// Holder is who holds a claim.
type Holder struct {
	Writer     string
	Generation int
	Live       bool
}

// Claims returns the current claims, by trial.
func (v *View) Claims() (map[string]Holder, error) { return nil, nil }

// Process is a process that has a study open for writing.
type Process struct {
	Name, Host string
	PID        int
	Device     string
	Age        time.Duration // since its last sign of life
	Live       bool
}

// Writers returns the processes that have the study open for writing.
func (v *View) Writers() ([]Process, error) {
	if text, found := writing(v.dir); found {
		return []Process{{Name: text, Live: true}}, nil
	}
	return nil, nil
}

// TrialID is the ID of the trial of a configuration and a seed.
func TrialID(configuration string, seed int64) string {
	sum := sha256.Sum256(fmt.Appendln(nil, configuration, seed))
	return hex.EncodeToString(sum[:8])
}
