package results

import (
	"bytes"
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
)

// studyFile is the name of the file that describes a study.
const studyFile = "study.json"

// file is study.json.
type file struct {
	Schema  int       `json:"schema"`
	ID      string    `json:"id"`
	Sum     string    `json:"sum,omitempty"` // of the Meta
	Created time.Time `json:"created"`
	Meta
}

// oldSchema is the schema with one journal and one writer, which is read and upgraded.
const oldSchema = 3

// sum is a digest of everything in a Meta.
func (m Meta) sum() string {
	sum := sha256.Sum256(encode(m))
	return hex.EncodeToString(sum[:8])
}

// oldID is the ID of a study of the old schema: a digest of all that decides the tables.
func (m Meta) oldID() string {
	m.ScriptHash, m.Version, m.Origin = "", "", ""
	return m.sum()
}

// Origin is the path from dir to the script of the study in it, as it was when the study was created. Errors are those of Open.
func Origin(dir string) (string, error) {
	f, err := readFile(dir)
	return f.Origin, err
}

// readFile reads study.json. Errors: ErrNoStudy where there is none, ErrCorrupt, ErrOther, ErrStorage.
func readFile(dir string) (file, error) {
	path := filepath.Join(dir, studyFile)
	b, err := regular.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, journalFolder)); err == nil {
			return file{}, fmt.Errorf("%w: %s has a journal but no study.json: restore it from a copy", ErrCorrupt, dir)
		}
		return file{}, fmt.Errorf("%s: %w: it has no study.json", dir, ErrNoStudy)
	} else if err != nil {
		return file{}, durable.StorageError(path, err)
	}
	var head struct { // what every schema has
		Schema  int    `json:"schema"`
		Version string `json:"version"`
	}
	if err := json.Unmarshal(b, &head); err == nil && head.Schema != SchemaVersion && head.Schema != oldSchema {
		return file{}, fmt.Errorf("%w: %s: got schema version %d, want %d: use the version of starsweep that wrote it, %q",
			ErrOther, path, head.Schema, SchemaVersion, head.Version)
	}
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return file{}, fmt.Errorf("%w: %s: %w: restore it from a copy", ErrCorrupt, path, err)
	}
	f.Meta = f.normal()
	switch {
	case f.Schema == oldSchema && f.ID != f.oldID():
		err = fmt.Errorf("its id is %q, its content says %s", f.ID, f.oldID())
	case f.Schema != oldSchema && (f.ID != f.Meta.ID() || f.Sum != f.Meta.sum()):
		err = fmt.Errorf("its id is %q and its sum %q, its content says %s and %s", f.ID, f.Sum, f.Meta.ID(), f.Meta.sum())
	}
	if err != nil {
		return file{}, fmt.Errorf("%w: %s: the file was edited: %w: restore it from a copy", ErrCorrupt, path, err)
	}
	return f, nil
}

// writeFile writes study.json. Several processes may create a study at once.
func writeFile(dir string, m Meta, created time.Time) error {
	return durable.WriteShared(filepath.Join(dir, studyFile), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(file{SchemaVersion, m.ID(), m.sum(), created.UTC(), m})
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
			out.Columns[i].Optional = c.Optional || m.Columns[j].Optional
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
