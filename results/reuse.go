package results

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"

	"github.com/starsweep/starsweep/internal/regular"
)

// ErrReuse is in the chain of the error for a trial that cannot be taken over from another study, and says why.
var ErrReuse = errors.New("the trial cannot be reused")

// Donor is a study whose finished trials others take over.
type Donor struct {
	*View
	outcomes, pictures func(trial string) iter.Seq2[Row, error]
}

// Donor returns the study as it is now as a donor of trials.
func (v *View) Donor() *Donor { return &Donor{v, v.RowsByTrial(Trials), v.RowsByTrial(Samples)} }

// Reuse takes a finished trial over from another study: its epochs, its samples, its checkpoint if it was kept, the copy of its script,
// and its outcome, which then says where it was trained. The trial t is what the study of w calls it: it must have the configuration
// and the seed of the other, and gets its length and its start. Errors: ErrReuse, ErrClaimed, or those of Claim.
func (w *Writer) Reuse(from *Donor, id string, t Trial) (err error) {
	outcome, err := from.reusable(id, &t)
	if err != nil {
		return err
	}
	epochs, err := from.Epochs(id)
	if err != nil {
		return err
	}
	for _, e := range epochs {
		for name := range e.Metrics {
			if !slices.Contains(w.View().Meta().Metrics, name) {
				return fmt.Errorf("%w: the study has no column for %s", ErrReuse, name)
			}
		}
	}
	samples, err := from.samplesOf(id)
	if err != nil {
		return err
	}
	c, err := w.Claim(t.ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Release()) }()
	if err := from.copyScript(w.View().Dir(), outcome.Script); err != nil {
		return err
	}
	if err := c.Begin(t, nil); err != nil {
		return err
	}
	for _, e := range epochs {
		e.Trial = t.ID
		for i := range samples[e.Epoch] {
			samples[e.Epoch][i].Trial = t.ID
		}
		if err := c.AppendEpoch(e, samples[e.Epoch]...); err != nil {
			return err
		}
	}
	if err := from.copyCheckpoint(c, id, len(epochs)); err != nil {
		return err
	}
	outcome.Trial, outcome.Reused = t.ID, cmp.Or(outcome.Reused, from.Dir())
	return c.Finish(*outcome)
}

// reusable returns how a trial ended, and completes what another study calls it.
func (v *Donor) reusable(id string, t *Trial) (*Outcome, error) {
	old, known := v.State(id)
	switch {
	case !known || !old.Status.Final():
		return nil, fmt.Errorf("%w: it is not finished", ErrReuse)
	case old.Status == Failed || old.Status == Skipped:
		return nil, fmt.Errorf("%w: it is %s", ErrReuse, old.Status)
	case old.Configuration != t.Configuration || old.Seed != t.Seed:
		return nil, fmt.Errorf("%w: it has the configuration %s and the seed %d, want %s and %d", ErrReuse, old.Configuration, old.Seed,
			t.Configuration, t.Seed)
	}
	t.Length, t.Started = old.Length, old.Started
	for row, err := range v.outcomes(id) {
		if err != nil {
			return nil, err
		}
		outcome, _ := v.Meta().outcomeOf(row)
		return outcome, nil
	}
	return nil, fmt.Errorf("%w: it has no outcome", ErrReuse)
}

// samplesOf returns the samples of a trial by epoch, under the ID that it has there.
func (v *Donor) samplesOf(id string) (map[int][]Sample, error) {
	all := map[int][]Sample{}
	for row, err := range v.pictures(id) {
		if err != nil {
			return nil, err
		}
		s := v.Meta().sampleOf(row)
		all[s.Epoch] = append(all[s.Epoch], s)
	}
	return all, nil
}

// copyScript copies the folder of a script to another study.
func (v *Donor) copyScript(dir, hash string) error {
	if !fileName(hash) {
		return nil // its run kept no copy
	}
	folder := filepath.Join(v.dir, "script", hash)
	files := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err == nil {
			files[filepath.ToSlash(name)], err = regular.ReadFile(path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return writeScripts(dir, hash, files)
}

// copyCheckpoint gives a trial the weights that a study keeps of it. Damaged ones, and those of another epoch than the last, are left
// out: the rows do not depend on them.
func (v *Donor) copyCheckpoint(to *Claim, id string, last int) error {
	p, err := v.LoadCheckpoint(id)
	if err != nil || p.Row.Epoch != last {
		return nil
	}
	p.Row.Trial = to.Trial
	return to.SaveCheckpoint(p)
}
