package results

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/internal/durable"
)

// A segment larger than this is split, so that writing one never takes much memory.
const (
	segmentRows  = 50_000
	segmentBytes = 64 << 20 // in the journal
)

// segment is a range of the journal, in lines. A Parquet file holds its rows of one table.
type segment struct{ first, last int }

func (g segment) String() string   { return fmt.Sprintf("%09d-%09d", g.first, g.last) }
func (g segment) fileName() string { return g.String() + ".parquet" }

// rangeOf is the segment of rows, of which there is at least one.
func rangeOf(rows []row) segment { return segment{rows[0].position, rows[len(rows)-1].position} }

// Publish writes pending rows to Parquet segments. A run with long epochs calls it from a timer.
func (s *study) Publish() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.journal.Check(), s.publish()) // if the journal is gone, its rows are at least in the tables
}

func (s *study) publishWhenDue() error {
	waiting := 0
	for t, rows := range s.rows {
		waiting += len(rows) - s.published[t]
	}
	now := s.options.Now()
	every := max(s.options.FlushEvery, now.Sub(s.opened)/100)
	if s.options.FlushEvery == 0 {
		every = max(every, 10*time.Second)
	}
	limit := s.options.FlushRows
	if limit == 0 {
		limit = 10_000
	}
	if waiting >= limit || now.Sub(s.flushed) >= every {
		return s.publish()
	}
	return nil
}

func (s *study) publish() error {
	if err := s.lock.check(); err != nil {
		return err
	}
	for _, t := range recorded() {
		if err := s.writeSegments(t, live(s.rows[t][s.published[t]:])); err != nil {
			return err
		}
		s.published[t] = len(s.rows[t])
	}
	s.flushed = s.options.Now()
	return s.writeParetoWhenDue()
}

// schemaSegment is the segment of the journal's first line, which is not a row: an empty file with the schema, so that every table
// can be read before it has rows.
var schemaSegment = segment{0, 0}

// reconcile makes the segments of a table agree with the journal: it writes those that are missing, rewrites those that are damaged
// or hold rows of forgotten trials, and deletes those without rows and files that a crash left half-written.
func (s *study) reconcile(t Table) error {
	segments, err := s.segments(t)
	if err != nil {
		return err
	}
	rows := live(s.rows[t])
	// take removes the rows before a position from rows and returns them.
	take := func(end int) (taken []row) {
		i, _ := slices.BinarySearchFunc(rows, end, func(r row, end int) int { return r.position - end })
		taken, rows = rows[:i], rows[i:]
		return taken
	}
	if !slices.Contains(segments, schemaSegment) {
		segments = slices.Insert(segments, 0, schemaSegment)
	}
	next := 0
	for _, g := range segments {
		path := filepath.Join(s.dir, string(t), g.fileName())
		if g.first < next || g.last < g.first || g.last >= s.lines { // a copy under another of our names
			s.Recovery.note("%s: removed, since its rows are in other files of the table", path)
			if err := durable.Remove(path); err != nil {
				return err
			}
			continue
		}
		next = g.last + 1
		if err := s.writeSegments(t, take(g.first)); err != nil {
			return err
		}
		inside := take(next)
		switch {
		case len(inside) == 0 && g != schemaSegment:
			err = durable.Remove(path)
		case !s.holds(path, t, g, len(inside)):
			err = s.writeSegment(t, g, inside)
		}
		if err != nil {
			return err
		}
	}
	if err := s.writeSegments(t, rows); err != nil {
		return err
	}
	s.published[t] = len(s.rows[t])
	return nil
}

// segments lists the segments of a table in order, and deletes temporary files.
func (s *study) segments(t Table) ([]segment, error) {
	dir := filepath.Join(s.dir, string(t))
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	temporary, err := filepath.Glob(filepath.Join(dir, ".*"+durable.TempSuffix))
	if err != nil {
		return nil, err
	}
	for _, path := range temporary {
		if err := durable.Remove(path); err != nil {
			return nil, err
		}
	}
	segments, _, err := listSegments(dir)
	return segments, err
}

// listSegments lists the segments in a folder in order, and the names of other files that readers of the folder would treat as segments.
// A folder that does not exist has none.
func listSegments(dir string) (segments []segment, strays []string, err error) {
	files, err := os.ReadDir(dir) // sorted by name, which is the order of the journal
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, durable.StorageError(dir, err)
	}
	for _, f := range files {
		var g segment
		name := f.Name()
		if _, err := fmt.Sscanf(name, "%d-%d.parquet", &g.first, &g.last); err == nil && name == g.fileName() {
			segments = append(segments, g)
		} else if !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_") { // readers skip these
			strays = append(strays, name)
		}
	}
	slices.SortFunc(segments, func(a, b segment) int { return a.first - b.first })
	return segments, strays, nil
}

// strays notes files in the tables' folders that are not ours: a glob would read their rows as well.
func (s *study) strays() error {
	for _, t := range Tables() {
		dir := filepath.Join(s.dir, string(t))
		_, strays, err := listSegments(dir)
		if err != nil {
			return err
		}
		for _, name := range strays {
			if t != Pareto || name != paretoFile {
				s.Recovery.note("%s: not a file of the study, but readers of the table would read its rows as well: move it away",
					filepath.Join(dir, name))
			}
		}
	}
	return nil
}

// holds reports whether the file is a sound segment of this study with this number of rows. A range of the journal can only lose rows, by
// Forget, so the right number implies the right rows. A file without the columns of this version is not.
func (s *study) holds(path string, t Table, g segment, rows int) bool {
	file, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	p, err := openParquet(file)
	return err == nil && s.owns(p, g) && p.NumRows() == int64(rows) && hasColumns(p, s.meta.Fields(t))
}

// owns reports whether a file is marked as segment g of this study.
func (s *study) owns(p *parquet.File, g segment) bool {
	id, _ := p.Lookup(studyKey)
	span, _ := p.Lookup(recordsKey)
	return id == s.meta.ID() && span == g.String()
}

// writeSegments publishes rows that no segment holds, in one file or, by their size, several.
func (s *study) writeSegments(t Table, rows []row) error {
	for len(rows) > 0 {
		n, size := 0, 0
		for n < len(rows) && n < segmentRows && (n == 0 || size+int(rows[n].line.Length) <= segmentBytes) {
			size += int(rows[n].line.Length)
			n++
		}
		if err := s.writeSegment(t, rangeOf(rows[:n]), rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (s *study) writeSegment(t Table, g segment, rows []row) error {
	path := filepath.Join(s.dir, string(t), g.fileName())
	var trials []Trial
	seen := map[string]bool{}
	for _, r := range rows {
		if !seen[r.trial.ID] {
			seen[r.trial.ID] = true
			trials = append(trials, r.trial.Trial)
		}
	}
	return durable.WriteFile(path, func(w io.Writer) error {
		return writeParquet(w, s.meta, t, g.String(), trials, s.read(t, rows))
	})
}
