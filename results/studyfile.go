package results

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// studyFile is the name of the file that describes a study.
const studyFile = "study.json"

// file is study.json. The first record of each journal has it as well, so that it can be made anew.
type file struct {
	Schema  int       `json:"schema"`
	ID      string    `json:"id"`
	Sum     string    `json:"sum,omitempty"`
	Created time.Time `json:"created"`
	Growth  int       `json:"growth,omitempty"` // counts the times that the study got another content; 0 in files of older versions
	Plan    *Plan     `json:"plan,omitempty"`   // the newest, of an extract; nil for a study with journals
	Meta

	damage error // why this comes from the journals; nil if it comes from study.json
}

// oldSchema is the schema with one journal and one writer, which is read and upgraded.
const oldSchema = 3

// sum is a digest of everything in a Meta.
func (m Meta) sum() string { return digestOf(m) }

func digestOf(v any) string {
	sum := sha256.Sum256(encode(v))
	return hex.EncodeToString(sum[:8])
}

// oldID is the ID of a study of the old schema: a digest of all that decides the tables.
func (m Meta) oldID() string {
	m.ScriptHash, m.Version, m.Origin = "", "", ""
	return m.sum()
}

// sum is a digest of everything else in a file. In files of older versions it is that of the Meta alone.
func (f file) sum() string {
	if f.Growth == 0 {
		return f.Meta.sum()
	}
	f.Sum = ""
	return digestOf(f)
}

// with is the description of the study as it becomes m.
func (f file) with(m Meta) file {
	if f.Growth == 0 || !m.equal(f.Meta) {
		f.Growth++
	}
	f.Schema, f.ID, f.Created, f.Meta, f.Plan, f.damage = SchemaVersion, m.ID(), f.Created.UTC(), m, nil, nil
	f.Sum = f.sum()
	return f
}

// check compares the ID and the sum with the content.
func (f file) check() error {
	switch {
	case f.Schema == oldSchema && f.ID != f.oldID():
		return fmt.Errorf("its id is %q, its content says %s", f.ID, f.oldID())
	case f.Schema != oldSchema && (f.ID != f.Meta.ID() || f.Sum != f.sum()):
		return fmt.Errorf("its id is %q and its sum %q, its content says %s and %s", f.ID, f.Sum, f.Meta.ID(), f.sum())
	}
	return nil
}

// Origin is the path from dir to the script of the study in it, as it was when the study was created. Errors are those of Open.
func Origin(dir string) (string, error) {
	f, err := readFile(dir)
	return f.Origin, err
}

// Description is the content of study.json, as it is or must be made anew.
func (v *View) Description() ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, err := json.MarshalIndent(v.file, "", "  ")
	return append(b, '\n'), err
}

// readFile reads study.json, or the journals where it is missing or damaged. Errors: ErrNoStudy where there is none, or nothing was
// recorded under one that is damaged; ErrCorrupt, ErrOther, ErrStorage.
func readFile(dir string) (file, error) {
	path := filepath.Join(dir, studyFile)
	b, err := regular.ReadFile(path)
	missing := errors.Is(err, os.ErrNotExist)
	if err != nil && !missing {
		return file{}, durable.StorageError(path, err)
	}
	damage := fmt.Errorf("%s is missing", path)
	if !missing {
		f, err := parseFile(path, b)
		if err == nil || errors.Is(err, ErrOther) {
			return f, err
		}
		damage = fmt.Errorf("%s is damaged: %w", path, err)
	}
	f, err := recordedFile(dir)
	if f.damage = damage; err != nil || f.ID != "" {
		return f, err
	}
	switch nothing, err := unused(dir); {
	case err != nil:
		return file{}, err
	case missing && (nothing || !exists(filepath.Join(dir, journalFolder))):
		return file{}, fmt.Errorf("%s: %w: it has no study.json", dir, ErrNoStudy)
	case nothing:
		return file{}, fmt.Errorf("%s: %w: %w, and nothing was recorded yet: run the study again", dir, ErrNoStudy, damage)
	}
	return file{}, fmt.Errorf("%w: %w: restore it from a copy: no journal of the study describes it", ErrCorrupt, damage)
}

// parseFile parses study.json. The error has ErrOther in its chain if another version of starsweep wrote it.
func parseFile(path string, b []byte) (file, error) {
	var head struct { // what every schema has
		Schema  int    `json:"schema"`
		Version string `json:"version"`
	}
	headErr := json.Unmarshal(b, &head)
	var f file
	err := json.Unmarshal(b, &f)
	f.Meta = f.normal()
	if headErr == nil && head.Schema != SchemaVersion && head.Schema != oldSchema {
		ours := f
		ours.Schema = SchemaVersion
		if err != nil || ours.Growth == 0 || ours.check() != nil {
			return file{}, fmt.Errorf("%w: %s: got schema version %d, want %d: use the version of starsweep that wrote it, %q",
				ErrOther, path, head.Schema, SchemaVersion, head.Version)
		}
	}
	if err == nil {
		err = f.check()
	}
	return f, err
}

// recordedFile is the newest description of the study in the journals; that of no study if they have none. All processes choose the same.
func recordedFile(dir string) (newest file, err error) {
	j := newJournals(filepath.Join(dir, journalFolder), "")
	if info, err := os.Stat(j.dir); err != nil || !info.IsDir() { // a file: the journal of a study of the old schema
		return file{}, nil
	}
	if err := j.find(); err != nil {
		return file{}, err
	}
	id := ""
	for _, name := range j.names() {
		e, err := firstEntry(j.readers[name])
		switch {
		case err != nil:
			return file{}, err
		case e == nil || e.Study == "":
			continue
		case id != "" && id != e.Study:
			return file{}, fmt.Errorf("%w: %s: %w: got id %q, another journal says %q", ErrCorrupt, j.path(name), errForeign, e.Study, id)
		}
		id = e.Study
		f := e.File
		if f == nil {
			continue
		}
		f.Meta = f.normal()
		if f.Schema != SchemaVersion || f.ID != id || f.check() != nil {
			continue
		}
		if cmp.Or(cmp.Compare(f.Growth, newest.Growth), cmp.Compare(f.Sum, newest.Sum)) > 0 {
			newest = *f
		}
	}
	return newest, nil
}

// firstEntry is the first entry of a journal that is sound, nil if there is none.
func firstEntry(r *journal.Reader) (first *entry, err error) {
	enough := errors.New("enough")
	err = r.Next(func(_ journal.Line, line []byte) error {
		first = &entry{}
		if err := json.Unmarshal(line, first); err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return enough
	})
	if errors.Is(err, enough) || errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return first, err
}

// unused reports whether a process has made dir the directory of a study, and none has recorded anything.
func unused(dir string) (bool, error) {
	if !exists(filepath.Join(dir, "writers")) {
		return false, nil
	}
	published, err := lastPublished(dir)
	if err != nil || len(published) > 0 {
		return false, err
	}
	for _, folder := range append([]string{journalFolder, "checkpoints"}, sequences()...) {
		if files, err := os.ReadDir(filepath.Join(dir, folder)); len(files) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
			return false, durable.StorageError(dir, err)
		}
	}
	return true, nil
}

// writeFile writes study.json. Several processes may create a study at once.
func writeFile(dir string, f file) error {
	return durable.WriteShared(filepath.Join(dir, studyFile), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(f)
	})
}

// grown is the study old with what m has in addition. It is an error if m is another study.
func (m Meta) grown(old Meta) (Meta, error) {
	var errs []error
	differ := func(what string, got, want any) {
		errs = append(errs, fmt.Errorf("%s: got %s, but the directory has %s", what, encode(got), encode(want)))
	}
	if m.Study != old.Study {
		differ("study", m.Study, old.Study)
	}
	if m.Script != old.Script {
		differ("script", m.Script, old.Script)
	}
	out := old.normal()
	for i, c := range out.Columns {
		j := slices.IndexFunc(m.Columns, func(d Column) bool { return d.Name == c.Name })
		switch {
		case j < 0:
			out.Columns[i].Optional = true
		case m.Columns[j].Kind != c.Kind:
			differ("hyperparameter "+c.Name, m.Columns[j].Kind, c.Kind)
		default:
			out.Columns[i].Optional, out.Columns[i].Derived = c.Optional || m.Columns[j].Optional, m.Columns[j].Derived
		}
	}
	for _, c := range m.Columns {
		if !slices.ContainsFunc(out.Columns, func(d Column) bool { return d.Name == c.Name }) {
			c.Optional = true // in the rows that there are
			out.Columns = append(out.Columns, c)
		}
	}
	out.Metrics, out.Losses = union(out.Metrics, m.Metrics), union(out.Losses, m.Losses)
	if n := len(old.Objectives); len(m.Objectives) < n || !slices.Equal(m.Objectives[:n], old.Objectives) {
		differ("objectives", m.Objectives, old.Objectives)
	} else {
		out.Objectives = append(out.Objectives, m.Objectives[n:]...)
	}
	return out, errors.Join(append(errs, out.Check())...)
}

// union is a with what only b has.
func union(a, b []string) []string {
	for _, x := range b {
		if !slices.Contains(a, x) {
			a = append(a, x)
		}
	}
	return a
}

func (m Meta) equal(n Meta) bool { return bytes.Equal(encode(m), encode(n)) }
