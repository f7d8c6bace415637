package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/starsweep/starsweep/engine/spec"
)

// Trial identifies a trial. Every one of its rows repeats it.
type Trial struct {
	ID      string    `json:"id"`    // by content; letters, digits, - and _
	Index   int       `json:"index"` // position in the plan in which it began
	Point   Values    `json:"point"` // a value for each column; optional ones may be missing
	Seed    int64     `json:"seed"`
	Started time.Time `json:"started"`

	// Configuration identifies everything that decides the trial's numbers except its seed and its length, and therefore also what
	// follows: trials that share it are replicates.
	Configuration string       `json:"configuration"`
	Length        int          `json:"length"`           // planned epochs
	Data          string       `json:"data"`             // its images, in the words of the script
	Train         string       `json:"train"`            // digest of the training images, in hex
	Test          string       `json:"test,omitempty"`   // of the test split; empty where nothing reads it
	Measure       spec.Measure `json:"measure,omitzero"` // what evaluations compare with
}

// Epoch is a row of the epochs table.
type Epoch struct {
	Trial           string  `json:"trial"`
	Epoch           int     `json:"epoch"`               // from 1, without a gap
	Step            int64   `json:"step"`                // steps since the trial began
	Images          int64   `json:"images"`              // real images processed in this epoch
	Metrics         Metrics `json:"metrics"`             // those measured; the others are null
	Evaluated       bool    `json:"evaluated,omitempty"` // metrics and tests were measured, by the trial's measure
	Backend         string  `json:"backend"`             // with the kernels and the precision that decide the last bits
	SecondsTrain    float64 `json:"seconds_train"`
	SecondsEvaluate float64 `json:"seconds_evaluate"`
}

// Sample is a row of the samples table: a sample sheet.
type Sample struct {
	Trial string `json:"trial"`
	Epoch int    `json:"epoch"`
	Kind  string `json:"kind"` // such as "grid"
	PNG   []byte `json:"png"`
}

// Outcome finishes a trial. The trials table takes steps, images, seconds, last and best values from the epochs.
type Outcome struct {
	Trial          string  `json:"trial"`
	Status         Status  `json:"status"` // a final one
	Reason         string  `json:"reason"` // empty if the status needs none
	Parameters     int64   `json:"parameters"`
	Program        string  `json:"program"`  // fingerprint
	Settings       string  `json:"settings"` // values of the script's settings, as a JSON object
	Script         string  `json:"script"`   // hash
	Version        string  `json:"version"`
	Backend        string  `json:"backend"`
	Device         string  `json:"device"`
	SecondsCompile float64 `json:"seconds_compile"` // of the run that finished the trial
	Compilations   int     `json:"compilations"`    // likewise
}

// Status is the state of a trial.
type Status string

// All statuses except Interrupted are final.
const (
	Completed   Status = "completed"
	Pruned      Status = "pruned"      // stopped early by the search
	Failed      Status = "failed"      // an error
	Diverged    Status = "diverged"    // a loss or a parameter became NaN or infinite
	Collapsed   Status = "collapsed"   // mode collapse
	Interrupted Status = "interrupted" // begun and not finished, perhaps running now; in no table
)

func (s Status) final() bool {
	switch s {
	case Completed, Pruned, Failed, Diverged, Collapsed:
		return true
	}
	return false
}

// Metrics are measured numbers by name. NaN and the infinities are valid measurements.
type Metrics map[string]float64

// MarshalJSON writes NaN and the infinities, for which JSON has no number, as strings.
func (m Metrics) MarshalJSON() ([]byte, error) {
	out := make(map[string]any, len(m))
	for name, v := range m {
		out[name] = jsonFloat(v)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Metrics) UnmarshalJSON(b []byte) error {
	var in map[string]any
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*m = make(Metrics, len(in))
	for name, v := range in {
		f, err := asFloat(v)
		if err != nil {
			return fmt.Errorf("metric %s: %w", name, err)
		}
		(*m)[name] = f
	}
	return nil
}

// Values are a trial's hyperparameters by column name: bool, int64 (or int), float64, string; nil for null.
type Values map[string]any

// MarshalJSON writes infinities as strings.
func (v Values) MarshalJSON() ([]byte, error) {
	out := make(map[string]any, len(v))
	for name, value := range v {
		if f, ok := value.(float64); ok {
			value = jsonFloat(f)
		}
		out[name] = value
	}
	return json.Marshal(out)
}

// UnmarshalJSON keeps numbers as json.Number, whose kind the study's columns decide.
func (v *Values) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	return dec.Decode((*map[string]any)(v))
}

func jsonFloat(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return f
}

func asFloat(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case int:
		return float64(v), nil
	case json.Number:
		return v.Float64()
	case string:
		if f, err := strconv.ParseFloat(v, 64); err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return f, nil
		}
	}
	return 0, fmt.Errorf("got %T %v, want a number", v, v)
}

// normal returns the values in the Go types of their columns, or every error in them.
func (v Values) normal(columns []Column) (Values, error) {
	var errs []error
	out := make(Values, len(columns))
	for _, c := range columns {
		value, err := c.value(v[c.Name])
		if err != nil {
			errs = append(errs, fmt.Errorf("hyperparameter %s: %w", c.Name, err))
		}
		out[c.Name] = value
	}
	for name := range v {
		if _, known := out[name]; !known {
			errs = append(errs, fmt.Errorf("hyperparameter %s: the study has no such column", name))
		}
	}
	return out, errors.Join(errs...)
}

// value is v in the Go type of the column. A column of floats takes ints as well.
func (c Column) value(v any) (any, error) {
	if v == nil {
		if c.Optional {
			return nil, nil
		}
		return nil, fmt.Errorf("got no value, want %s", c.Kind)
	}
	switch c.Kind {
	case spec.Bool:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case spec.Int:
		switch i := v.(type) {
		case int64:
			return i, nil
		case int:
			return int64(i), nil
		case json.Number:
			return i.Int64()
		}
	case spec.Float:
		if f, err := asFloat(v); err == nil && !math.IsNaN(f) {
			return f, nil
		}
	case spec.String:
		if s, ok := v.(string); ok && utf8.ValidString(s) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("got %T %v, want %s", v, v, c.Kind)
}
