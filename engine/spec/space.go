package spec

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Dim is one dimension of a search space: a list of choices, a range of numbers, or what follows from other dimensions.
type Dim struct {
	Name    string
	Kind    Kind
	Choices []Value     // empty for a range
	Lo, Hi  float64     // of a range, both included
	Log     bool        // uniform in the logarithm
	Step    float64     // the values of a range are this far apart, from Lo to Hi; 0: all numbers of its kind
	When    []Condition // of dimensions before this one in the space; it has no value where one does not hold
	Derived bool        // its value is a function of those before it, which no search chooses: it has a kind, and no list and no range
}

// Choice is a dimension with the given values, in order. Ints among floats become floats.
func Choice(name string, values ...Value) (Dim, error) {
	if len(values) == 0 {
		return Dim{}, fmt.Errorf("got no values, want at least one")
	}
	first, kind := values[0], values[0].Kind()
	for _, v := range values {
		var alike bool
		if v.Kind() == None {
			return Dim{}, fmt.Errorf("got no value, want a bool, a number or a string")
		} else if kind, alike = kind.Among(v.Kind()); !alike {
			return Dim{}, fmt.Errorf("got %s %v and %s %v, want values of one type", v.Kind(), v, first.Kind(), first)
		}
	}
	d := Dim{Name: name, Kind: kind}
	for _, v := range values {
		w, err := v.As(kind)
		if err != nil {
			return Dim{}, err
		}
		if slices.Contains(d.Choices, w) {
			return Dim{}, fmt.Errorf("got %v twice", v)
		}
		d.Choices = append(d.Choices, w)
	}
	return d, nil
}

// Range is a dimension of numbers from lo to hi.
func Range(name string, k Kind, lo, hi float64, log bool) (Dim, error) {
	switch {
	case !(lo < hi) || math.IsInf(lo, 0) || math.IsInf(hi, 0):
		return Dim{}, fmt.Errorf("got the range %s to %s, want two numbers, the first below the second", formatFloat(lo), formatFloat(hi))
	case log && lo <= 0:
		return Dim{}, fmt.Errorf("got %s as the low end of a logarithmic range, want a positive number", formatFloat(lo))
	}
	return Dim{Name: name, Kind: k, Lo: lo, Hi: hi, Log: log}, nil
}

// Stepped is a range of which only some numbers are values: Lo, Lo + step, and so on to Hi.
func (d Dim) Stepped(step float64) (Dim, error) {
	d.Step = step
	switch {
	case !(step > 0) || step > d.Hi-d.Lo:
		return Dim{}, fmt.Errorf("got the step %s in the range %s to %s, want a positive number, at most their difference", formatFloat(step),
			formatFloat(d.Lo), formatFloat(d.Hi))
	case d.Log:
		return Dim{}, fmt.Errorf("got a step of a logarithmic range, want none: list the values in choice(...)")
	case d.Kind == Int && step != math.Trunc(step):
		return Dim{}, fmt.Errorf("got the step %s between integers, want an integer", formatFloat(step))
	case (d.Hi-d.Lo)/step > MaxPoints:
		return Dim{}, fmt.Errorf("got the step %s in the range %s to %s, want at most %d steps", formatFloat(step), formatFloat(d.Lo),
			formatFloat(d.Hi), MaxPoints)
	}
	if last := d.number(d.Len() - 1); last != d.Hi {
		return Dim{}, fmt.Errorf("got the step %s in the range %s to %s, want one that ends there: the last value is %s", formatFloat(step),
			formatFloat(d.Lo), formatFloat(d.Hi), formatFloat(last))
	}
	return d, nil
}

// Len is how many values the dimension has: 0 if it is a continuous range, or has more than MaxPoints integers.
func (d Dim) Len() int {
	switch {
	case len(d.Choices) > 0:
		return len(d.Choices)
	case d.Step > 0:
		return int((d.Hi-d.Lo)/d.Step+1e-9) + 1
	case d.Kind == Int && d.Hi-d.Lo < MaxPoints:
		return int(d.Hi-d.Lo) + 1
	}
	return 0
}

// Value is value k, from 0, of the Len values of the dimension.
func (d Dim) Value(k int) Value {
	switch {
	case len(d.Choices) > 0:
		return d.Choices[k]
	case d.Kind == Int:
		return IntValue(int64(d.number(k)))
	}
	return FloatValue(d.number(k))
}

// number is value k of a range. Decimal ends and steps have decimal values: 0.3, not 0.1 + 0.2.
func (d Dim) number(k int) float64 {
	step := d.Step
	if step == 0 {
		step = 1
	}
	x, err := strconv.ParseFloat(strconv.FormatFloat(d.Lo+float64(k)*step, 'f', max(decimals(d.Lo), decimals(step)), 64), 64)
	if err != nil {
		panic(err) // of a text that FormatFloat wrote
	}
	return x
}

// decimals is how many digits the shortest text of a number has after its point.
func decimals(x float64) int {
	_, after, _ := strings.Cut(strconv.FormatFloat(x, 'f', -1, 64), ".")
	return len(after)
}

// Has reports whether a number is a value of the range.
func (d Dim) Has(x float64) bool {
	if x < d.Lo || x > d.Hi {
		return false
	}
	return d.Step == 0 || d.number(int(math.Round((x-d.Lo)/d.Step))) == x
}

// Typed is v with the kind of the dimension; an error if it is not one of its values.
func (d Dim) Typed(v Value) (Value, error) {
	v, err := v.As(d.Kind)
	if err != nil {
		return v, err
	}
	if len(d.Choices) > 0 {
		if !slices.Contains(d.Choices, v) {
			err = fmt.Errorf("got %v, want one of %s", v, abridged(d.Choices))
		}
		return v, err
	}
	f, _ := v.As(Float)
	if x, ok := f.Any().(float64); ok && !d.Has(x) {
		if d.Step > 0 {
			return v, fmt.Errorf("got %v, want a number from %g to %g in steps of %g", v, d.Lo, d.Hi, d.Step)
		}
		return v, fmt.Errorf("got %v, want a number from %g to %g", v, d.Lo, d.Hi)
	}
	return v, nil
}

// abridged is the values of a choice in a message: if there are many, the first ones and the number of the others.
func abridged(choices []Value) string {
	const most = 12
	if len(choices) <= most {
		return fmt.Sprint(choices)
	}
	return fmt.Sprintf("%v and %d more", choices[:most], len(choices)-most)
}

// At is the value at u in [0, 1): the u-quantile of the uniform distribution over the dimension.
func (d Dim) At(u float64) Value {
	if len(d.Choices) > 0 || d.Step > 0 {
		return d.Value(min(int(u*float64(d.Len())), d.Len()-1))
	}
	lo, hi := d.Lo, d.Hi
	if d.Kind == Int { // every integer has the same share
		hi++
	}
	v := lo + u*(hi-lo)
	if d.Log {
		v = max(lo, math.Exp(math.Log(lo)+u*(math.Log(hi)-math.Log(lo)))) // e^ln 47 is below 47
	}
	if d.Kind == Int {
		return IntValue(int64(min(math.Floor(v), d.Hi)))
	}
	return FloatValue(min(v, d.Hi))
}

// Unit is the place of a value in the dimension, from 0 to 1, so that At(Unit(v)) is v: the middle of its share if it has one. The value
// of a list or of steps must be one of them; places of numbers beyond the range are beyond 0 or 1.
func (d Dim) Unit(v Value) float64 {
	if len(d.Choices) > 0 {
		return (float64(slices.Index(d.Choices, v)) + .5) / float64(len(d.Choices))
	}
	f, err := v.As(Float)
	if err != nil {
		return math.NaN()
	}
	x, lo, hi := f.f, d.Lo, d.Hi
	switch {
	case d.Step > 0:
		return (math.Round((x-lo)/d.Step) + .5) / float64(d.Len())
	case d.Kind == Int:
		x, hi = x+.5, hi+1
	}
	if d.Log {
		return math.Log(x/lo) / math.Log(hi/lo)
	}
	return (x - lo) / (hi - lo)
}

// Space is the dimensions in the order of the script.
type Space []Dim

// Free is the dimensions of which a search chooses the values: those that are not derived.
func (s Space) Free() Space {
	return slices.DeleteFunc(slices.Clone(s), func(d Dim) bool { return d.Derived })
}

// Place is the index of a dimension, or -1 if the space lacks it.
func (s Space) Place(name string) int {
	return slices.IndexFunc(s, func(d Dim) bool { return d.Name == name })
}

// SearchKind names how points are chosen.
type SearchKind string

const (
	Grid           SearchKind = "grid"            // every combination, the last dimension fastest
	Random         SearchKind = "random"          // independent uniform draws
	Sobol          SearchKind = "sobol"           // a scrambled sequence that fills the space evenly
	LatinHypercube SearchKind = "latin_hypercube" // each of n equal parts of every dimension once
	TPE            SearchKind = "tpe"             // where good trials are denser than others: learns from results
	GP             SearchKind = "gp"              // where most is expected of a Gaussian process: learns from results
	NSGA2          SearchKind = "nsga2"           // children of the best trials: learns from results
	List           SearchKind = "list"            // the points of the script, in order
)

// Learns reports whether a search suggests points by the results of earlier trials.
func (k SearchKind) Learns() bool { return k == TPE || k == GP || k == NSGA2 }

// Search says which points of a space a study tries.
type Search struct {
	Kind   SearchKind
	Trials int      // of a search that draws points, with those that come first
	Seed   uint64   // likewise
	Points []Point  // that the script lists: all of a list, and those that come before the ones that are drawn
	Even   int      // points of a search that learns which fill the space evenly, before it does
	Warm   []string // directories of studies whose trials such a search sees before its own
}

// Adaptive says that the points of a study have different numbers of seeds: all have the first ones, and more only those of which it is not
// decided whether they are on the Pareto front.
type Adaptive struct {
	Start int     // seeds of every point
	Error float64 // bound on the probability that anything is decided wrongly
}

// Points are the points of a search, in order. They are computed on demand, since there may be millions.
type Points struct {
	n  int
	at func(i int) Point
}

// NewPoints are n points, which at computes. It may be called from several goroutines.
func NewPoints(n int, at func(i int) Point) Points { return Points{n, at} }

// PointList is a list of points as Points.
func PointList(points ...Point) Points {
	return NewPoints(len(points), func(i int) Point { return points[i] })
}

// Len is the number of points.
func (p Points) Len() int { return p.n }

// At is point i, from 0. It may be called from several goroutines.
func (p Points) At(i int) Point { return p.at(i) }

// List returns all points.
func (p Points) List() (list []Point) {
	for i := range p.n {
		list = append(list, p.at(i))
	}
	return list
}

// MaxPoints bounds the points and the trials of a study, so that a typing error does not exhaust the memory.
const MaxPoints = 1_000_000
