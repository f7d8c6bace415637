package results

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/plain"
)

// SchemaVersion changes when the meaning of a file on disk changes. It is in study.json and in every Parquet file.
const SchemaVersion = 3

// Column is a hyperparameter. Every table has it as a column, under its name in the script.
type Column struct {
	Name     string    `json:"name"`
	Kind     spec.Kind `json:"kind"`
	Optional bool      `json:"optional,omitempty"` // conditional: null in the trials that do not have it
}

// Objective is a metric whose best value, with its epoch, is in the trials table.
type Objective struct {
	Metric    string           `json:"metric"`
	Direction pareto.Direction `json:"goal"`
}

// Better reports whether value a is better than b.
func (o Objective) Better(a, b float64) bool { return o.order(a, b) < 0 }

// Meta describes a study. It is written once, as study.json, and must be the same whenever the study continues, with these
// exceptions: the script's hash, its path and the version, which each finished trial records, and the metrics, which may be fewer
// or in another order, since a part of a study may continue it.
type Meta struct {
	Study      string      `json:"study"`            // the study's name
	Script     string      `json:"script"`           // the script's file name
	ScriptHash string      `json:"script_hash"`      // names the folder of the script's copies
	Version    string      `json:"version"`          // of the program that made the directory
	Columns    []Column    `json:"columns"`          // in the script's order
	Metrics    []string    `json:"metrics"`          // numbers of an epoch, nullable, in the order of the columns
	Losses     []string    `json:"losses,omitempty"` // the metrics that are losses of the players
	Origin     string      `json:"origin,omitempty"` // the script's path from the directory, when the directory was created
	Objectives []Objective `json:"objectives"`       // some of the metrics
}

// file is study.json.
type file struct {
	Schema  int       `json:"schema"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Meta
}

// ID distinguishes studies whose tables differ. All files of a study carry its ID.
func (m Meta) ID() string {
	m.ScriptHash, m.Version, m.Origin = "", "", ""
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and slices of strings
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// objectives returns the names of the objectives.
func (m Meta) objectives() (names []string) {
	for _, o := range m.Objectives {
		names = append(names, o.Metric)
	}
	return names
}

// normal replaces missing lists by empty ones.
func (m Meta) normal() Meta {
	m.Columns = append([]Column{}, m.Columns...)
	m.Metrics = append([]string{}, m.Metrics...)
	m.Losses = append([]string{}, m.Losses...)
	m.Objectives = append([]Objective{}, m.Objectives...)
	return m
}

// Check returns every error in a study's columns: names that are not identifiers, that occur twice, or that clash with a built-in
// column. Names that differ only in case clash as well, because SQL does not distinguish them.
func (m Meta) Check() error {
	var errs []error
	report := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	owner := map[string]string{}
	for _, name := range Reserved() {
		owner[name] = "a column that every study has"
	}
	claim := func(name, what string) {
		if !identifier(name) {
			report("%s %q: want a name of letters, digits and underscores", what, name)
		} else if other, taken := owner[strings.ToLower(name)]; taken {
			report("%s %q: the name clashes with %s: rename it", what, name, other)
		}
		owner[strings.ToLower(name)] = fmt.Sprintf("%s %q", what, name)
	}
	for _, metric := range m.Metrics {
		claim(metric, "metric")
	}
	for _, loss := range m.Losses {
		if !slices.Contains(m.Metrics, loss) {
			report("loss %q: want one of the metrics %s", loss, strings.Join(m.Metrics, ", "))
		}
	}
	for _, o := range m.Objectives {
		if !slices.Contains(m.Metrics, o.Metric) {
			report("objective %q: want one of the metrics %s", o.Metric, strings.Join(m.Metrics, ", "))
		}
		if _, err := pareto.ParseDirection(string(o.Direction)); err != nil {
			report("objective %q: %w", o.Metric, err)
		}
		claim("best_"+o.Metric, "column")
		claim("best_"+o.Metric+"_epoch", "column")
		claim("std_"+o.Metric, "column")
		claim("reference_"+o.Metric, "column")
	}
	for _, c := range m.Columns {
		claim(c.Name, "hyperparameter")
		if _, ok := columnTypes[c.Kind]; !ok {
			report("hyperparameter %q: got kind %s, want bool, int, float or string", c.Name, c.Kind)
		}
	}
	if m.Study == "" {
		report("the study has no name")
	}
	return errors.Join(errs...)
}

func identifier(name string) bool {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}

// differences returns why the directory of old cannot continue with m.
func (m Meta) differences(old Meta) error {
	var errs []error
	compare := func(what string, got, want any) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		if string(g) != string(w) {
			errs = append(errs, fmt.Errorf("%s: got %s, but the directory has %s", what, g, w))
		}
	}
	compare("study", m.Study, old.Study)
	compare("script", m.Script, old.Script)
	compare("hyperparameters", m.Columns, old.Columns)
	for _, name := range m.Metrics { // a part of the study may have fewer, in another order
		if !slices.Contains(old.Metrics, name) {
			errs = append(errs, fmt.Errorf("metrics: got %s, for which the directory has no column", name))
		}
	}
	compare("objectives", m.Objectives, old.Objectives)
	return errors.Join(errs...)
}

// Label names a trial by its hyperparameters, from its point or a row of a table, and its seed, in one line that is safe to print:
// loss=ns-gan lr=2.0 note="a b" seed=0.
func (m Meta) Label(values map[string]any, seed int64) string {
	var parts []string
	for _, c := range m.Columns {
		text := fmt.Sprint(values[c.Name])
		switch v := values[c.Name].(type) { // the notation of scripts
		case string:
			text = plain.Value(v)
		case float64:
			text = spec.FloatValue(v).String()
		case bool:
			text = spec.BoolValue(v).String()
		case nil:
			text = "None"
		}
		parts = append(parts, c.Name+"="+text)
	}
	return strings.Join(append(parts, fmt.Sprintf("seed=%d", seed)), " ")
}

// Origin is the path from dir to the script of the study in it, as it was when the study was created. Errors are those of Open.
func Origin(dir string) (string, error) {
	m, err := readMeta(dir)
	return m.Origin, err
}

// readMeta reads study.json. Errors: ErrNoStudy where there is none, ErrCorrupt, ErrOther, ErrStorage.
func readMeta(dir string) (Meta, error) {
	path := filepath.Join(dir, "study.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, "journal")); err == nil {
			return Meta{}, fmt.Errorf("%w: %s has a journal but no study.json: restore it from a copy", ErrCorrupt, dir)
		}
		return Meta{}, fmt.Errorf("%s: %w: it has no study.json", dir, ErrNoStudy)
	} else if err != nil {
		return Meta{}, durable.StorageError(path, err)
	}
	var head struct { // what every schema has
		Schema  int    `json:"schema"`
		Version string `json:"version"`
	}
	if err := json.Unmarshal(b, &head); err == nil && head.Schema != SchemaVersion {
		return Meta{}, fmt.Errorf("%w: %s: got schema version %d, want %d: use the version of starsweep that wrote it, %q",
			ErrOther, path, head.Schema, SchemaVersion, head.Version)
	}
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return Meta{}, fmt.Errorf("%w: %s: %w: restore it from a copy", ErrCorrupt, path, err)
	}
	if f.ID != f.Meta.ID() {
		return Meta{}, fmt.Errorf("%w: %s: the file was edited: its id is %q, its content says %s: restore it from a copy", ErrCorrupt, path,
			f.ID, f.Meta.ID())
	}
	return f.Meta, nil
}

func writeMeta(dir string, m Meta, now time.Time) error {
	return durable.WriteFile(filepath.Join(dir, "study.json"), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(file{SchemaVersion, m.ID(), now.UTC(), m})
	})
}
