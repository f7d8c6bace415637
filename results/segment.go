package results

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// A segment larger than this is split, so that writing one never takes much memory.
const (
	segmentRows  = 50_000
	segmentBytes = 64 << 20 // in the journal
)

// segment is a range of a writer's journal, by the places of its first and last row. A Parquet file holds the rows of one table in it. It
// has no writer where it is the compacted file of a table, which holds the rows of all journals up to some place in each.
type segment struct {
	writer      string
	first, last int64
}

// compacted is the file that each table has from the start, without rows at first, so that it can be read.
var compacted = segment{}

const compactedFile = "0-compact.parquet"

func (g segment) String() string {
	if g == compacted {
		return strings.TrimSuffix(compactedFile, ".parquet")
	}
	return fmt.Sprintf("%s-%012d-%012d", g.writer, g.first, g.last)
}

func (g segment) fileName() string { return g.String() + ".parquet" }

// parseSegment is the inverse of fileName.
func parseSegment(name string) (g segment, ok bool) {
	stem, ok := strings.CutSuffix(name, ".parquet")
	parts := strings.Split(stem, "-")
	if n := len(parts); ok && n >= 3 && name != compactedFile {
		var errs [2]error
		g.first, errs[0] = strconv.ParseInt(parts[n-2], 10, 64)
		g.last, errs[1] = strconv.ParseInt(parts[n-1], 10, 64)
		g.writer = strings.Join(parts[:n-2], "-")
		ok = errs[0] == nil && errs[1] == nil && fileName(g.writer)
	}
	return g, ok && g.fileName() == name
}

// rangeOf is the segment of rows of one writer, of which there is at least one.
func rangeOf(rows []*row) segment {
	return segment{rows[0].writer, rows[0].Offset, rows[len(rows)-1].Offset}
}

func (g segment) includes(at place) bool {
	return g.writer == at.writer && g.first <= at.Offset && at.Offset <= g.last
}

// listSegments lists the segments in a folder by writer and place, and the names of other entries that readers of the folder would treat
// as segments. A folder that does not exist has none.
func listSegments(dir string) (segments []segment, strays []string, err error) {
	files, others, err := regular.Names(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, durable.StorageError(dir, err)
	}
	for _, name := range files {
		if g, ok := parseSegment(name); ok {
			segments = append(segments, g)
		} else {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	return segments, slices.DeleteFunc(others, func(name string) bool { return name[0] == '.' || name[0] == '_' }), nil // readers skip these
}

// strays are the names in the folder of a table that its readers would take for a part of it, and that are not of the study.
func (v *View) strays(t Table) ([]string, error) {
	segments, strays, err := listSegments(v.folder(t))
	if t == Pareto { // which has one file, and no segments
		for _, g := range segments {
			strays = append(strays, g.fileName())
		}
		strays = slices.DeleteFunc(strays, func(name string) bool { return name == paretoFile })
	}
	return strays, err
}

// strayText says what a stray is to the readers of a table.
func strayText(path string) string {
	if kind := otherThanFile(path); kind != nil {
		return fmt.Sprintf("not a file of the study, and readers of the table may fail at it: %v", kind)
	}
	return "not a file of the study, but readers of the table would read its rows as well"
}

// otherThanFile says what is at a path that has no regular file.
func otherThanFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return errors.New("got a link that leads nowhere")
	}
	return regular.Check(info.Mode())
}

// lastPublished is where the last row of each writer begins that a file of the tables has.
func lastPublished(dir string) (map[string]int64, error) {
	last := map[string]int64{}
	for _, t := range recorded() {
		segments, _, err := listSegments(filepath.Join(dir, string(t)))
		if err != nil {
			return nil, err
		}
		for _, g := range segments {
			if g != compacted {
				last[g.writer] = max(last[g.writer], g.last)
			}
		}
		covers, err := readCovers(filepath.Join(dir, string(t), compactedFile))
		if err != nil {
			continue // missing or damaged: it is written anew
		}
		for writer, end := range covers {
			last[writer] = max(last[writer], end-1)
		}
	}
	return last, nil
}

// about is what a file of a table says about its rows besides their columns.
type about struct {
	Began       []began          `json:"began,omitempty"`       // how the trials of its rows began
	Generations []int            `json:"generations,omitempty"` // of each row
	Covers      map[string]int64 `json:"covers,omitempty"`      // of the compacted file: the end of what it has of each journal
}

// began is a beginning as a segment has it.
type began struct {
	Trial      Trial  `json:"trial"`
	Generation int    `json:"generation"`
	From       int    `json:"from,omitempty"`
	Under      string `json:"under,omitempty"`
	TookOver   bool   `json:"took_over,omitempty"`
}

func (b began) entry() entry {
	return entry{Trial: &b.Trial, From: b.From, Under: b.Under, TookOver: b.TookOver, Generation: b.Generation}
}

// aboutRows describes rows.
func aboutRows(rows []*row) (a about) {
	seen := map[*trial]bool{}
	for _, r := range rows {
		a.Generations = append(a.Generations, r.generation)
		if seen[r.trial] {
			continue
		}
		seen[r.trial] = true
		for _, g := range r.trial.generations {
			if b := g.begin; b != nil && g.number > r.trial.forgotten {
				a.Began = append(a.Began, began{b.Trial, g.number, b.from, b.under, b.tookOver})
			}
		}
	}
	return a
}

// sumOf is a digest of where everything is that the rows of a file show. It therefore says whether a file has the right rows.
func sumOf(rows []*row) string {
	h := sha256.New()
	for _, r := range rows {
		r.sum(h)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func (r *row) sum(h hash.Hash) {
	write := func(at place) { fmt.Fprintln(h, at.writer, at.Offset) }
	write(r.place)
	if !r.trial.counts() { // forgotten since
		return
	}
	write(r.trial.first.begin.place)
	if r.table != Trials {
		return
	}
	under, epochs := r.trial.latest.begin, r.trial.epochRows
	if e := r.trial.shown(); e != nil {
		under, epochs = e.under, epochs[:e.epochs]
	}
	write(under.place)
	for _, e := range epochs {
		write(e.place)
	}
}

// folder is the folder of a table.
func (v *View) folder(t Table) string { return filepath.Join(v.dir, string(t)) }

// fileNotes are a file's metadata.
type fileNotes struct {
	span string // its segment
	rows string // see sumOf
	about
}

// holds reports whether the file is a sound segment of this study with these rows and today's columns.
func (v *View) holds(t Table, g segment, rows []*row, covers map[string]int64) (held bool) {
	err := lookAt(filepath.Join(v.folder(t), g.fileName()), func(p *parquet.File) error {
		sum, _ := p.Lookup(rowsKey)
		a, err := aboutOf(p)
		v.mu.Lock()
		defer v.mu.Unlock()
		held = err == nil && v.owns(p, g) && sum == sumOf(rows) && p.NumRows() == int64(len(rows)) && maps.Equal(a.Covers, covers) &&
			hasColumns(p, v.file.Fields(t))
		return nil
	})
	return held && err == nil
}

// owns reports whether a file is marked as segment g of this study.
func (v *View) owns(p *parquet.File, g segment) bool {
	id, _ := p.Lookup(studyKey)
	span, _ := p.Lookup(recordsKey)
	return id == v.file.ID && span == g.String()
}

// writeSegment writes the file of a segment.
func (v *View) writeSegment(t Table, g segment, rows []*row, covers map[string]int64) error {
	return v.replaceSegment(t, g, rows, covers, func() error { return nil })
}

// replaceSegment writes the file of a segment, and calls ready before the file gets its name.
func (v *View) replaceSegment(t Table, g segment, rows []*row, covers map[string]int64, ready func() error) error {
	v.mu.Lock()
	m, n := v.file.Meta, fileNotes{g.String(), sumOf(rows), aboutRows(rows)}
	v.mu.Unlock()
	n.Covers = covers
	return durable.WriteChecked(filepath.Join(v.folder(t), g.fileName()), func(w io.Writer) error {
		return writeParquet(w, m, t, n, v.readRows(t, rows))
	}, ready)
}
