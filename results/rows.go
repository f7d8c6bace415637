package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/starsweep/starsweep/engine/spec"
)

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
func (m *Metrics) UnmarshalJSON(b []byte) error { return jsonv2.Unmarshal(b, m) }

// UnmarshalJSONFrom reads what MarshalJSON wrote, token by token: most of a journal is metrics.
func (m *Metrics) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if kind := dec.PeekKind(); kind != jsontext.KindBeginObject {
		return fmt.Errorf("metrics: got %s, want an object", kind)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	*m = Metrics{}
	for dec.PeekKind() != jsontext.KindEndObject {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		if token, err = dec.ReadToken(); err != nil {
			return err
		}
		f, err := floatOf(token)
		if err != nil {
			return fmt.Errorf("metric %s: %w", name, err)
		}
		(*m)[name] = f
	}
	_, err := dec.ReadToken()
	return err
}

// floatOf is a number, or a text for one that JSON has not.
func floatOf(t jsontext.Token) (float64, error) {
	if t.Kind() == jsontext.KindNumber {
		return strconv.ParseFloat(t.String(), 64)
	}
	return asFloat(t.String())
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
