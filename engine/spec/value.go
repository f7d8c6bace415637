// Package spec defines the parts of a study as plain immutable values: hyperparameters and their space, schedules, requests for data
// sets, metrics and evaluations. Every value has one canonical text, from which content IDs are hashed, so equal values are equal in
// every process and on every machine. It also defines the types with which engine/data and engine/feature declare what a script can
// choose (Catalogue). It imports no package of this module; every other package may import it.
package spec

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Kind is the type of a hyperparameter's value, and of its column in the tables.
type Kind uint8

const (
	None Kind = iota // no value: a parameter that does not apply
	Bool
	Int
	Float
	String
)

var kindNames = [...]string{"none", "bool", "int", "float", "string"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return strconv.Itoa(int(k))
}

// Among is the kind of values of both kinds: ints among floats are floats. Alike is false if there is none.
func (k Kind) Among(l Kind) (both Kind, alike bool) {
	if k != l && (k == Int || k == Float) && (l == Int || l == Float) {
		return Float, true
	}
	return k, k == l
}

// MarshalText returns the name of the kind, as in files.
func (k Kind) MarshalText() ([]byte, error) {
	if int(k) < len(kindNames) {
		return []byte(kindNames[k]), nil
	}
	return nil, fmt.Errorf("got kind %v, want none, bool, int, float or string", k)
}

// UnmarshalText reads the text that MarshalText wrote.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(kindNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("got kind %q, want none, bool, int, float or string", text)
	}
	*k = Kind(i)
	return nil
}

// Value is one hyperparameter's value. It is comparable; the zero Value is none.
type Value struct {
	kind Kind
	i    int64 // Int; Bool as 0 or 1
	f    float64
	s    string
}

// BoolValue is the truth value b.
func BoolValue(b bool) Value {
	if b {
		return Value{kind: Bool, i: 1}
	}
	return Value{kind: Bool}
}

// IntValue is the whole number i.
func IntValue(i int64) Value { return Value{kind: Int, i: i} }

// FloatValue is the number f.
func FloatValue(f float64) Value { return Value{kind: Float, f: f} }

// StringValue is the text s.
func StringValue(s string) Value { return Value{kind: String, s: s} }

// ValueOf is the value of which Any is x; an error if it is that of none, or of no value.
func ValueOf(x any) (Value, error) {
	switch x := x.(type) {
	case bool:
		return BoolValue(x), nil
	case int64:
		return IntValue(x), nil
	case float64:
		return FloatValue(x), nil
	case string:
		return StringValue(x), nil
	}
	return Value{}, fmt.Errorf("got %v, want a value", x)
}

// Kind is the kind of the value: None if there is no value.
func (v Value) Kind() Kind { return v.kind }

// Any is the value as bool, int64, float64 or string; nil if there is none.
func (v Value) Any() any {
	switch v.kind {
	case Bool:
		return v.i == 1
	case Int:
		return v.i
	case Float:
		return v.f
	case String:
		return v.s
	}
	return nil
}

// String is the canonical text: the shortest that yields the value again, with strings quoted. A float never looks like an int.
func (v Value) String() string {
	switch v.kind {
	case Bool:
		return [...]string{"False", "True"}[v.i] // as in scripts
	case Int:
		return strconv.FormatInt(v.i, 10)
	case Float:
		return formatFloat(v.f)
	case String:
		return strconv.Quote(v.s)
	}
	return "none"
}

func formatFloat(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		s += ".0"
	}
	return s
}

// As converts v to kind k if nothing is lost: an int to a float, any value to its own kind.
func (v Value) As(k Kind) (Value, error) {
	switch {
	case v.kind == k:
		return v, nil
	case v.kind == Int && k == Float && int64(float64(v.i)) == v.i:
		return FloatValue(float64(v.i)), nil
	case v.kind == Float && k == Int && v.f == math.Trunc(v.f) && math.Abs(v.f) < 1<<53:
		return IntValue(int64(v.f)), nil
	}
	return Value{}, fmt.Errorf("got %s %v, want %s", v.kind, v, k)
}

// ParseValue reads a value of kind k from a command line, where strings have no quotes.
func ParseValue(text string, k Kind) (Value, error) {
	var (
		v   Value
		err error
	)
	switch k {
	case Bool:
		var b bool
		b, err = strconv.ParseBool(text)
		v = BoolValue(b)
	case Int:
		var i int64
		i, err = strconv.ParseInt(text, 10, 64)
		v = IntValue(i)
	case Float:
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		v = FloatValue(f)
	case String:
		v = StringValue(text)
	default:
		err = fmt.Errorf("no value of kind %s", k)
	}
	if err != nil {
		return Value{}, fmt.Errorf("got %q, want %s", text, k)
	}
	return v, nil
}

// Assignment is a named value.
type Assignment struct {
	Name  string
	Value Value
}

// written is an assignment as JSON. Numbers are text, since JSON has no infinities and tells no int from a float.
type written struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	Text string `json:"value"`
}

// MarshalJSON keeps the kind of the value and all of its bits.
func (a Assignment) MarshalJSON() ([]byte, error) {
	text, isString := a.Value.Any().(string)
	if !isString {
		text = a.Value.String()
	}
	return json.Marshal(written{a.Name, a.Value.kind, text})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (a *Assignment) UnmarshalJSON(b []byte) error {
	var w written
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	v, err := ParseValue(w.Text, w.Kind)
	if w.Kind == None {
		v, err = Value{}, nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", w.Name, err)
	}
	*a = Assignment{w.Name, v}
	return nil
}

// Point assigns a value to every hyperparameter, in the order in which the script declares them.
type Point []Assignment

// Get is the value of a hyperparameter; ok is false if the point lacks it.
func (p Point) Get(name string) (Value, bool) {
	for _, s := range p {
		if s.Name == name {
			return s.Value, true
		}
	}
	return Value{}, false
}

// GetAt is Get for a hyperparameter that is usually at index i of such points.
func (p Point) GetAt(i int, name string) (Value, bool) {
	if i < len(p) && p[i].Name == name {
		return p[i].Value, true
	}
	return p.Get(name)
}

// Place is the index of a hyperparameter, or -1 if the point lacks it.
func (p Point) Place(name string) int {
	return slices.IndexFunc(p, func(s Assignment) bool { return s.Name == name })
}

// String is canonical: name=value, separated by blanks, of the hyperparameters that apply.
func (p Point) String() string {
	var b []byte
	for _, s := range p {
		if s.Value.kind == None {
			continue
		}
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = append(b, s.Name...)
		b = append(b, '=')
		b = append(b, s.Value.String()...)
	}
	return string(b)
}

// Settings are the named constants of a study, in the order in which the script declares them. Profiles and --set change their
// values; a search does not.
type Settings []Assignment

// Get is the value of a setting; ok is false if there is none of that name.
func (s Settings) Get(name string) (Value, bool) { return Point(s).Get(name) }

// String is canonical: name=value, separated by blanks.
func (s Settings) String() string { return Point(s).String() }
