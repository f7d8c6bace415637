package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
)

// sampleEntry is a line of the journal with a sample sheet.
type sampleEntry struct {
	Sample Sample `json:"sample"`
}

// BeginTrial records trials, before their first rows. A trial that began in an earlier run keeps its index, its start, its point
// and its text for the data, in which another script that declares the same trial may differ. It is an error if a trial is
// finished, or differs from another in nothing but its ID.
func (s *study) BeginTrial(trials ...Trial) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []any
	for i, t := range trials {
		if slices.ContainsFunc(trials[:i], func(other Trial) bool { return other.ID == t.ID }) {
			return fmt.Errorf("trial %s: got it twice in one call", t.ID)
		}
		if !fileName(t.ID) || t.Index < 0 || t.Index > math.MaxInt32 {
			return fmt.Errorf("trial %q, index %d: want an id of letters, digits, - and _, and an index of 32 bits", t.ID, t.Index)
		}
		point, err := t.Point.normal(s.meta.Columns)
		if err != nil {
			return fmt.Errorf("trial %s: %w", t.ID, err)
		}
		t.Point, t.Started = point, t.Started.UTC().Truncate(time.Millisecond)
		old := s.trials[t.ID]
		if old == nil {
			if twin := s.replicates[t.replicate()]; twin != "" {
				return fmt.Errorf("trial %s: trial %s has the same configuration %s, seed %d and length", t.ID, twin, t.Configuration, t.Seed)
			}
			entries = append(entries, entry{Trial: &t})
			continue
		}
		if old.outcome != nil {
			return fmt.Errorf("trial %s is finished (%s): forget it to run it again", t.ID, old.outcome.Status)
		}
		began := old.Trial
		began.Index, began.Started, began.Point, began.Data = t.Index, t.Started, t.Point, t.Data
		if got, want := encode(t), encode(began); !bytes.Equal(got, want) {
			return fmt.Errorf("trial %s: got\n%s\nbut it began as\n%s", t.ID, got, want)
		}
	}
	return s.append(entries...)
}

// AppendEpoch records rows of the epochs table. When it returns they are on disk. The rows are of different trials, each the
// next epoch of its trial. A row that is already recorded is compared, except for its seconds, and not recorded again.
func (s *study) AppendEpoch(rows ...Epoch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []any
	for i, e := range rows {
		t, err := s.trial(e.Trial)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(rows[:i], func(other Epoch) bool { return other.Trial == e.Trial }) {
			return fmt.Errorf("trial %s: got two rows in one call, want rows of different trials", t.ID)
		}
		for name := range e.Metrics {
			if !slices.Contains(s.meta.Metrics, name) {
				return fmt.Errorf("trial %s: got metric %q, want one of %s", t.ID, name, strings.Join(s.meta.Metrics, ", "))
			}
		}
		switch want := len(t.lines) + 1; {
		case e.Epoch >= 1 && e.Epoch < want:
			if err := s.compareEpoch(t, e); err != nil {
				return err
			}
		case e.Epoch != want:
			return fmt.Errorf("trial %s: got epoch %d, want %d", t.ID, e.Epoch, want)
		case t.outcome != nil:
			return fmt.Errorf("trial %s: got epoch %d, but it is finished (%s)", t.ID, e.Epoch, t.outcome.Status)
		default:
			entries = append(entries, entry{Epoch: &e})
		}
	}
	if err := s.append(entries...); err != nil {
		return err
	}
	return s.publishWhenDue()
}

// compareEpoch checks that e is the row that the journal has for its epoch. Only the seconds and the backend may differ:
// training an epoch again, from an older checkpoint, must produce the same numbers.
func (s *study) compareEpoch(t *trial, e Epoch) error {
	old, err := s.readEpoch(t.lines[e.Epoch-1])
	if err != nil {
		return err
	}
	old.SecondsTrain, old.SecondsEvaluate, old.Backend = 0, 0, e.Backend
	e.SecondsTrain, e.SecondsEvaluate = 0, 0
	if got, want := encode(e), encode(old); !bytes.Equal(got, want) {
		return fmt.Errorf("trial %s, epoch %d is already recorded and differs (another backend or version?); "+
			"the same command runs a failed trial again:\ngot  %s\nwant %s",
			t.ID, e.Epoch, got, want)
	}
	return nil
}

// AppendSample records sample sheets, PNG files, in the same way. Those of one trial and epoch differ in their kinds.
func (s *study) AppendSample(samples ...Sample) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []any
	batch := map[sampleKey]bool{}
	for _, sample := range samples {
		t, err := s.trial(sample.Trial)
		if err != nil {
			return err
		}
		key := sampleKey{sample.Trial, sample.Epoch, sample.Kind}
		if batch[key] || sample.Kind == "" || sample.Epoch < 0 || sample.Epoch > math.MaxInt32 {
			return fmt.Errorf("sample %+v: want a kind, an epoch of 0 or more, and no two alike", key)
		}
		batch[key] = true
		if _, err := png.DecodeConfig(bytes.NewReader(sample.PNG)); err != nil {
			return fmt.Errorf("sample %+v: %w", key, err)
		}
		if at, there := t.samples[key]; there {
			old, err := s.readSample(at)
			if err != nil {
				return err
			}
			if !bytes.Equal(old.PNG, sample.PNG) {
				return fmt.Errorf("sample %+v is already recorded and differs (another backend or version?); "+
					"the same command runs a failed trial again", key)
			}
			continue
		}
		if t.outcome != nil {
			return fmt.Errorf("sample %+v: the trial is finished (%s)", key, t.outcome.Status)
		}
		entries = append(entries, sampleEntry{sample})
	}
	return s.append(entries...)
}

// FinishTrial records how trials ended, which completes their rows of the trials table, and removes their checkpoints.
func (s *study) FinishTrial(outcomes ...Outcome) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []any
	var finished []string
	for _, o := range outcomes {
		t, err := s.trial(o.Trial)
		if err != nil {
			return err
		}
		if !o.Status.final() {
			return fmt.Errorf("trial %s: got status %q, want completed, pruned, failed, skipped, diverged or collapsed", t.ID, o.Status)
		}
		if slices.Contains(finished, t.ID) {
			return fmt.Errorf("trial %s: got two outcomes", t.ID)
		}
		finished = append(finished, t.ID)
		if t.outcome == nil {
			entries = append(entries, entry{Outcome: &o, Rows: &rowCount{len(t.lines), len(t.samples)}})
		} else if got, want := encode(o), encode(*t.outcome); !bytes.Equal(got, want) {
			return fmt.Errorf("trial %s is already finished:\ngot  %s\nwant %s", t.ID, got, want)
		}
	}
	if err := s.append(entries...); err != nil {
		return err
	}
	if !s.options.KeepCheckpoints {
		for _, id := range finished {
			if err := durable.Remove(s.checkpointPath(id)); err != nil {
				return err
			}
		}
	}
	return s.publishWhenDue()
}

// Forget removes trials, finished or not, and all their rows, so that they can run again. Segments that hold such rows are
// replaced by segments without them.
func (s *study) Forget(ids ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []any
	for i, id := range ids {
		if _, err := s.trial(id); err != nil {
			return err
		}
		if !slices.Contains(ids[:i], id) {
			entries = append(entries, entry{Forget: id})
		}
	}
	if err := s.append(entries...); err != nil {
		return err
	}
	for _, id := range ids {
		if err := durable.Remove(s.checkpointPath(id)); err != nil {
			return err
		}
	}
	for _, t := range recorded() {
		if err := s.reconcile(t); err != nil {
			return err
		}
	}
	return s.writePareto()
}

// append writes entries as one record of the journal and folds them.
func (s *study) append(entries ...any) error {
	if len(entries) == 0 {
		return nil
	}
	lines := make([][]byte, len(entries))
	for i, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		lines[i] = line
	}
	if err := s.lock.check(); err != nil {
		return err
	}
	places, err := s.journal.Append(lines...)
	if err != nil {
		return err
	}
	for i, at := range places {
		if err := s.fold(at, lines[i]); err != nil {
			return err
		}
	}
	return nil
}

// encode is the form in which rows are compared: equal values have equal bytes.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error()) // such as NaN seconds, which append then rejects
	}
	return b
}

// fileName reports whether an ID can be the name of a file on every system.
func fileName(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}
