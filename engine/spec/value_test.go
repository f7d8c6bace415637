package spec_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	. "github.com/starsweep/starsweep/engine/spec"
)

func TestKindsAreReadAsWritten(t *testing.T) {
	for k := None; k <= String; k++ {
		text, err := json.Marshal(map[string]Kind{"kind": k})
		if want := fmt.Sprintf(`{"kind":"%s"}`, k); err != nil || string(text) != want {
			t.Errorf("got %s, %v, want %s", text, err, want)
		}
		var got map[string]Kind
		if err := json.Unmarshal(text, &got); err != nil || got["kind"] != k {
			t.Errorf("%s: got %v, %v, want %s", text, got, err, k)
		}
	}
	var k Kind
	if err := k.UnmarshalText([]byte("complex")); err == nil || err.Error() != `got kind "complex", want none, bool, int, float or string` {
		t.Errorf("got %v", err)
	}
	if text, err := Kind(9).MarshalText(); err == nil {
		t.Errorf("got %s, want an error", text)
	}
}

func TestValuesHaveOneText(t *testing.T) {
	for _, c := range []struct {
		v    Value
		want string
		any  any
	}{
		{Value{}, "none", nil},
		{BoolValue(true), "True", true}, {BoolValue(false), "False", false},
		{IntValue(-7), "-7", int64(-7)},
		{FloatValue(1), "1.0", 1.}, {FloatValue(.1), "0.1", .1}, {FloatValue(1e-5), "1e-05", 1e-5}, {FloatValue(-1e21), "-1e+21", -1e21},
		{FloatValue(1e20), "1e+20", 1e20}, {FloatValue(123456789), "1.23456789e+08", 123456789.}, {FloatValue(math.Inf(1)), "+Inf", math.Inf(1)},
		{StringValue("wgan-gp"), `"wgan-gp"`, "wgan-gp"}, {StringValue(`a "b" 1`), `"a \"b\" 1"`, `a "b" 1`},
	} {
		if c.v.String() != c.want || c.v.Any() != c.any {
			t.Errorf("got %s and %v, want %s and %v", c.v, c.v.Any(), c.want, c.any)
		}
	}
}

func TestValuesConvertIfNothingIsLost(t *testing.T) {
	for _, c := range []struct {
		v    Value
		k    Kind
		want string
	}{
		{IntValue(3), Float, "3.0"}, {IntValue(3), Int, "3"}, {FloatValue(3), Int, "3"}, {FloatValue(3.5), Float, "3.5"},
		{StringValue("a"), String, `"a"`}, {BoolValue(true), Bool, "True"},
		{FloatValue(3.5), Int, "got float 3.5, want int"},
		{FloatValue(math.NaN()), Int, "got float NaN, want int"},
		{FloatValue(1 << 53), Int, "got float 9.007199254740992e+15, want int"},
		{IntValue(1<<53 + 1), Float, "got int 9007199254740993, want float"},
		{IntValue(1), Bool, "got int 1, want bool"},
		{StringValue("3"), Int, `got string "3", want int`},
		{Value{}, Float, "got none none, want float"},
	} {
		v, err := c.v.As(c.k)
		got := v.String()
		if err != nil {
			got = err.Error()
		} else if v.Kind() != c.k {
			t.Errorf("%v as %v: got a %v", c.v, c.k, v.Kind())
		}
		if got != c.want {
			t.Errorf("%v as %v: got %s, want %s", c.v, c.k, got, c.want)
		}
	}
}

func TestValuesAreReadFromTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		text string
		k    Kind
		want string
	}{
		{"3", Int, "3"}, {"3", Float, "3.0"}, {"1e-3", Float, "0.001"}, {"true", Bool, "True"}, {"False", Bool, "False"},
		{"a b", String, `"a b"`}, {"", String, `""`},
		{"3.5", Int, `got "3.5", want int`}, {"x", Float, `got "x", want float`}, {"yes", Bool, `got "yes", want bool`},
		{"x", None, `got "x", want none`},
	} {
		v, err := ParseValue(c.text, c.k)
		got := v.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q as %v: got %s, want %s", c.text, c.k, got, c.want)
		}
	}
}

// The text of a number reads as the same number, and never as another kind.
func FuzzTheTextOfAValueGivesItBack(f *testing.F) {
	f.Add(0.1, int64(3))
	f.Add(math.Copysign(0, -1), int64(-1))
	f.Add(1e300, int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, x float64, i int64) {
		if !math.IsNaN(x) {
			if v, err := ParseValue(FloatValue(x).String(), Float); err != nil || v != FloatValue(x) {
				t.Errorf("%v: got %v, %v", x, v, err)
			}
			if _, err := ParseValue(FloatValue(x).String(), Int); err == nil {
				t.Errorf("the text of the float %v reads as an int", x)
			}
		}
		if v, err := ParseValue(IntValue(i).String(), Int); err != nil || v != IntValue(i) {
			t.Errorf("%v: got %v, %v", i, v, err)
		}
	})
}

func TestPointsAreReadAndPrintedInOrder(t *testing.T) {
	p := Point{{"loss", StringValue("ns")}, {"lr", FloatValue(1e-3)}, {"batch", IntValue(64)}, {"slope", Value{}}}
	if got, want := p.String(), `loss="ns" lr=0.001 batch=64`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if v, ok := p.Get("batch"); !ok || v != IntValue(64) {
		t.Errorf("got %v, %t", v, ok)
	}
	if v, ok := p.Get("width"); ok || v.Kind() != None {
		t.Errorf("got %v, %t for a parameter that is not there", v, ok)
	}
}

func TestADataSetsTextHasTheFieldsThatAreSet(t *testing.T) {
	d := Data{Name: "parquet", Path: "a, size=3", Size: 32, Classes: []int{1, 2}, Window: [2]float64{40, 400}}
	e := d
	e.Path, e.Size = "a", 3
	if d.String() == e.String() {
		t.Errorf("two data sets are %s", d)
	}
	seen := map[string]bool{}
	for _, d := range []Data{
		{Name: "mnist"}, {Name: "mnist12k"}, {Name: "mnist", Split: "test"}, {Name: "mnist", Size: 32},
		{Name: "mnist", Channels: 3}, {Name: "mnist", Limit: 5},
		{Name: "mnist", Classes: []int{1}}, {Name: "mnist", Classes: []int{1, 2}}, {Name: "images", Path: "a"}, {Name: "images", Path: "b"},
		{Name: "parquet", Column: "x"}, {Name: "parquet", LabelColumn: "x"},
		{Name: "dicom", Window: [2]float64{1, 2}}, {Name: "nifti", Plane: "axial"},
		{Name: "nifti", Slices: [2]float64{0.2, 0.8}}, {Name: "ring", Modes: 8}, {Name: "ring", Count: 8}, {Name: "ring", Radius: 8},
		{Name: "ring", Sigma: 8}, {Name: "ring", Seed: 8},
	} {
		if seen[d.String()] {
			t.Errorf("two data sets are %s", d)
		}
		seen[d.String()] = true
	}
}

func TestIntsAmongFloatsAreFloats(t *testing.T) {
	for _, c := range []struct {
		a, b, want Kind
		alike      bool
	}{
		{Int, Int, Int, true}, {Int, Float, Float, true}, {Float, Int, Float, true}, {String, String, String, true},
		{String, Int, String, false}, {Bool, Int, Bool, false},
	} {
		if got, alike := c.a.Among(c.b); alike != c.alike || alike && got != c.want {
			t.Errorf("%s and %s: got %s, %t, want %s, %t", c.a, c.b, got, alike, c.want, c.alike)
		}
	}
}

func TestValuesComeBackFromGo(t *testing.T) {
	for _, v := range []Value{BoolValue(true), IntValue(-3), FloatValue(0.5), StringValue("x")} {
		if got, err := ValueOf(v.Any()); got != v || err != nil {
			t.Errorf("%v: got %v, %v", v, got, err)
		}
	}
	if v, err := ValueOf(Value{}.Any()); err == nil {
		t.Errorf("got %v of none, want an error", v)
	}
}
