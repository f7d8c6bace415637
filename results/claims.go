package results

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/results/internal/claim"
)

// Errors of claims: another process holds the trial; another process took the trial over, since this one gave no sign of life.
var (
	ErrClaimed   = claim.ErrTaken
	ErrClaimLost = errors.New("the trial was taken over by another process")
)

// Claim is the right to write a trial. Everything about one trial is written through it. Its methods may not be called at the same time.
type Claim struct {
	Trial      string
	Generation int  // counts the owners of the trial
	TookOver   bool // from a process that died, or was stopped for so long that it was taken for dead

	w      *Writer
	c      *claim.Claim
	from   int    // the epoch after which it goes on
	began  bool   // Begin has recorded that
	before []*row // the epochs that were recorded when it began
}

// Claim claims a trial for this process. The error is ErrClaimed if another one trains it. The view then knows what all earlier owners of
// the trial have recorded, and the caller asks it once more whether the trial is finished.
func (w *Writer) Claim(trial string) (*Claim, error) {
	if !fileName(trial) {
		return nil, fmt.Errorf("trial %q: want an id of letters, digits, - and _", trial)
	}
	w.mu.Lock()
	closed := w.closed
	w.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	known := func() int {
		w.view.mu.Lock()
		defer w.view.mu.Unlock()
		return w.view.fold.known(trial)
	}
	for {
		c, err := w.desk.Take(trial, known())
		if err != nil {
			return nil, err
		}
		if err = w.view.reread(); err == nil && known() < c.Generation {
			return &Claim{Trial: trial, Generation: c.Generation, TookOver: c.TookOver, w: w, c: c}, nil
		}
		// Others have had the trial since the view was last refreshed, and this generation is theirs.
		if err = errors.Join(err, c.Release()); err != nil {
			return nil, err
		}
	}
}

// Held returns an error with ErrClaimLost in its chain if another process has taken the trial over.
func (c *Claim) Held() error {
	held, err := c.c.Held()
	if err == nil && !held {
		err = fmt.Errorf("trial %s: %w", c.Trial, ErrClaimLost)
	}
	return err
}

// Release frees the trial for others. It may be called twice.
func (c *Claim) Release() error { return c.c.Release() }

// Abandon leaves the trial behind as a process does that dies: once this one has gone, another takes it over, and the attempt counts.
func (c *Claim) Abandon() { c.c.Abandon() }

// Checkpoint is the checkpoint from which the trial can continue, nil if there is none. Errors: ErrCheckpoint, ErrStorage.
func (c *Claim) Checkpoint() (*Checkpoint, error) { return c.w.view.resumable(c.Trial) }

// write checks that a row may be written, and appends what entries makes of the trial as it is recorded, nil if it was never begun. The
// fold does not change meanwhile but by what other processes append.
func (c *Claim) write(trial string, entries func(t *trial) ([]any, error), write func(...any) error) error {
	if trial != c.Trial {
		return fmt.Errorf("got a row of trial %s, but the claim is of trial %s", trial, c.Trial)
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if err := c.Held(); err != nil {
		return err
	}
	c.w.view.mu.Lock()
	list, err := entries(c.w.view.fold.trial(c.Trial))
	c.w.view.mu.Unlock()
	if err != nil {
		return err
	}
	return write(list...)
}

// Begin records that the trial begins: from its beginning, or after the epoch of a checkpoint, whose row it appends if a crash came
// before that. A trial that began earlier keeps its index, its start, its point and its text for the data, in which another script that
// declares the same trial may differ. A finished trial begins again only with more epochs, and is then unfinished. Begin may be called
// once more, without a checkpoint, if that turns out to be of no use.
//
// It is not synced: a power failure before the first epoch may take the beginning with it, which costs nothing.
func (c *Claim) Begin(t Trial, from *Checkpoint) error {
	if t.Index < 0 || t.Index > math.MaxInt32 {
		return fmt.Errorf("trial %s, index %d: want an index of 32 bits", t.ID, t.Index)
	}
	t.Started = t.Started.UTC().Truncate(time.Millisecond)
	return c.write(t.ID, func(old *trial) (entries []any, err error) {
		f := c.w.view.fold
		if t.Point, err = t.Point.normal(f.meta.Columns); err != nil {
			return nil, fmt.Errorf("trial %s: %w", t.ID, err)
		}
		if twin := f.twins[replicate{t.Configuration, t.Seed, 0}]; twin != "" && twin != t.ID {
			return nil, fmt.Errorf("trial %s: trial %s has the same configuration %s and seed %d", t.ID, twin, t.Configuration, t.Seed)
		}
		recorded := 0
		if old != nil {
			if err := old.beginsAgain(t); err != nil {
				return nil, err
			}
			recorded = len(old.epochRows)
			c.before = slices.Clone(old.epochRows)
		}
		e := entry{Trial: &t, Generation: c.Generation, Under: c.w.under(), TookOver: c.TookOver}
		entries = []any{&e}
		if from != nil {
			switch e.From = from.Row.Epoch; {
			case e.From == recorded+1:
				entries = append(entries, entry{Epoch: &from.Row, Generation: c.Generation})
			case e.From > recorded:
				return nil, fmt.Errorf("trial %s: got a checkpoint of epoch %d, but %d are recorded", t.ID, e.From, recorded)
			case !old.epochRows[e.From-1].numbers.equal(f.metrics.of(&from.Row)):
				return nil, c.differs(old.epochRows[e.From-1], from.Row)
			}
		}
		c.from, c.began = e.From, true
		return entries, nil
	}, c.w.appendLater)
}

// beginsAgain returns an error if an earlier trial cannot begin once more as u.
func (t *trial) beginsAgain(u Trial) error {
	if o := t.outcome(); o != nil && u.Length <= t.endedUnder().Length {
		return fmt.Errorf("trial %s is finished (%s): forget it to run it again", t.ID, o.Status)
	}
	began := t.Trial
	began.Index, began.Started, began.Point, began.Data, began.Length = u.Index, u.Started, u.Point, u.Data, u.Length
	if got, want := encode(u), encode(began); !bytes.Equal(got, want) {
		return fmt.Errorf("trial %s: got\n%s\nbut it began as\n%s", t.ID, got, want)
	}
	return nil
}

// AppendEpoch records the next epoch of the trial, with sample sheets of it in the same record. When it returns they are on disk. A row
// that is already recorded is compared, except for its seconds, and not recorded again. It is an error if it differs, unless it was
// computed on another backend: then this claim's rows count from here on.
func (c *Claim) AppendEpoch(e Epoch, samples ...Sample) error {
	err := c.write(e.Trial, func(t *trial) ([]any, error) {
		if err := c.begun(t); err != nil {
			return nil, err
		}
		f := c.w.view.fold
		for name := range e.Metrics {
			if !slices.Contains(f.meta.Metrics, name) {
				return nil, fmt.Errorf("trial %s: got metric %q, want one of %s", t.ID, name, strings.Join(f.meta.Metrics, ", "))
			}
		}
		elsewhere := false // an earlier row of this epoch is of another backend
		if e.Epoch >= 1 && e.Epoch <= len(c.before) {
			elsewhere = c.before[e.Epoch-1].numbers.backend != e.Backend
		}
		entries, err := c.samples(t, samples, elsewhere)
		if err != nil {
			return nil, err
		}
		numbers := f.metrics.of(&e)
		switch want := len(t.epochRows) + 1; {
		case e.Epoch >= 1 && e.Epoch < want:
			old := t.epochRows[e.Epoch-1]
			if old.numbers.equal(numbers) {
				return entries, nil
			}
			if old.generation == c.Generation || !elsewhere && e.Epoch <= len(c.before) {
				return nil, c.differs(old, e)
			}
		case e.Epoch != want:
			return nil, fmt.Errorf("trial %s: got epoch %d, want %d", t.ID, e.Epoch, want)
		case t.ended != nil && t.ended.generation == c.Generation:
			return nil, fmt.Errorf("trial %s: got epoch %d, but it is finished (%s)", t.ID, e.Epoch, t.outcome().Status)
		}
		return append(entries, entry{Epoch: &e, Generation: c.Generation}), nil
	}, c.w.append)
	if err != nil {
		return err
	}
	return c.w.publishWhenDue()
}

// begun returns an error if Begin was not called.
func (c *Claim) begun(t *trial) error {
	if t == nil || !c.began {
		return fmt.Errorf("trial %s was never begun", c.Trial)
	}
	return nil
}

// differs is the error for an epoch that differs from the one that is recorded.
func (c *Claim) differs(recorded *row, e Epoch) error {
	old := recorded.numbers.epoch(recorded)
	old.SecondsTrain, old.SecondsEvaluate, e.SecondsTrain, e.SecondsEvaluate = 0, 0, 0, 0
	return fmt.Errorf("trial %s, epoch %d is already recorded and differs (another backend or version?); "+
		"the same command runs a failed trial again:\ngot  %s\nwant %s", c.Trial, e.Epoch, encode(e), encode(old))
}

// AppendSample records sample sheets, PNG files. Those of one epoch differ in their kinds. One that is already recorded is compared, and
// not recorded again.
func (c *Claim) AppendSample(samples ...Sample) error {
	return c.write(c.Trial, func(t *trial) ([]any, error) {
		if err := c.begun(t); err != nil {
			return nil, err
		}
		return c.samples(t, samples, false)
	}, c.w.append)
}

// samples are the entries of samples. Elsewhere says that those that differ were drawn on another backend.
func (c *Claim) samples(t *trial, samples []Sample, elsewhere bool) (entries []any, err error) {
	batch := map[sampleKey]bool{}
	for _, sample := range samples {
		key := sampleKey{sample.Trial, sample.Epoch, sample.Kind}
		if batch[key] || sample.Trial != c.Trial || sample.Kind == "" || sample.Epoch < 0 || sample.Epoch > math.MaxInt32 {
			return nil, fmt.Errorf("sample %+v: want the trial %s, a kind, an epoch of 0 or more, and no two alike", key, c.Trial)
		}
		batch[key] = true
		if _, err := png.DecodeConfig(bytes.NewReader(sample.PNG)); err != nil {
			return nil, fmt.Errorf("sample %+v: %w", key, err)
		}
		if old := t.samples[key]; old != nil {
			if old.picture == pictureSum(sample.PNG) {
				continue
			}
			if !elsewhere {
				return nil, fmt.Errorf("sample %+v is already recorded and differs (another backend or version?); "+
					"the same command runs a failed trial again", key)
			}
		} else if t.ended != nil && t.ended.generation == c.Generation {
			return nil, fmt.Errorf("sample %+v: the trial is finished (%s)", key, t.outcome().Status)
		}
		entries = append(entries, sampleEntry{sample, c.Generation})
	}
	return entries, nil
}

// SaveCheckpoint replaces the checkpoint of the trial. The old one remains until the new one is on disk. Call it before AppendEpoch
// of the same row.
func (c *Claim) SaveCheckpoint(p Checkpoint) error {
	if p.Row.Trial != c.Trial {
		return fmt.Errorf("got a checkpoint of trial %s, but the claim is of trial %s", p.Row.Trial, c.Trial)
	}
	s, found := c.w.view.State(c.Trial)
	if err := c.Held(); err != nil { // whoever has taken the trial over may have finished it
		return err
	}
	switch {
	case !found || !c.began:
		return fmt.Errorf("trial %s was never begun", c.Trial)
	case s.Status.Final():
		return fmt.Errorf("checkpoint of trial %s: the trial is finished (%s)", c.Trial, s.Status)
	}
	return c.w.view.saveCheckpoint(p, c.Held) // without the mutex: it takes a while, and every trial has its own file
}

// Finish records how the trial ended, which completes its row of the trials table or replaces that of its former end. The claim remains,
// and so does the checkpoint: see View.Unkept.
func (c *Claim) Finish(o Outcome) error {
	if !o.Status.Final() {
		return fmt.Errorf("trial %s: got status %q, want completed, pruned, failed, diverged or collapsed", o.Trial, o.Status)
	}
	replaces := false
	err := c.write(o.Trial, func(t *trial) ([]any, error) {
		if err := c.begun(t); err != nil {
			return nil, err
		}
		replaces = t.shown() != nil
		if t.ended != nil && t.ended.generation == c.Generation {
			if got, want := encode(o), encode(t.outcome()); !bytes.Equal(got, want) {
				return nil, fmt.Errorf("trial %s is already finished:\ngot  %s\nwant %s", t.ID, got, want)
			}
			return nil, nil
		}
		return []any{entry{Outcome: &o, Rows: &rowCount{len(t.epochRows), len(t.samples)}, Generation: c.Generation}}, nil
	}, c.w.append)
	if err == nil {
		err = c.w.view.removeRequests(func(r request) bool { return r.trial == c.Trial && c.w.view.answered(r) })
	}
	switch {
	case err != nil:
		return err
	case replaces: // the row of the former end has left the table
		return c.w.Publish()
	}
	return c.w.publishWhenDue()
}

// Pause records that a judge has paused the trial. It keeps its checkpoint, and goes on when it begins again.
func (c *Claim) Pause(reason string) error {
	return c.write(c.Trial, func(t *trial) ([]any, error) {
		if err := c.begun(t); err != nil {
			return nil, err
		}
		return []any{entry{Pause: &pause{c.Trial, reason}, Generation: c.Generation}}, nil
	}, c.w.append)
}
