package results

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// A study of the old schema is upgraded by the first run that joins it. A trial was its configuration, its seed and its length; now the
// length is a budget, and of several trials that differ in nothing else the longest stays. The steps, each of which a crash may follow:
//
//	.upgrade/journal/schema3   the new journal is written, and checkpoints under the new IDs of their trials
//	study.json                 gets the new schema: from here on the study is a new one
//	journal -> journal.schema3 the old journal is kept
//	.upgrade/journal -> journal
//	lock, old segments         are removed; the tables are published anew
const (
	upgradedWriter = "schema3"
	keptJournal    = "journal.schema3"
)

// upgrading reports whether an upgrade has begun and not ended.
func upgrading(dir string) bool { return exists(filepath.Join(dir, upgradeFolder)) }

// upgrade brings a study of the old schema into today's form, or ends an upgrade that a crash interrupted. M is the study as it is to be.
func (w *Writer) upgrade(dir string, m Meta, f file) error {
	held, err := newLock(dir) // against writers of the old version
	if err != nil {
		return err
	}
	defer held.Close()
	if f.Schema == oldSchema {
		f = f.with(m)
		if err := w.prepareUpgrade(dir, f); err != nil {
			return err
		}
		if err := writeFile(dir, f); err != nil {
			return err
		}
	}
	return finishUpgrade(dir)
}

// prepareUpgrade makes the new journal and the new checkpoints.
func (w *Writer) prepareUpgrade(dir string, f file) error {
	if err := os.RemoveAll(filepath.Join(dir, upgradeFolder)); err != nil {
		return durable.StorageError(dir, err)
	}
	v, err := Open(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	for _, damage := range v.Damage() {
		w.recovery.note("%s", damage)
	}
	u := upgrade{v: v, file: f, names: map[string]string{}}
	u.choose(func(format string, a ...any) { w.recovery.note(format, a...) })
	folder := filepath.Join(dir, upgradeFolder, journalFolder)
	if err := durable.MkdirAll(folder); err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(folder, upgradedWriter), u.write); err != nil {
		return err
	}
	for _, t := range u.kept {
		c, err := v.LoadCheckpoint(t.id)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			w.recovery.note("trial %s: %v", t.id, err)
			continue
		}
		c.Row.Trial = u.names[t.id]
		if err := v.saveCheckpoint(c, nil); err != nil {
			return err
		}
	}
	w.recovery.note("the study was upgraded from schema %d to %d; its old journal is kept as %s", oldSchema, SchemaVersion, keptJournal)
	return nil
}

// finishUpgrade puts what was prepared in its place.
func finishUpgrade(dir string) error {
	old, made := filepath.Join(dir, journalFolder), filepath.Join(dir, upgradeFolder, journalFolder)
	if info, err := os.Stat(old); err == nil && !info.IsDir() {
		if err := os.Rename(old, filepath.Join(dir, keptJournal)); err != nil {
			return durable.StorageError(old, err)
		}
	}
	if exists(made) {
		if err := os.Rename(made, old); err != nil {
			return durable.StorageError(old, err)
		}
	}
	if err := durable.SyncDir(dir); err != nil {
		return err
	}
	for _, t := range Tables() {
		folder := filepath.Join(dir, string(t))
		files, _, err := regular.Names(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return durable.StorageError(folder, err)
		}
		for _, name := range files {
			if strings.Trim(name, "0123456789-") == ".parquet" {
				if err := durable.Remove(filepath.Join(folder, name)); err != nil {
					return err
				}
			}
		}
	}
	if err := durable.Remove(lockPath(dir)); err != nil {
		return err
	}
	return durable.StorageError(dir, os.RemoveAll(filepath.Join(dir, upgradeFolder)))
}

// upgrade writes the journal of a study of the old schema as today's.
type upgrade struct {
	v     *View
	file  file
	kept  []*trial
	names map[string]string // new IDs, by the old ones
}

// choose chooses the trials that stay: complete ones, and the longest of each configuration and seed.
func (u *upgrade) choose(note func(string, ...any)) {
	longest := map[string]*trial{}
	for _, t := range u.v.fold.ordered() {
		id := spec.TrialID(t.Configuration, uint32(t.Seed))
		u.names[t.id] = id
		if epochs, _ := t.incomplete(); epochs > 0 {
			note("trial %s will run again from its beginning: %d of its epochs are lost", id, epochs)
			continue
		}
		if l := longest[id]; l == nil || t.Length > l.Length {
			longest[id] = t
		}
	}
	for _, t := range u.v.fold.ordered() {
		if longest[u.names[t.id]] == t {
			u.kept = append(u.kept, t)
		}
	}
}

// write writes the new journal, trial by trial, each in the order in which a run appends its rows.
func (u *upgrade) write(w io.Writer) error {
	put := func(v any) error {
		line, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return journal.Write(w, line)
	}
	if err := put(entry{Study: u.file.ID, File: &u.file}); err != nil {
		return err
	}
	under, number := map[string]string{}, 0
	plan := func(old string, p Plan) error {
		number++
		under[old] = p.digest()
		return put(entry{Plan: &p, Number: number})
	}
	for _, t := range u.kept {
		if old := t.latest.begin.under; old != "" && under[old] == "" && old != u.v.fold.plan.digest {
			if err := plan(old, u.v.fold.plans[old]); err != nil {
				return err
			}
		}
	}
	if newest := u.v.fold.plan; newest != nil {
		if err := plan(newest.digest, u.newestPlan(newest.Plan)); err != nil {
			return err
		}
	}
	for _, t := range u.kept {
		if err := u.trial(t, under[t.latest.begin.under], put); err != nil {
			return err
		}
	}
	return nil
}

// newestPlan is a plan with the new IDs of its trials, each once.
func (u *upgrade) newestPlan(p Plan) Plan {
	budgets := map[string]int{}
	var ids []string
	for _, old := range p.Trials {
		t := u.v.fold.trial(old)
		if t == nil { // never begun: it gets its place in the next plan
			continue
		}
		id := u.names[old]
		if budgets[id] == 0 {
			ids = append(ids, id)
		}
		budgets[id] = max(budgets[id], t.Length)
	}
	p.Trials, p.Epochs = ids, nil
	for _, id := range ids {
		p.Epochs = append(p.Epochs, budgets[id])
	}
	return p
}

// trial writes a trial.
func (u *upgrade) trial(t *trial, under string, put func(any) error) error {
	id := u.names[t.id]
	begun := t.Trial
	begun.ID = id
	if err := put(entry{Trial: &begun, Under: under, Generation: 1}); err != nil {
		return err
	}
	rows := append(t.appendRows(nil, Samples), t.epochRows...)
	slices.SortStableFunc(rows, func(a, b *row) int { return a.epoch - b.epoch }) // the samples of an epoch come before its row
	for _, r := range rows {
		var e any
		if r.table == Samples {
			sample, err := u.v.readSample(r)
			if err != nil {
				return err
			}
			sample.Trial = id
			e = sampleEntry{sample, 1}
		} else {
			epoch, err := u.v.readEpoch(r)
			if err != nil {
				return err
			}
			epoch.Trial = id
			e = entry{Epoch: &epoch, Generation: 1}
		}
		if err := put(e); err != nil {
			return err
		}
	}
	if o := t.outcome(); o != nil {
		ended := *o
		ended.Trial = id
		return put(entry{Outcome: &ended, Rows: &rowCount{len(t.epochRows), len(t.samples)}, Generation: 1})
	}
	return nil
}
