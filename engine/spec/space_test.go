package spec_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/starsweep/starsweep/engine/spec"
)

func choice(t testing.TB, name string, values ...Value) Dim {
	t.Helper()
	d, err := Choice(name, values...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func numbers(t testing.TB, name string, k Kind, lo, hi float64, log bool) Dim {
	t.Helper()
	d, err := Range(name, k, lo, hi, log)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The ends of every kind of dimension are reached, and every choice and every integer has the same share.
func TestRandomPointsAreQuantiles(t *testing.T) {
	below1 := math.Nextafter(1, 0)
	for _, c := range []struct {
		d    Dim
		want map[float64]string
	}{
		{choice(t, "x", IntValue(4), IntValue(8), IntValue(16)), map[float64]string{0: "4", .3: "4", .34: "8", .66: "8", .67: "16",
			below1: "16"}},
		{numbers(t, "x", Int, 1, 3, false), map[float64]string{0: "1", .33: "1", .34: "2", .67: "3", below1: "3"}},
		{numbers(t, "x", Float, -1, 3, false), map[float64]string{0: "-1.0", .25: "0.0", .5: "1.0"}},
		{numbers(t, "x", Float, 1, 100, true), map[float64]string{0: "1.0"}},
		{numbers(t, "x", Int, 1, 7, true), map[float64]string{0: "1", .34: "2", .9999: "7", below1: "7"}}, // log 8 is three doublings
	} {
		for u, want := range c.want {
			got := c.d.At(u)
			if got.String() != want {
				t.Errorf("%+v at %g: got %v, want %s", c.d, u, got, want)
			}
		}
	}
	lr := numbers(t, "lr", Float, 1e-5, 1e-1, true)
	for u, want := range map[float64]float64{0: 1e-5, .25: 1e-4, .5: 1e-3, below1: 1e-1} {
		got := lr.At(u).Any().(float64)
		if math.Abs(got/want-1) > 1e-12 || got > 1e-1 || got < 1e-5*(1-1e-15) {
			t.Errorf("at %g: got %g, want %g", u, got, want)
		}
	}
}

// The place of a value is one where the dimension has it.
func TestTheUnitOfAValueIsItsPlace(t *testing.T) {
	stepped, err := numbers(t, "x", Float, 0.1, 0.9, false).Stepped(0.2)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []Dim{
		choice(t, "x", StringValue("a"), StringValue("b"), StringValue("c")), stepped,
		numbers(t, "x", Int, 3, 9, false), numbers(t, "x", Int, 1, 5000, true), numbers(t, "x", Float, -1, 3, false),
		numbers(t, "x", Float, 1e-5, 1e-1, true),
	} {
		for k := range 100 {
			u := (float64(k) + .5) / 100
			v := d.At(u)
			got, here := d.At(d.Unit(v)), math.Abs(d.Unit(v)-u)
			if d.Len() == 0 && here > 1e-12 || d.Len() > 0 && d.Len() < 10 && here > .5/float64(d.Len()) {
				t.Errorf("%+v: the unit of %v is %g, want %g", d, v, d.Unit(v), u)
			}
			if f, ok := v.Any().(float64); ok && d.Len() == 0 {
				if math.Abs(got.Any().(float64)-f) > 1e-12*math.Abs(f)+1e-15 {
					t.Errorf("%+v: got %v, want %v", d, got, v)
				}
			} else if got != v {
				t.Errorf("%+v: got %v, want %v", d, got, v)
			}
		}
	}
}

func TestARangeInStepsHasDecimalValues(t *testing.T) {
	d, err := numbers(t, "x", Float, 0.1, 0.5, false).Stepped(0.1)
	if err != nil {
		t.Fatal(err)
	}
	var all, drawn []string
	for k := range d.Len() {
		all = append(all, d.Value(k).String())
		drawn = append(drawn, d.At((float64(k)+0.999)/5).String())
	}
	if got, want := fmt.Sprint(all), "[0.1 0.2 0.3 0.4 0.5]"; got != want || fmt.Sprint(drawn) != want {
		t.Errorf("got %s, and %s at the ends of fifths, want %s", got, drawn, want)
	}
	for x, want := range map[float64]bool{0.3: true, math.Nextafter(0.3, 1): false, 0.5: true, 0.6: false, 0: false, 0.25: false} {
		if d.Has(x) != want {
			t.Errorf("has %v: got %t", x, !want)
		}
	}
	n, err := numbers(t, "x", Int, -4, 8, false).Stepped(4)
	if err != nil || n.Len() != 4 || n.Value(2) != IntValue(4) || n.At(0.9) != IntValue(8) {
		t.Errorf("got %v, %v", n, err)
	}
	if n := numbers(t, "x", Int, math.MinInt64, math.MaxInt64, false); n.Len() != 0 {
		t.Errorf("got %d values of all integers, want them to be a range", n.Len())
	}
	for _, c := range []struct {
		d    Dim
		step float64
		want string
	}{
		{numbers(t, "x", Float, 0, 1, false), 0.3, "got the step 0.3 in the range 0.0 to 1.0, want one that ends there: the last value is 0.9"},
		{numbers(t, "x", Float, 0, 1, false), 2, "got the step 2.0 in the range 0.0 to 1.0, want a positive number, at most their difference"},
		{numbers(t, "x", Float, 0, 1, false), 1e-9, "got the step 1e-09 in the range 0.0 to 1.0, want at most 1000000 steps"},
		{numbers(t, "x", Float, 1, 8, true), 1, "got a step of a logarithmic range, want none: list the values in choice(...)"},
		{numbers(t, "x", Int, 1, 8, false), 0.5, "got the step 0.5 between integers, want an integer"},
	} {
		if _, err := c.d.Stepped(c.step); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// No quantile leaves a range, for any ends.
func FuzzRandomValuesStayInTheirRange(f *testing.F) {
	f.Add(1e-5, 1e-1, .7, true, false)
	f.Add(1., 9., .999999, true, true)
	f.Add(-5., 5., 0., false, true)
	f.Add(47., 96., 0., true, true) // e^ln 47 is below 47
	f.Fuzz(func(t *testing.T, lo, hi, u float64, log, whole bool) {
		k := Float
		if whole {
			k, lo, hi = Int, math.Trunc(lo), math.Trunc(hi)
		}
		if !(u >= 0 && u < 1) || math.Abs(lo) > 1e9 || math.Abs(hi) > 1e9 || lo > 0 && lo < 1e-9 {
			t.Skip()
		}
		d, err := Range("x", k, lo, hi, log)
		if err != nil {
			t.Skip()
		}
		v, err := d.At(u).As(Float)
		if err != nil {
			t.Fatal(err)
		}
		if x := v.Any().(float64); x < lo || x > hi {
			t.Errorf("got %v, want it within %v and %v", x, lo, hi)
		}
	})
}

func TestDimensionsAreChecked(t *testing.T) {
	dim := func(_ Dim, err error) error { return err }
	for _, c := range []struct {
		err  error
		want string
	}{
		{dim(Choice("x")), "got no values, want at least one"},
		{dim(Choice("x", IntValue(1), StringValue("a"))), `got string "a" and int 1, want values of one type`},
		{dim(Choice("x", StringValue("a"), IntValue(1))), `got int 1 and string "a", want values of one type`},
		{dim(Choice("x", BoolValue(true), FloatValue(1))), "got float 1.0 and bool True, want values of one type"},
		{dim(Choice("x", IntValue(1<<53+1), FloatValue(1))), "got int 9007199254740993, want float"},
		{dim(Choice("x", FloatValue(1), IntValue(1))), "got 1 twice"},
		{dim(Choice("x", Value{})), "got no value, want a bool, a number or a string"},
		{dim(Range("x", Float, 2, 1, false)), "got the range 2.0 to 1.0, want two numbers, the first below the second"},
		{dim(Range("x", Float, math.NaN(), 1, false)), "got the range NaN to 1.0, want two numbers, the first below the second"},
		{dim(Range("x", Float, 0, math.Inf(1), false)), "got the range 0.0 to +Inf, want two numbers, the first below the second"},
		{dim(Range("x", Float, 0, 1, true)), "got 0.0 as the low end of a logarithmic range, want a positive number"},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("got %v, want %s", c.err, c.want)
		}
	}
	d := choice(t, "x", IntValue(1), FloatValue(.5))
	if got := fmt.Sprint(d.Choices, d.Kind); got != "[1.0 0.5] float" {
		t.Errorf("got %s, want ints among floats as floats", got)
	}
}

func TestADimensionSaysWhichValuesItHas(t *testing.T) {
	var many []Value
	for i := range 15 {
		many = append(many, IntValue(int64(i)))
	}
	long := choice(t, "n", many...)
	steps := Dim{Kind: Float, Hi: 1, Step: 0.25}
	whole := Dim{Kind: Int, Lo: 1, Hi: 8}
	for _, c := range []struct {
		d    Dim
		v    Value
		want string
	}{
		{long, FloatValue(7), "7"},
		{long, IntValue(15), "got 15, want one of [0 1 2 3 4 5 6 7 8 9 10 11] and 3 more"},
		{long, StringValue("7"), `got string "7", want int`},
		{steps, IntValue(1), "1.0"},
		{steps, FloatValue(0.3), "got 0.3, want a number from 0 to 1 in steps of 0.25"},
		{whole, IntValue(9), "got 9, want a number from 1 to 8"},
	} {
		v, err := c.d.Typed(c.v)
		got := fmt.Sprint(v)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v: got %s, want %s", c.v, got, c.want)
		}
	}
}
