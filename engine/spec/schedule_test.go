package spec_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/starsweep/starsweep/engine/spec"
)

// perEpoch is the number of steps per epoch in these tests.
const perEpoch = 10

func piecewise(t testing.TB, times []float64, parts []Schedule, u Unit) Schedule {
	t.Helper()
	s, err := Piecewise(times, parts, u)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The values were computed by hand, at the ends and in between.
func TestSchedulesAreTheirFormulas(t *testing.T) {
	type at map[int]float64
	for _, c := range []struct {
		text string
		s    Schedule
		want at
	}{
		{"0.25", Constant(.25), at{0: .25, 1000: .25}},
		{"0.0", Schedule{}, at{0: 0, 7: 0}},
		{"linear(0.5, 0.01, 10.0, epochs)", Linear(.5, .01, 10, Epochs), at{0: .5, 50: .255, 100: .01, 5000: .01, 1: .5 - .49/100}},
		{"linear(0.0, 1.0, 4.0, steps)", Linear(0, 1, 4, Steps), at{0: 0, 1: .25, 4: 1, 5: 1}},
		{"linear(3.0, 2.0, 0.0, steps)", Linear(3, 2, 0, Steps), at{0: 2, 9: 2}},
		{"cosine(1.0, 0.2, 8.0, steps)", Cosine(1, .2, 8, Steps), at{0: 1, 2: .6 + .4*math.Sqrt2/2, 4: .6, 8: .2, 80: .2}},
		{"exponential(2.0, 0.5, 10.0, steps)", Exponential(2, .5, 10, Steps), at{0: 2, 10: 1, 20: .5, 5: 2 * math.Sqrt(.5)}},
		{"step(2.0, 0.5, 3.0, epochs)", Step(2, .5, 3, Epochs), at{0: 2, 29: 2, 30: 1, 59: 1, 60: .5}},
		{"linear(0.0, 1.0, 5.0, steps)", Warmup(5, Steps), at{0: 0, 5: 1, 6: 1}},
		{"product(linear(0.0, 1.0, 4.0, steps), cosine(1.0, 0.0, 2.0, epochs))", Product(Warmup(4, Steps), Cosine(1, 0, 2, Epochs)),
			at{0: 0, 2: .5 * (1 + math.Cos(math.Pi/10)) / 2, 10: .5, 20: 0}},
		{"sum(0.5, linear(1.0, 0.0, 2.0, steps))", Sum(Constant(.5), Linear(1, 0, 2, Steps)), at{0: 1.5, 1: 1, 2: .5}},
		{"6.0", Product(Constant(2), Constant(3)), at{0: 6}},
		{"5.0", Sum(Constant(2), Constant(3)), at{0: 5}},
		{"2.5", Quotient(Constant(5), Constant(2)), at{0: 2.5}},
		{"quotient(linear(1.0, 0.0, 2.0, steps), 10.0)", Quotient(Linear(1, 0, 2, Steps), Constant(10)), at{0: .1, 1: .05, 2: 0}},
		{"w=linear(1.0, 0.0, 2.0, steps)", Named(Label{Name: "w"}, Linear(1, 0, 2, Steps)), at{0: 1, 1: .5, 2: 0}},
		{"piecewise(1.0, 2.0, 0.1, 5.0, linear(1.0, 0.0, 100.0, steps), epochs)",
			piecewise(t, []float64{2, 5}, []Schedule{Constant(1), Constant(.1), Linear(1, 0, 100, Steps)}, Epochs),
			at{0: 1, 19: 1, 20: .1, 49: .1, 50: .5, 100: 0}},
	} {
		if got := c.s.String(); got != c.text {
			t.Errorf("got the text %s, want %s", got, c.text)
		}
		for step, want := range c.want {
			if got := c.s.At(step, perEpoch); math.Abs(got-want) > 1e-14 {
				t.Errorf("%s at step %d: got %.17g, want %.17g", c.text, step, got, want)
			}
		}
		if c.s.IsConstant() != !strings.Contains(c.text, "(") {
			t.Errorf("%s: got constant %t", c.text, c.s.IsConstant())
		}
	}
}

// For any numbers, a decay starts at a, ends at exactly b, never leaves the range and never turns.
func FuzzDecaysAreMonotoneBetweenTheirEnds(f *testing.F) {
	f.Add(.5, .01, 10., true)
	f.Add(-3., 7., 1., false)
	f.Add(1., 1., 33.3, false)
	f.Fuzz(func(t *testing.T, a, b, over float64, epochs bool) {
		if !(math.Abs(a) < 1e6 && math.Abs(b) < 1e6 && over > 0 && over < 1e3) {
			t.Skip()
		}
		u, last := Steps, int(over)+1
		if epochs {
			u, last = Epochs, (int(over)+1)*perEpoch
		}
		slack := 1e-12 * (math.Abs(a) + math.Abs(b))
		for _, s := range []Schedule{Linear(a, b, over, u), Cosine(a, b, over, u)} {
			if got := s.At(0, perEpoch); math.Abs(got-a) > slack {
				t.Errorf("%v: got %g at first, want %g", s, got, a)
			}
			if got := s.At(last, perEpoch); math.Abs(got-b) > slack {
				t.Errorf("%v: got %g at last, want %g", s, got, b)
			}
			previous := a
			for step := range last {
				now := s.At(step, perEpoch)
				if now < min(a, b)-slack || now > max(a, b)+slack {
					t.Fatalf("%v at step %d: got %g, want it between %g and %g", s, step, now, a, b)
				}
				if (now-previous)*(b-a) < -slack*math.Abs(b-a) {
					t.Fatalf("%v at step %d: got %g after %g", s, step, now, previous)
				}
				previous = now
			}
		}
	})
}

func TestAnEpochIsItsStepsLong(t *testing.T) {
	for step := range 100 {
		a := Linear(1, 0, 5, Epochs).At(step, perEpoch)
		b := Linear(1, 0, 5*perEpoch, Steps).At(step, perEpoch)
		if math.Abs(a-b) > 1e-15 {
			t.Errorf("step %d: got %g in epochs and %g in steps", step, a, b)
		}
	}
	if got := Linear(1, 0, 5, Epochs).At(3, 0); math.IsNaN(got) {
		t.Error("0 steps per epoch: got no number")
	}
}

func TestPiecewiseNeedsAscendingTimes(t *testing.T) {
	one := Constant(1)
	for _, c := range []struct {
		times []float64
		parts []Schedule
		want  string
	}{
		{[]float64{1}, []Schedule{one}, "got 1 values for 1 times, want one more value than times"},
		{[]float64{2, 2}, []Schedule{one, one, one}, "got times [2 2], want ascending times"},
		{[]float64{1, math.NaN()}, []Schedule{one, one, one}, "got times [1 NaN], want ascending times"},
	} {
		if _, err := Piecewise(c.times, c.parts, Steps); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestDifferentSchedulesHaveDifferentTexts(t *testing.T) {
	seen := map[string]bool{}
	schedules := []Schedule{
		Constant(1), Constant(-1), Constant(1.5), Linear(1, 2, 3, Steps), Linear(1, 2, 3, Epochs), Linear(1, 2, 4, Steps), Linear(1, 3, 3, Steps),
		Linear(2, 2, 3, Steps),
		Cosine(1, 2, 3, Steps), Exponential(1, 2, 3, Steps), Step(1, 2, 3, Steps), Product(Warmup(1, Steps), Constant(2)),
		Product(Constant(2), Warmup(1, Steps)), Sum(Warmup(1, Steps), Constant(2)),
		piecewise(t, []float64{1}, []Schedule{Constant(1), Constant(2)}, Steps),
		piecewise(t, []float64{2}, []Schedule{Constant(1), Constant(2)}, Steps), piecewise(t, nil, []Schedule{Constant(1)}, Steps),
	}
	for _, s := range schedules {
		if seen[s.String()] {
			t.Errorf("two schedules are %s", s)
		}
		seen[s.String()] = true
	}
}

func TestVariablesTakeValues(t *testing.T) {
	w, v := Variable("w"), Variable("v")
	s := Product(Named(Label{Name: "column"}, w), Sum(v, Constant(1)))
	if got, want := s.String(), "product(column=variable(w), sum(variable(v), 1.0))"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	bound := s.Bind(func(id string) Schedule {
		return map[string]Schedule{"w": Constant(3), "v": Linear(0, 1, 10, Steps)}[id]
	})
	if got, want := bound.String(), "product(column=3.0, sum(linear(0.0, 1.0, 10.0, steps), 1.0))"; got != want || bound.At(5, 1) != 4.5 {
		t.Errorf("got %s, %g at step 5, want %s, 4.5", got, bound.At(5, 1), want)
	}
	if w.IsConstant() || !math.IsNaN(s.At(0, 1)) {
		t.Error("a variable has a value")
	}
	if id, ok := w.Variable(); !ok || id != "w" {
		t.Errorf("got the name %q", id)
	}
	if _, ok := s.Variable(); ok {
		t.Error("a product is a variable")
	}
}

func TestArithmeticKeepsTheNamesOfItsNumbers(t *testing.T) {
	w := Named(Label{Name: "w", Place: "s.star:1:1"}, Constant(.5))
	v := Named(Label{Name: "v"}, Linear(1, 0, 2, Steps))
	for want, s := range map[string]Schedule{
		"":         Product(Constant(2), Linear(1, 0, 2, Steps)),
		"w is 0.5": Product(Constant(10), w),
		"w is 0.5 v is linear(1.0, 0.0, 2.0, steps)": Quotient(Sum(w, v), Constant(2)),
		"outer is w=0.5 w is 0.5":                    Named(Label{Name: "outer"}, w),
		"w is 0.5 w is 0.5":                          piecewise(t, []float64{1}, []Schedule{w, Product(w, Constant(2))}, Epochs),
	} {
		var got []string
		for label, number := range s.Named() {
			got = append(got, label.Name+" is "+number.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v: got %q, want %q", s, got, want)
		}
	}
	if s := Product(w, w); !s.IsConstant() || s.At(0, 1) != .25 {
		t.Errorf("got %v at first, want 0.25 at all times", s.At(0, 1))
	}
}
