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

	"github.com/starsweep/starsweep/results/internal/durable"
)

// A segment larger than this is split, so that writing one never takes much memory.
const (
	segmentRows  = 50_000
	segmentBytes = 64 << 20 // in the journal
)

// segment is the range of the journal, in lines, whose rows of one table a Parquet file holds.
type segment struct{ first, last int }

func (g segment) String() string   { return fmt.Sprintf("%09d-%09d", g.first, g.last) }
func (g segment) fileName() string { return g.String() + ".parquet" }

// rangeOf is the segment for rows, of which there is at least one.
func rangeOf(rows []row) segment { return segment{rows[0].position, rows[len(rows)-1].position} }

// Publish writes the rows that wait to Parquet segments. A run whose epochs are slow calls it now and then from a timer.
func (s *Study) Publish() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.journal.Check(), s.publish()) // rows of a journal that is gone are at least in the tables
}

func (s *Study) publishWhenDue() error {
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

func (s *Study) publish() error {
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

// reconcile makes the segments of a table say what the journal says: it writes those that are missing, rewrites those that
// are damaged or hold rows of forgotten trials, and deletes those with nothing left and what a crash left half-written.
func (s *Study) reconcile(t Table) error {
	segments, err := s.segments(t)
	if err != nil {
		return err
	}
	rows := live(s.rows[t])
	// take cuts off the rows before a position.
	take := func(end int) (taken []row) {
		i, _ := slices.BinarySearchFunc(rows, end, func(r row, end int) int { return r.position - end })
		taken, rows = rows[:i], rows[i:]
		return taken
	}
	next := 0
	for _, g := range segments {
		path := filepath.Join(s.dir, string(t), g.fileName())
		if g.last >= s.lines {
			return fmt.Errorf("%s: %w: it has %d lines, but this segment is a copy of lines up to %d: restore the journal from a copy",
				path, ErrCorrupt, s.lines, g.last)
		}
		if g.first < next || g.last < g.first {
			return fmt.Errorf("%s: the segment overlaps the one before it: delete it, and what is missing is written again", path)
		}
		next = g.last + 1
		if err := s.writeSegments(t, take(g.first)); err != nil {
			return err
		}
		inside := take(next)
		switch {
		case len(inside) == 0:
			err = durable.Remove(path)
		case !s.holds(path, g, len(inside)):
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
func (s *Study) segments(t Table) ([]segment, error) {
	dir := filepath.Join(s.dir, string(t))
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir) // sorted by name, which is the order of the journal
	if err != nil {
		return nil, durable.Fault(dir, err)
	}
	var segments []segment
	for _, f := range files {
		if strings.HasSuffix(f.Name(), durable.TempSuffix) {
			if err := durable.Remove(filepath.Join(dir, f.Name())); err != nil {
				return nil, err
			}
		}
		var g segment
		if _, err := fmt.Sscanf(f.Name(), "%d-%d.parquet", &g.first, &g.last); err == nil && f.Name() == g.fileName() {
			segments = append(segments, g)
		}
	}
	slices.SortFunc(segments, func(a, b segment) int { return a.first - b.first })
	return segments, nil
}

// holds tells whether the file is a readable segment of this study with so many rows. Rows only ever leave a range of the
// journal, by Forget, so that the right number means the right rows.
func (s *Study) holds(path string, g segment, rows int) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return false
	}
	id, _ := p.Lookup("starsweep.study_id")
	span, _ := p.Lookup("starsweep.records")
	return id == s.meta.ID() && span == g.String() && p.NumRows() == int64(rows) && sound(p)
}

// sound reads all pages of a file, which have checksums.
func sound(p *parquet.File) bool {
	for _, group := range p.RowGroups() {
		for _, column := range group.ColumnChunks() {
			pages := column.Pages()
			for {
				page, err := pages.ReadPage()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					pages.Close()
					return false
				}
				parquet.Release(page)
			}
			pages.Close()
		}
	}
	return true
}

// writeSegments publishes rows that no segment holds, in one file or as many as their size asks for.
func (s *Study) writeSegments(t Table, rows []row) error {
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

func (s *Study) writeSegment(t Table, g segment, rows []row) error {
	path := filepath.Join(s.dir, string(t), g.fileName())
	return durable.WriteFile(path, func(w io.Writer) error {
		return writeParquet(w, s.meta, t, g.String(), s.read(t, rows))
	})
}
