package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Metric is a metric with its arguments, as a script requests it. It is plain data: the table All of engine/metric says what it means.
type Metric struct {
	Name string
	Args []Arg // in the order of the metric's declaration, without those that are left to it
}

// Arg is an argument of a metric.
type Arg struct {
	Name  string
	Value float64
}

// Arg is the value of an argument, or 0 if the metric has none of this name.
func (m Metric) Arg(name string) float64 {
	for _, a := range m.Args {
		if a.Name == name {
			return a.Value
		}
	}
	return 0
}

// With is m with an argument set.
func (m Metric) With(name string, value float64) Metric {
	m.Args = slices.Clone(m.Args)
	if i := slices.IndexFunc(m.Args, func(a Arg) bool { return a.Name == name }); i >= 0 {
		m.Args[i].Value = value
	} else {
		m.Args = append(m.Args, Arg{name, value})
	}
	return m
}

// Equal reports whether two metrics have the same name and arguments.
func (m Metric) Equal(other Metric) bool {
	return m.Name == other.Name && slices.Equal(m.Args, other.Args)
}

// String is canonical, and what a script says: kid(subsets=100, size=1000).
func (m Metric) String() string {
	args := make([]string, len(m.Args))
	for i, a := range m.Args {
		args[i] = a.Name + "=" + number(a.Value)
	}
	return fmt.Sprintf("%s(%s)", m.Name, strings.Join(args, ", "))
}

// number writes whole numbers without an exponent.
func number(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
		return strconv.FormatInt(int64(x), 10)
	}
	return shortest(x)
}

// MarshalJSON writes one flat object: {"name":"kid","subsets":100,"size":1000}.
func (m Metric) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	field := func(sep, name string, value any) error {
		text, err := json.Marshal(value)
		fmt.Fprintf(&b, "%s%q:%s", sep, name, text)
		return err
	}
	if err := field("{", "name", m.Name); err != nil {
		return nil, err
	}
	for _, a := range m.Args {
		if err := field(",", a.Name, a.Value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads the text that MarshalJSON wrote. The arguments keep the order of the file.
func (m *Metric) UnmarshalJSON(text []byte) error {
	*m = Metric{}
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("metric: got %s, want an object", text)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if key == "name" {
			err = d.Decode(&m.Name)
		} else {
			a := Arg{Name: key.(string)} // the keys of an object are strings
			err = d.Decode(&a.Value)
			m.Args = append(m.Args, a)
		}
		if err != nil {
			return fmt.Errorf("metric: %v: %w", key, err)
		}
	}
	return nil
}
