package results

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
)

// SchemaVersion changes when the meaning of a file on disk changes. It is in study.json and in every Parquet file.
const SchemaVersion = 4

// Column is a hyperparameter. Every table has it as a column, under its name in the script.
type Column struct {
	Name     string    `json:"name"`
	Kind     spec.Kind `json:"kind"`
	Optional bool      `json:"optional,omitempty"` // conditional: null in the trials that do not have it
	Derived  bool      `json:"derived,omitempty"`  // its values follow from those of others
}

// Objective is a metric whose best value, with its epoch, is in the trials table.
type Objective struct {
	Metric    string           `json:"metric"`
	Direction pareto.Direction `json:"goal"`
}

// Better reports whether value a is better than b.
func (o Objective) Better(a, b float64) bool { return o.order(a, b) < 0 }

// Meta describes a study. It is written as study.json, and grows when the study continues with more hyperparameters, metrics or
// objectives. The script's hash, its path and the version are those of the run that created the directory; each finished trial records
// its own.
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

// ID distinguishes studies. All files of a study carry its ID.
func (m Meta) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", m.Study, m.Script))
	return hex.EncodeToString(sum[:8])
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

// Label names a trial by its hyperparameters that apply, from its point or a row of a table, and its seed, in one line that is safe to
// print: loss=ns-gan lr=2.0 note="a b" seed=0.
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
		case nil: // it does not apply
			continue
		}
		parts = append(parts, c.Name+"="+text)
	}
	return strings.Join(append(parts, fmt.Sprintf("seed=%d", seed)), " ")
}
