package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// damagedFile keeps a damaged journal as it was.
const damagedFile = "journal.damaged"

// rebuild writes a new journal from what is left: its sound records, and the rows that these lack from the segments. A trial is
// recovered completely or not at all: one that lacks its beginning, or an epoch between others, runs again, since training can
// continue from the last epoch only. Segments hold no rows of forgotten trials, unless a crash kept Forget from rewriting them, so
// segments are ignored for trials that the journal forgets anywhere.
//
// The new journal replaces the old one by a rename. Its lines have other numbers, so all segments are rewritten afterwards; until the
// journal records that they are, Create does so first.
func (s *study) rebuild(dir string) error {
	spooled := filepath.Join(dir, ".rows"+durable.TempSuffix) // rows from segments, which may not fit in memory
	spool, err := os.Create(spooled)
	if err != nil {
		return durable.StorageError(spooled, err)
	}
	defer func() {
		spool.Close()
		os.Remove(spooled)
	}()
	g := gathering{meta: s.meta, found: &s.Recovery, trials: map[string]*remains{}, spool: spool, taken: map[Table]int{}}
	path := filepath.Join(dir, "journal")
	old, _, err := journal.View(path, g.line, func(h journal.Hole) error {
		g.holes++
		s.Recovery.note("%s: left out %v, which are damaged", path, h)
		return nil
	})
	if err != nil {
		return err
	}
	defer old.Close()
	g.old = old
	if info, err := os.Stat(path); err != nil {
		return durable.StorageError(path, err)
	} else if info.Size() == 0 { // Open has created it
		s.Recovery.note("%s was missing or empty: it was rebuilt from the tables", path)
	} else {
		if err := copyFile(filepath.Join(dir, damagedFile), path); err != nil {
			return err
		}
		s.Recovery.note("%s was rebuilt from its sound records and the tables; the damaged file is kept as %s", path, damagedFile)
	}
	for _, t := range recorded() {
		if err := g.table(dir, t); err != nil {
			return err
		}
	}
	err = durable.WriteFile(path, g.write)
	g.report()
	return err
}

// copyFile copies a file, durably.
func copyFile(to, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return durable.StorageError(from, err)
	}
	defer f.Close()
	return durable.WriteFile(to, func(w io.Writer) error { _, err := io.Copy(w, f); return err })
}

// settle writes all segments of a rebuilt journal, and records that in the journal.
func (s *study) settle() error {
	for _, t := range recorded() {
		dir := filepath.Join(s.dir, string(t))
		segments, _, err := listSegments(dir)
		if err != nil {
			return err
		}
		for _, g := range segments {
			if err := durable.Remove(filepath.Join(dir, g.fileName())); err != nil {
				return err
			}
		}
		if err := s.reconcile(t); err != nil {
			return err
		}
	}
	return s.append(entry{Settled: true})
}

// gathering collects what is left of a study's rows.
type gathering struct {
	meta   Meta
	found  *Recovery
	old    *journal.Journal
	spool  *os.File
	end    int64 // of the spool
	holes  int
	trials map[string]*remains
	order  []string
	plan   *piece        // the newest
	taken  map[Table]int // rows from segments
}

// remains is what is left of a trial.
type remains struct {
	begin, outcome *piece
	epochs         map[int]piece
	samples        map[sampleKey]piece
	count          *rowCount // that it should have, if known
	forgotten      bool      // somewhere in the journal
	broken         string    // why it cannot be recovered
}

// piece is the place of a line, in the old journal or the spool.
type piece struct {
	spooled bool
	at      journal.Line
}

func (g *gathering) trial(id string) *remains {
	if g.trials[id] == nil {
		g.trials[id] = &remains{epochs: map[int]piece{}, samples: map[sampleKey]piece{}}
		g.order = append(g.order, id)
	}
	return g.trials[id]
}

// line adds a line of the old journal. It does not check what the line depends on: lacks does.
func (g *gathering) line(at journal.Line, line []byte) error {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		g.found.note("journal: left out a line that cannot be parsed: %v", err)
		return nil
	}
	here := piece{at: at}
	switch {
	case e.Study != "":
		if id := g.meta.ID(); e.Study != id {
			return fmt.Errorf("%w: got id %q, study.json says %q", errForeign, e.Study, id)
		}
	case e.Plan != nil:
		g.plan = &here
	case e.Trial != nil:
		t := g.trial(e.Trial.ID)
		if t.begin != nil { // it was forgotten in between, by a line that is lost
			*t = remains{epochs: map[int]piece{}, samples: map[sampleKey]piece{}, forgotten: true}
		}
		t.begin = &here
	case e.Epoch != nil:
		t := g.trial(e.Epoch.Trial)
		if _, twice := t.epochs[e.Epoch.Epoch]; twice {
			t.broken = fmt.Sprintf("epoch %d is in the journal twice", e.Epoch.Epoch)
		}
		t.epochs[e.Epoch.Epoch] = here
	case e.Sample != nil:
		g.trial(e.Sample.Trial).samples[*e.Sample] = here
	case e.Outcome != nil:
		t := g.trial(e.Outcome.Trial)
		t.outcome, t.count = &here, e.Rows
	case e.Forget != "":
		*g.trial(e.Forget) = remains{epochs: map[int]piece{}, samples: map[sampleKey]piece{}, forgotten: true}
	}
	return nil
}

// table takes from the segments of a table the rows that the journal lacks. It ignores segments that are damaged or belong to another
// study.
func (g *gathering) table(dir string, t Table) error {
	folder := filepath.Join(dir, string(t))
	segments, _, err := listSegments(folder)
	if err != nil {
		return err
	}
	for _, segment := range segments {
		path := filepath.Join(folder, segment.fileName())
		file, err := os.ReadFile(path)
		if err != nil {
			return durable.StorageError(path, err)
		}
		p, err := openParquet(file)
		if id := ""; err == nil {
			if id, _ = p.Lookup(studyKey); id != g.meta.ID() {
				err = errors.New("it belongs to another study")
			}
		}
		if err != nil {
			g.found.note("%s: no rows were read from it: %v", path, err)
			continue
		}
		began, err := began(p)
		if err != nil {
			g.found.note("%s: no rows were read from it: %v", path, err)
			continue
		}
		for _, t := range began {
			if err := g.begin(t); err != nil {
				return err
			}
		}
		for row, err := range parquetRows(file, g.meta.Fields(t)) {
			if err != nil {
				g.found.note("%s: no more rows were read from it: %v", path, err)
				break
			}
			if err := g.row(t, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin takes the beginning of a trial from a segment if the journal lacks it.
func (g *gathering) begin(began Trial) error {
	if !fileName(began.ID) || g.trials[began.ID] != nil && g.trials[began.ID].forgotten {
		return nil
	}
	t := g.trial(began.ID)
	if t.begin != nil {
		return nil
	}
	p, err := g.keep(entry{Trial: &began})
	t.begin = &p
	return err
}

// row takes a row of a segment if the journal lacks it.
func (g *gathering) row(table Table, row Row) error {
	id, _ := row["trial"].(string)
	if !fileName(id) || g.trials[id] != nil && g.trials[id].forgotten {
		return nil
	}
	t := g.trial(id)
	switch table {
	case Trials:
		outcome, count := g.meta.outcomeOf(row)
		if t.count == nil {
			t.count = count
		}
		if t.outcome != nil {
			return nil
		}
		p, err := g.keep(entry{Outcome: outcome, Rows: count})
		if err != nil {
			return err
		}
		t.outcome = &p
	case Epochs:
		e := g.meta.epochOf(row)
		if _, there := t.epochs[e.Epoch]; there {
			return nil
		}
		p, err := g.keep(entry{Epoch: e})
		if err != nil {
			return err
		}
		t.epochs[e.Epoch] = p
	case Samples:
		s := g.meta.sampleOf(row)
		key := sampleKey{s.Trial, s.Epoch, s.Kind}
		if _, there := t.samples[key]; there {
			return nil
		}
		p, err := g.keep(sampleEntry{s})
		if err != nil {
			return err
		}
		t.samples[key] = p
	}
	g.taken[table]++
	return nil
}

// keep appends a line to the spool.
func (g *gathering) keep(v any) (piece, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return piece{}, err
	}
	p := piece{true, journal.Line{Offset: g.end, Length: int32(len(line))}}
	if _, err := g.spool.WriteAt(line, g.end); err != nil {
		return piece{}, durable.StorageError(g.spool.Name(), err)
	}
	g.end += int64(len(line))
	return p, nil
}

// lacks returns why a trial cannot be recovered, empty if it can.
func (g *gathering) lacks(t *remains) string {
	if t.broken != "" {
		return t.broken
	}
	if t.begin == nil {
		return "its beginning is lost"
	}
	for epoch := 1; epoch <= len(t.epochs); epoch++ {
		if _, there := t.epochs[epoch]; !there {
			return fmt.Sprintf("epoch %d is lost", epoch)
		}
	}
	switch {
	case t.outcome == nil:
	case t.count == nil && g.holes > 0:
		return "it is finished, but its number of epochs is unknown"
	case t.count != nil && t.count.Epochs != len(t.epochs):
		return fmt.Sprintf("it has %d epochs, of which %d are left", t.count.Epochs, len(t.epochs))
	}
	return ""
}

// write writes the new journal, trial by trial, each in the order in which a run appends its rows.
func (g *gathering) write(w io.Writer) error {
	first, err := json.Marshal(entry{Study: g.meta.ID(), Rebuilt: true})
	if err != nil {
		return err
	}
	if err := journal.Write(w, first); err != nil {
		return err
	}
	for _, id := range g.order {
		t := g.trials[id]
		if t.begin == nil && len(t.epochs)+len(t.samples) == 0 && t.outcome == nil { // forgotten, and not begun again
			continue
		}
		if why := g.lacks(t); why != "" {
			g.found.note("trial %s will run again from its beginning: %s", id, why)
			continue
		}
		if t.count != nil && len(t.samples) < t.count.Samples {
			g.found.note("trial %s: %d of its %d pictures are lost", id, t.count.Samples-len(t.samples), t.count.Samples)
		}
		pieces := []piece{*t.begin}
		keys := slices.SortedFunc(maps.Keys(t.samples), sampleKey.compare)
		for epoch := 1; epoch <= len(t.epochs); epoch++ {
			for len(keys) > 0 && keys[0].Epoch <= epoch {
				pieces, keys = append(pieces, t.samples[keys[0]]), keys[1:]
			}
			pieces = append(pieces, t.epochs[epoch])
		}
		for _, key := range keys { // the crash came before their epoch
			pieces = append(pieces, t.samples[key])
		}
		if t.outcome != nil {
			pieces = append(pieces, *t.outcome)
		}
		if err := g.copy(w, pieces...); err != nil {
			return err
		}
	}
	if g.plan != nil { // at the end, since it is no longer known which trials began under it
		return g.copy(w, *g.plan)
	}
	return nil
}

// copy writes lines, each as a record.
func (g *gathering) copy(w io.Writer, pieces ...piece) error {
	for _, p := range pieces {
		line, err := g.read(p)
		if err != nil {
			return err
		}
		if err := journal.Write(w, line); err != nil {
			return err
		}
	}
	return nil
}

func (g *gathering) read(p piece) ([]byte, error) {
	if !p.spooled {
		return g.old.Read(p.at)
	}
	line := make([]byte, p.at.Length)
	_, err := g.spool.ReadAt(line, p.at.Offset)
	return line, durable.StorageError(g.spool.Name(), err)
}

// report notes what was recovered from the tables.
func (g *gathering) report() {
	for _, t := range recorded() {
		if n := g.taken[t]; n > 0 {
			g.found.note("recovered %d rows from the table %s", n, t)
		}
	}
}
