package results

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/internal/regular"
)

// tables compares the files of all tables with the journals.
func (x *verifier) tables() error {
	switch {
	case x.view.Outdated():
		x.harmless("", "the study has the schema of an older version, whose tables are not compared: the next run upgrades it")
		return nil
	case x.writing():
		x.harmless("", "a process writes the study: its tables are not compared")
		return nil
	}
	for _, t := range recorded() {
		if err := errors.Join(x.table(t), x.strays(t), x.halfWritten(t)); err != nil {
			return err
		}
	}
	return errors.Join(x.strays(Pareto), x.halfWritten(Pareto), x.pareto())
}

// halfWritten reports what crashes left half-written in the folder of a table.
func (x *verifier) halfWritten(t Table) error {
	_, _, err := x.names(string(t))
	return err
}

// strays reports what readers of a table would take for a part of it.
func (x *verifier) strays(t Table) error {
	strays, err := x.view.strays(t)
	for _, name := range strays {
		x.problem(string(t)+"/"+name, "%s", strayText(filepath.Join(x.view.folder(t), name)))
	}
	return err
}

// table compares the files of a table with the journals.
func (x *verifier) table(t Table) error {
	segments, _, err := listSegments(x.view.folder(t))
	if err != nil {
		return err
	}
	if !slices.Contains(segments, compacted) {
		x.harmless(TableFile(t), "missing: the next run writes it")
	}
	covers := x.view.covers(t)
	in := map[place]string{} // the file of each row
	for _, g := range segments {
		rows := x.view.within(t, g, covers)
		if g == compacted {
			rows = x.view.covered(t, covers)
		}
		path := string(t) + "/" + g.fileName()
		for _, r := range rows {
			if other, twice := in[r.place]; twice {
				x.problem(path, "has rows that %s has as well", other)
				break
			}
		}
		for _, r := range rows {
			in[r.place] = path
		}
		if err := x.file(t, g, path, rows); err != nil {
			return err
		}
	}
	x.view.mu.Lock()
	all := x.view.fold.rows(t)
	x.view.mu.Unlock()
	x.Rows += len(all)
	missing := 0
	for _, r := range all {
		if in[r.place] == "" {
			missing++
		}
	}
	if missing > 0 {
		x.harmless(string(t), "%d rows of the journals are in no file: the next run writes them", missing)
	}
	return nil
}

// file compares a file of a table with the rows that it should have.
func (x *verifier) file(t Table, g segment, path string, rows []*row) error {
	x.Tables++
	b, err := regular.ReadFile(filepath.Join(x.view.folder(t), g.fileName()))
	if err != nil {
		x.problem(path, "%v", err)
		return nil
	}
	p, err := openParquet(b)
	if err != nil {
		x.problem(path, "%v", err)
		return nil
	}
	x.view.mu.Lock()
	owned, fields := x.view.owns(p, g), x.view.file.Fields(t)
	x.view.mu.Unlock()
	switch {
	case !owned:
		x.problem(path, "it is of another study, or was renamed")
	case !hasColumns(p, fields):
		x.problem(path, "its columns are not those of the study")
	case x.outdated(t, b, p, rows):
		x.harmless(path, "it has rows that no longer count, or lacks some that do: the next run writes it anew")
	case p.NumRows() != int64(len(rows)):
		x.problem(path, "got %d rows, the journals have %d", p.NumRows(), len(rows))
	default:
		return x.compare(path, fields, collect(parquetRows(b, fields)), collect(x.view.readRows(t, rows)))
	}
	return nil
}

// outdated reports whether a sound file says that it was made from other rows than those that count now, all of which the journals have: a
// process was killed after it recorded what changes the rows, and before it wrote the file.
func (x *verifier) outdated(t Table, b []byte, p *parquet.File, rows []*row) bool {
	a, err := aboutOf(p)
	x.view.mu.Lock()
	sum, m := sumOf(rows), x.view.file.Meta
	x.view.mu.Unlock()
	if was, _ := p.Lookup(rowsKey); was == sum || err != nil || int64(len(a.Generations)) != p.NumRows() {
		return false
	}
	i := 0
	for row, err := range parquetRows(b, m.Fields(t)) {
		if err != nil || !x.view.has(t, entryOf(m, t, row, a.Generations[i])) {
			return false
		}
		i++
	}
	return true
}

// pareto compares the pareto table with the points of the journals.
func (x *verifier) pareto() error {
	m := x.view.Meta()
	path := TableFile(Pareto)
	b, err := regular.ReadFile(filepath.Join(x.dir, filepath.FromSlash(path)))
	switch {
	case len(m.Objectives) == 0:
		return nil
	case os.IsNotExist(err):
		x.harmless(path, "missing: the next run writes it")
		return nil
	case err != nil:
		x.problem(path, "%v", err)
		return nil
	}
	x.Tables++
	p, err := openParquet(b)
	if err != nil {
		x.problem(path, "%v", err)
		return nil
	}
	x.view.mu.Lock()
	groups := x.view.fold.peerGroups(Comparison{})
	x.view.mu.Unlock()
	fields := m.Fields(Pareto)
	got, want := collect(parquetRows(b, fields)), collect(m.ranked(groups))
	if !hasColumns(p, fields) || len(got.rows) != len(want.rows) {
		x.harmless(path, "it has %d points, the journals have %d: the next run writes it anew", len(got.rows), len(want.rows))
		return nil
	}
	if a, err := aboutOf(p); err == nil && !maps.Equal(a.Covers, x.view.ends()) && got.difference(fields, want) != "" {
		x.harmless(path, "it is of before the last rows of the journals: the next run writes it anew")
		return nil
	}
	return x.compare(path, fields, got, want)
}

// compare reports the first difference between the rows of a file and those of the journals.
func (x *verifier) compare(path string, fields []Field, got, want collected) error {
	if got.err != nil {
		x.problem(path, "%v", got.err)
		return nil
	}
	if want.err != nil {
		return want.err
	}
	if d := got.difference(fields, want); d != "" {
		x.problem(path, "%s", d)
	}
	return nil
}

// difference is the first one between rows and as many that the journals have, empty if there is none.
func (c collected) difference(fields []Field, want collected) string {
	for i, row := range c.rows {
		for _, f := range fields {
			if got, want := row[f.Name], want.rows[i][f.Name]; !(Tolerance{}).equal(got, want) {
				return fmt.Sprintf("row %d, column %s: got %s, the journals have %s", i, f.Name, cellText(got), cellText(want))
			}
		}
	}
	return ""
}

// collected are rows in memory: a file has no more than its writer had there.
type collected struct {
	rows []Row
	err  error
}

func collect(rows iter.Seq2[Row, error]) (c collected) {
	for row, err := range rows {
		if err != nil {
			c.err = err
			return c
		}
		c.rows = append(c.rows, row)
	}
	return c
}

// cellText is a cell for people.
func cellText(v any) string {
	if b, ok := v.([]byte); ok {
		return fmt.Sprintf("%d bytes", len(b))
	}
	return fmt.Sprintf("%v", v)
}

// VerifyTables checks a folder that has the tables of a study without its journals: every file of a table is read.
func VerifyTables(ctx context.Context, dir string, report func(Problem)) (Verified, error) {
	x := &verifier{ctx: ctx, dir: dir, tell: report}
	f, err := readFile(dir)
	if err != nil {
		return x.Verified, err
	}
	for _, t := range Tables() {
		err := x.each(string(t), func(string) bool { return true }, func(name string) error {
			path := string(t) + "/" + name
			x.Tables++
			b, err := regular.ReadFile(filepath.Join(dir, string(t), name))
			if err != nil {
				x.problem(path, "%v", err)
				return nil
			}
			c := collect(parquetRows(b, f.Fields(t)))
			if c.err != nil {
				x.problem(path, "%v", c.err)
			}
			if x.Rows += len(c.rows); t == Trials {
				x.Trials += len(c.rows)
			}
			return nil
		})
		if err != nil {
			return x.Verified, err
		}
	}
	return x.Verified, nil
}
