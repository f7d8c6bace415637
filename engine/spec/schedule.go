package spec

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
)

// Schedule is a real number as a function of training time: a learning rate, a noise level, the weight of a loss term. The
// zero Schedule is the constant 0. Schedules are evaluated on the host at every step, so a program never depends on them.
type Schedule struct {
	kind  scheduleKind
	unit  Unit
	args  [3]float64 // by kind
	times []float64  // piecewise: where parts begin, ascending
	parts []Schedule // piecewise: the values; product: the factors; sum: the terms; quotient: dividend and divisor; named: the number
	label *Label     // named; a variable has a name only
}

// Label is the name that a script assigns to a number, and the place in the script.
type Label struct {
	Name  string // of the number's column
	Place string // file:line:col, for messages; not part of a schedule's text
}

// Unit is the unit of a schedule's time.
type Unit uint8

const (
	Steps  Unit = iota // training iterations
	Epochs             // passes over the data; fractions count
)

func (u Unit) String() string { return [...]string{"steps", "epochs"}[u] }

type scheduleKind uint8

const (
	constant scheduleKind = iota
	linear
	cosine
	exponential
	staircase
	piecewise
	product
	sum
	quotient
	named
	variable
)

var scheduleNames = [...]string{"constant", "linear", "cosine", "exponential", "step", "piecewise", "product", "sum", "quotient", "named",
	"variable"}

// Constant is v at all times.
func Constant(v float64) Schedule { return Schedule{args: [3]float64{v}} }

// Linear goes from a to b over a time and stays there, as instance noise does in Westberg's thesis (section 5.1.1).
func Linear(a, b, over float64, u Unit) Schedule {
	return Schedule{kind: linear, unit: u, args: [3]float64{a, b, over}}
}

// Cosine goes from a to b along half a cosine (Loshchilov and Hutter 2017, eq. 5, one cycle) and stays there.
func Cosine(a, b, over float64, u Unit) Schedule {
	return Schedule{kind: cosine, unit: u, args: [3]float64{a, b, over}}
}

// Exponential is a * rate^(t/every), continuously.
func Exponential(a, rate, every float64, u Unit) Schedule {
	return Schedule{kind: exponential, unit: u, args: [3]float64{a, rate, every}}
}

// Step is a * rate^floor(t/every).
func Step(a, rate, every float64, u Unit) Schedule {
	return Schedule{kind: staircase, unit: u, args: [3]float64{a, rate, every}}
}

// Piecewise is parts[0] until times[0], parts[1] until times[1], and so on. Each part is evaluated at the time since the start of
// training. There is one part more than there are times, and times ascend.
func Piecewise(times []float64, parts []Schedule, u Unit) (Schedule, error) {
	if len(parts) != len(times)+1 {
		return Schedule{}, fmt.Errorf("got %d values for %d times, want one more value than times", len(parts), len(times))
	}
	for i := range times {
		if math.IsNaN(times[i]) || i > 0 && times[i] <= times[i-1] {
			return Schedule{}, fmt.Errorf("got times %v, want ascending times", times)
		}
	}
	return Schedule{kind: piecewise, unit: u, times: times, parts: parts}, nil
}

// Warmup rises linearly from 0 to 1 over a time and stays there: a factor for another schedule.
func Warmup(over float64, u Unit) Schedule { return Linear(0, 1, over, u) }

// Product is s * t at every time.
func Product(s, t Schedule) Schedule { return combine(product, s, t, s.args[0]*t.args[0]) }

// Sum is s + t at every time.
func Sum(s, t Schedule) Schedule { return combine(sum, s, t, s.args[0]+t.args[0]) }

// Quotient is s / t at every time.
func Quotient(s, t Schedule) Schedule { return combine(quotient, s, t, s.args[0]/t.args[0]) }

// Named is s under a name. Schedules computed from it have no name, but remember that of s.
func Named(l Label, s Schedule) Schedule {
	return Schedule{kind: named, parts: []Schedule{s}, label: &l}
}

// Variable is a number without a value: Bind replaces it.
func Variable(id string) Schedule { return Schedule{kind: variable, label: &Label{Name: id}} }

// Variable is the name of a variable; ok is false for all others.
func (s Schedule) Variable() (id string, ok bool) {
	if s.kind != variable {
		return "", false
	}
	return s.label.Name, true
}

// Bind is s with its variables replaced by values.
func (s Schedule) Bind(value func(id string) Schedule) Schedule {
	if s.kind == variable {
		return value(s.label.Name)
	}
	if len(s.parts) == 0 {
		return s
	}
	parts := make([]Schedule, len(s.parts))
	for i, part := range s.parts {
		parts[i] = part.Bind(value)
	}
	s.parts = parts
	return s
}

// Named lists the named numbers that s is computed from, or is, in the order of its text.
func (s Schedule) Named() iter.Seq2[Label, Schedule] {
	return func(yield func(Label, Schedule) bool) { s.eachNamed(yield) }
}

func (s Schedule) eachNamed(yield func(Label, Schedule) bool) bool {
	if s.kind == named && !yield(*s.label, s.parts[0]) {
		return false
	}
	for _, part := range s.parts {
		if !part.eachNamed(yield) {
			return false
		}
	}
	return true
}

func combine(k scheduleKind, s, t Schedule, both float64) Schedule {
	if s.kind == constant && t.kind == constant {
		return Constant(both)
	}
	return Schedule{kind: k, parts: []Schedule{s, t}}
}

// At is the value at a step, counted from 0, where an epoch has perEpoch steps.
func (s Schedule) At(step, perEpoch int) float64 {
	t := float64(step)
	if s.unit == Epochs {
		t /= float64(max(1, perEpoch))
	}
	a, b, over := s.args[0], s.args[1], s.args[2]
	done := 1.0 // the fraction of the time that is over
	if over > 0 {
		done = min(1, t/over)
	}
	switch s.kind {
	case linear:
		return a + (b-a)*done
	case cosine:
		return b + (a-b)*(1+math.Cos(math.Pi*done))/2
	case exponential:
		return a * math.Pow(b, t/over)
	case staircase:
		return a * math.Pow(b, math.Floor(t/over))
	case piecewise:
		i := 0
		for i < len(s.times) && t >= s.times[i] {
			i++
		}
		return s.parts[i].At(step, perEpoch)
	case product:
		return s.parts[0].At(step, perEpoch) * s.parts[1].At(step, perEpoch)
	case sum:
		return s.parts[0].At(step, perEpoch) + s.parts[1].At(step, perEpoch)
	case quotient:
		return s.parts[0].At(step, perEpoch) / s.parts[1].At(step, perEpoch)
	case named:
		return s.parts[0].At(step, perEpoch)
	case variable:
		return math.NaN()
	}
	return a
}

// Beyond lists the parts that are not finished when training ends, after the given epochs and steps (0: unknown): lines and half
// cosines over a longer time, and values of a piecewise schedule that begin later.
func (s Schedule) Beyond(epochs, steps int) (parts []Schedule) {
	end := float64(epochs)
	if s.unit == Steps {
		end = float64(steps)
	}
	late := func(t float64) bool { return end > 0 && t > end }
	switch {
	case (s.kind == linear || s.kind == cosine) && late(s.args[2]), slices.ContainsFunc(s.times, late):
		return []Schedule{s}
	}
	for _, p := range s.parts {
		parts = append(parts, p.Beyond(epochs, steps)...)
	}
	return parts
}

// Counts reports whether any part of the schedule measures time in a unit.
func (s Schedule) Counts(u Unit) bool {
	switch s.kind {
	case linear, cosine, exponential, staircase, piecewise:
		if s.unit == u {
			return true
		}
	}
	return slices.ContainsFunc(s.parts, func(p Schedule) bool { return p.Counts(u) })
}

// Over yields steps, from the first to the last of a number of steps, at most 256 of them, with their values.
func (s Schedule) Over(steps, perEpoch int) iter.Seq2[int, float64] {
	return func(yield func(step int, v float64) bool) {
		n := min(steps, 256)
		for i := range n {
			step := i
			if steps > n {
				step = int(float64(i) / float64(n-1) * float64(steps-1))
			}
			if !yield(step, s.At(step, perEpoch)) {
				return
			}
		}
	}
}

// IsConstant reports whether the value never changes.
func (s Schedule) IsConstant() bool {
	switch s.kind {
	case constant:
		return true
	case product, sum, quotient, named:
		return !slices.ContainsFunc(s.parts, func(part Schedule) bool { return !part.IsConstant() })
	}
	return false
}

// String is canonical.
func (s Schedule) String() string {
	if s.kind == constant {
		return formatFloat(s.args[0])
	}
	var p []string
	switch s.kind {
	case named:
		return s.label.Name + "=" + s.parts[0].String()
	case variable:
		return "variable(" + s.label.Name + ")"
	case product, sum, quotient:
		p = append(p, s.parts[0].String(), s.parts[1].String())
	case piecewise:
		for i, part := range s.parts {
			if i > 0 {
				p = append(p, formatFloat(s.times[i-1]))
			}
			p = append(p, part.String())
		}
		p = append(p, s.unit.String())
	default:
		for _, a := range s.args[:3] {
			p = append(p, formatFloat(a))
		}
		p = append(p, s.unit.String())
	}
	return scheduleNames[s.kind] + "(" + strings.Join(p, ", ") + ")"
}
