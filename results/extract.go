package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// ErrExtract is in the chain of the error for a writer of an extract.
var ErrExtract = errors.New("an extract, which has tables and no journals: it can be read, not continued")

// extract is a study that is kept as its tables alone: study.json, which has the newest plan, and one file for each table. They stand for
// a journal, of which the lines are made in memory.
type extract struct {
	lines  []byte
	places []place
	read   bool
}

// extractWriter stands for the writers of an extract.
const extractWriter = "tables"

// extract is the description of an extract. Since extracts are published, it does not say where the study lay.
func (f file) extract(p Plan) file {
	m := f.Meta
	m.Origin, p.Settings = "", portable(p.Settings)
	f = f.with(m)
	f.Plan = &p
	f.Sum = f.sum()
	return f
}

// writable is an error if a study is an extract.
func (f file) writable(dir string) error {
	if f.Plan == nil {
		return nil
	}
	return fmt.Errorf("%s holds %w", dir, ErrExtract)
}

// Extract reports whether the study is an extract.
func (v *View) Extract() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.journals.extract != nil
}

// DescribeExtract is the content of study.json in an extract of the study.
func (v *View) DescribeExtract() ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := Plan{}
	if v.fold.plan != nil {
		p = v.fold.plan.Plan
	} else {
		for _, t := range v.fold.ordered() {
			p.Trials = append(p.Trials, t.id)
		}
	}
	b, err := json.MarshalIndent(v.file.extract(p), "", "  ")
	return append(b, '\n'), err
}

// WriteExtract writes an extract: create is called for each file, by its slash-separated path. Without sheets, the table of samples has no
// rows. What an extract is opened for, Open does; it cannot be continued.
func (v *View) WriteExtract(sheets bool, create func(name string, write func(io.Writer) error) error) error {
	description, err := v.DescribeExtract()
	if err != nil {
		return err
	}
	whole := func(content []byte) func(io.Writer) error {
		return func(w io.Writer) error { _, err := w.Write(content); return err }
	}
	if err := create(studyFile, whole(description)); err != nil {
		return err
	}
	hashes, err := os.ReadDir(filepath.Join(v.dir, "script"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return durable.StorageError(v.dir, err)
	}
	for _, hash := range hashes {
		scripts, err := ScriptFiles(v.dir, hash.Name())
		if err != nil {
			return err
		}
		for name, text := range scripts {
			if err := create(path.Join("script", hash.Name(), name), whole(text)); err != nil {
				return err
			}
		}
	}
	for _, t := range Tables() {
		if t == Pareto && len(v.Meta().Objectives) == 0 {
			continue
		}
		err := create(TableFile(t), func(w io.Writer) error {
			if t == Pareto {
				return v.WriteTable(t, w)
			}
			return v.writeExtracted(t, sheets || t != Samples, w)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeExtracted writes a table of an extract. Its notes do not say where the rows were in journals.
func (v *View) writeExtracted(t Table, all bool, w io.Writer) error {
	v.mu.Lock()
	var rows []*row
	if all {
		rows = v.fold.rows(t)
	}
	m, n := v.file.Meta, fileNotes{span: compacted.String(), about: aboutRows(rows)}
	v.mu.Unlock()
	return writeParquet(w, m, t, n, func(yield func(Row, error) bool) {
		for row, err := range v.readRows(t, rows) {
			if settings, has := row["settings"].(string); has {
				row["settings"] = portable(settings)
			}
			if !yield(row, err) {
				return
			}
		}
	})
}

// portable are settings without the folders of this machine, since extracts are published: of an absolute path, the last element. Where
// images lie is no part of what identifies a trial.
func portable(settings string) string {
	values := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(settings), &values) != nil {
		return settings
	}
	changed := false
	for name, value := range values {
		var text string
		if json.Unmarshal(value, &text) != nil || !filepath.IsAbs(text) {
			continue
		}
		if short, err := json.Marshal(filepath.Base(text)); err == nil {
			values[name], changed = short, true
		}
	}
	if b, err := json.Marshal(values); changed && err == nil {
		return string(b)
	}
	return settings
}

// openExtract makes the lines of an extract from its tables.
func openExtract(dir string, f file) (*extract, error) {
	x := &extract{}
	x.add(entry{Plan: f.Plan, Number: 1})
	begun := map[string]bool{}
	for _, t := range []Table{Epochs, Samples, Measurements, Trials} { // an outcome comes after what it sums up
		name := filepath.Join(dir, TableFile(t))
		b, err := regular.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && t != Trials {
			continue
		} else if err != nil {
			return nil, durable.StorageError(name, err)
		}
		if err := x.addTable(f, t, b, begun); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, name, err)
		}
	}
	return x, nil
}

// addTable adds the rows of a table, and the beginnings of their trials.
func (x *extract) addTable(f file, t Table, b []byte, begun map[string]bool) error {
	p, err := openParquet(b)
	if err != nil {
		return err
	}
	if id, _ := p.Lookup(studyKey); id != f.ID {
		return errors.New("it belongs to another study")
	}
	a, err := aboutOf(p)
	if err != nil {
		return err
	}
	if int64(len(a.Generations)) != p.NumRows() {
		return fmt.Errorf("got %d rows, its metadata are of %d", p.NumRows(), len(a.Generations))
	}
	for _, b := range a.Began {
		if key := fmt.Sprint(b.Trial.ID, b.Generation); !begun[key] {
			begun[key] = true
			x.add(b.entry())
		}
	}
	i := 0
	for row, err := range parquetRows(b, f.Fields(t)) {
		if err != nil {
			return err
		}
		x.add(entryOf(f.Meta, t, row, a.Generations[i]))
		i++
	}
	return nil
}

// add adds a line.
func (x *extract) add(e any) {
	at := int64(len(x.lines))
	x.lines = append(x.lines, encode(e)...)
	x.places = append(x.places, place{extractWriter, journal.Line{Offset: at, Length: int32(int64(len(x.lines)) - at)}})
}

// line is the line at a place.
func (x *extract) line(at place) []byte { return x.lines[at.Offset : at.Offset+int64(at.Length)] }

// each passes on all entries, the first time that it is called.
func (x *extract) each(add func(place, *entry) error) error {
	if x.read {
		return nil
	}
	x.read = true
	lines := make([][]byte, len(x.places))
	for i, at := range x.places {
		lines[i] = x.line(at)
	}
	entries, err := decode(lines)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	for i, e := range entries {
		if err := add(x.places[i], e); err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	return nil
}
