package search_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

func choice(t testing.TB, name string, values ...int64) spec.Dim {
	t.Helper()
	var all []spec.Value
	for _, v := range values {
		all = append(all, spec.IntValue(v))
	}
	d, err := spec.Choice(name, all...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func interval(t testing.TB, name string) spec.Dim {
	t.Helper()
	d, err := spec.Range(name, spec.Float, 0, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func of(t testing.TB, s search.Study) *search.Blocks {
	t.Helper()
	if s.Seeds == nil {
		s.Seeds = []uint32{0}
	}
	b, err := search.New(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// atMost is the constraint that the values of the dimension a are at most some value. It counts its calls.
func atMost(most float64, calls *int) func(context.Context, spec.Point) (bool, error) {
	return func(_ context.Context, p spec.Point) (bool, error) {
		*calls++
		v, _ := p.Get("a")
		f, err := v.As(spec.Float)
		return f.Any().(float64) <= most, err
	}
}

func TestAGridIsEveryCombinationTheLastFastest(t *testing.T) {
	b := of(t, search.Study{Space: spec.Space{choice(t, "a", 1, 2), choice(t, "b", 3, 4, 5)}, Search: spec.Search{Kind: spec.Grid}})
	if got, want := fmt.Sprint(b.Points.List()), "[a=1 b=3 a=1 b=4 a=1 b=5 a=2 b=3 a=2 b=4 a=2 b=5]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if p := of(t, search.Study{Search: spec.Search{Kind: spec.Grid}}).Points.List(); len(p) != 1 || len(p[0]) != 0 {
		t.Errorf("got %v for no dimensions, want one empty point", p)
	}
}

func TestEveryPointComesUnderOneSeedBeforeTheNext(t *testing.T) {
	b := of(t, search.Study{Space: spec.Space{choice(t, "a", 1, 2, 3)}, Search: spec.Search{Kind: spec.Grid}, Seeds: []uint32{7, 3}})
	var got []string
	for i := 0; ; i++ {
		s, err := b.Next(i, nil)
		if errors.Is(err, io.EOF) {
			break
		}
		if s.Index != i || s.Saw != nil {
			t.Errorf("got suggestion %+v at %d", s, i)
		}
		got = append(got, fmt.Sprintf("%v/%d", s.Point, s.Seed))
	}
	if want := "a=1/7 a=2/7 a=3/7 a=1/3 a=2/3 a=3/3"; strings.Join(got, " ") != want || b.Len() != 6 {
		t.Errorf("got %v, want %s", got, want)
	}
	one := search.One(b.Points.At(1), b.Seeds)
	if s := one.At(1); one.Len() != 2 || s.Point.String() != "a=2" || s.Seed != 3 {
		t.Errorf("got %v of one point", s)
	}
}

func TestWrongSearches(t *testing.T) {
	ten := make([]int64, 10)
	for i := range ten {
		ten[i] = int64(i)
	}
	var seven spec.Space
	for i := range 7 {
		seven = append(seven, choice(t, fmt.Sprint("p", i), ten...))
	}
	grid, random := spec.Search{Kind: spec.Grid}, spec.Search{Kind: spec.Random, Trials: 50}
	why := errors.New("s.star:3:4: no such value")
	var calls int
	for _, c := range []struct {
		study search.Study
		want  string
	}{
		{search.Study{Space: spec.Space{interval(t, "lr")}, Search: grid},
			"space: lr is a range, and a grid needs single values: use choice(...), a step, or search = random(trials = ...)"},
		{search.Study{Space: seven, Search: grid}, "space: the grid has more than 1000000 points: use search = random(trials = ...)"},
		{search.Study{Space: seven[:6], Search: grid, Seeds: []uint32{1, 2}},
			"study: got 2000000 trials, 1000000 points by 2 seeds, want at most 1000000"},
		{search.Study{Space: spec.Space{choice(t, "a", 1, 2)}, Search: grid, Allows: atMost(0, &calls)},
			"constraint: none of the 2 points satisfies it, want at least one"},
		{search.Study{Space: spec.Space{interval(t, "a")}, Search: random, Allows: atMost(1e-3, &calls)},
			"constraint: got 13 points that satisfy it among 10000 drawn, want 50: allow more of the space, or ask for fewer trials"},
		{search.Study{Space: spec.Space{interval(t, "a")}, Search: random,
			Allows: func(context.Context, spec.Point) (bool, error) { return false, why }}, why.Error()},
	} {
		if c.study.Seeds == nil {
			c.study.Seeds = []uint32{0}
		}
		if _, err := search.New(t.Context(), c.study); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err := search.New(ctx, search.Study{Space: spec.Space{interval(t, "a")}, Search: random, Allows: atMost(1, &calls)})
	if !errors.Is(err, why) {
		t.Errorf("got %v of a search that is interrupted, want %v", err, why)
	}
}

func TestAConstraintLeavesPointsOut(t *testing.T) {
	var calls int
	space := spec.Space{choice(t, "a", 1, 2, 3), choice(t, "b", 1, 2)}
	b := of(t, search.Study{Space: space, Search: spec.Search{Kind: spec.Grid}, Seeds: []uint32{0, 1}, Allows: atMost(2, &calls)})
	if got, want := fmt.Sprint(b.Points.List()), "[a=1 b=1 a=1 b=2 a=2 b=1 a=2 b=2]"; got != want || b.LeftOut != 2 || b.Len() != 8 ||
		calls != 6 {
		t.Errorf("got %s with %d left out after %d calls, want %s", got, b.LeftOut, calls, want)
	}
	list := spec.Search{Kind: spec.List, Points: []spec.Point{{{Name: "a", Value: spec.IntValue(3)}}, {{Name: "a", Value: spec.IntValue(1)}}}}
	b = of(t, search.Study{Space: space[:1], Search: list, Allows: atMost(2, &calls)})
	if fmt.Sprint(b.Points.List()) != "[a=1]" || b.LeftOut != 1 {
		t.Errorf("got %v with %d left out of a list", b.Points.List(), b.LeftOut)
	}
}

// The points of a random search that satisfy the constraint stay where they are, others are drawn after them, and a search of more trials
// begins with the same points.
func TestARandomSearchDrawsAgain(t *testing.T) {
	var calls int
	study := search.Study{Space: spec.Space{interval(t, "a"), interval(t, "b")}, Search: spec.Search{Kind: spec.Random, Trials: 40, Seed: 5}}
	free := of(t, study).Points.List()
	study.Allows = atMost(.3, &calls)
	b := of(t, study)
	bound := b.Points.List()
	if len(bound) != 40 || b.LeftOut != 0 {
		t.Fatalf("got %d points with %d left out, want 40 and 0", len(bound), b.LeftOut)
	}
	var stay []string
	for _, p := range free {
		if ok, _ := study.Allows(t.Context(), p); ok {
			stay = append(stay, p.String())
		}
	}
	var got []string
	for i, p := range bound {
		if ok, _ := study.Allows(t.Context(), p); !ok {
			t.Errorf("point %d, %v, does not satisfy the constraint", i, p)
		}
		got = append(got, p.String())
	}
	if len(stay) < 5 || !slices.Equal(stay, got[:len(stay)]) {
		t.Errorf("got %v, want it to begin with %v", got, stay)
	}
	if slices.Sort(got); len(slices.Compact(got)) != 40 {
		t.Error("a point was drawn twice")
	}
	study.Search.Trials = 60
	if more := of(t, study).Points.List(); fmt.Sprint(more[:40]) != fmt.Sprint(bound) {
		t.Error("more trials change the first ones")
	}
	study.Allows = func(context.Context, spec.Point) (bool, error) { return true, nil }
	if all := of(t, study).Points.List(); fmt.Sprint(all[:40]) != fmt.Sprint(free) {
		t.Error("a constraint that all points satisfy changes them")
	}
}

// What a study gains is new, and what it had is the same: by its point and its seed, whatever their places.
func TestWhatAStudyGains(t *testing.T) {
	of := func(values []int64, seeds ...uint32) (all []string) {
		space := spec.Space{choice(t, "a", values...), choice(t, "b", 8, 9)}
		b := of(t, search.Study{Space: space, Search: spec.Search{Kind: spec.Grid}, Seeds: seeds})
		for i := range b.Len() {
			s := b.At(i)
			all = append(all, fmt.Sprintf("%v/%d", s.Point, s.Seed))
		}
		return all
	}
	gained := func(before, after []string) (news []string) {
		for _, s := range before {
			if !slices.Contains(after, s) {
				t.Errorf("%s is lost", s)
			}
		}
		return slices.DeleteFunc(after, func(s string) bool { return slices.Contains(before, s) })
	}
	before := of([]int64{1, 2}, 0, 1)
	want := []string{"a=5 b=8/0", "a=5 b=9/0", "a=5 b=8/1", "a=5 b=9/1"}
	if got := gained(before, of([]int64{1, 5, 2}, 0, 1)); !slices.Equal(got, want) {
		t.Errorf("a value: got %v, want %v", got, want)
	}
	more := of([]int64{1, 2}, 0, 1, 2)
	if !slices.Equal(more[:len(before)], before) {
		t.Errorf("a seed changes places: got %v, want it to begin with %v", more, before)
	}
	want = []string{"a=1 b=8/2", "a=1 b=9/2", "a=2 b=8/2", "a=2 b=9/2"}
	if got := gained(before, more); !slices.Equal(got, want) {
		t.Errorf("a seed: got %v, want %v", got, want)
	}
}

// Points that the script lists come first; the others are those of a search without them.
func TestSomePointsComeFirst(t *testing.T) {
	var calls int
	for _, kind := range []spec.SearchKind{spec.Random, spec.Sobol, spec.LatinHypercube} {
		study := search.Study{Space: spec.Space{interval(t, "a"), interval(t, "b")}, Search: spec.Search{Kind: kind, Trials: 6, Seed: 5}}
		free := of(t, study).Points.List()
		first := spec.Point{{Name: "a", Value: spec.FloatValue(0.25)}, {Name: "b", Value: spec.FloatValue(0.75)}}
		study.Search.Points, study.Search.Trials = []spec.Point{first}, 7
		got := of(t, study).Points.List()
		if len(got) != 7 || !slices.Equal(got[0], first) || fmt.Sprint(got[1:]) != fmt.Sprint(free) {
			t.Errorf("%s: got %v, want %v and then %v", kind, got, first, free)
		}
		study.Allows = atMost(0.5, &calls)
		b := of(t, study)
		if fewer := b.LeftOut > 0; fewer != (kind == spec.LatinHypercube) || b.Points.Len()+b.LeftOut != 7 {
			t.Errorf("%s: got %d points with %d left out", kind, b.Points.Len(), b.LeftOut)
		}
	}
}

// A grid takes every value of a range with a step, and every integer.
func TestAGridOfRanges(t *testing.T) {
	a, err := interval(t, "a").Stepped(0.5)
	if err != nil {
		t.Fatal(err)
	}
	n, err := spec.Range("n", spec.Int, 2, 3, false)
	if err != nil {
		t.Fatal(err)
	}
	b := of(t, search.Study{Space: spec.Space{a, n}, Search: spec.Search{Kind: spec.Grid}})
	if got, want := fmt.Sprint(b.Points.List()), "[a=0.0 n=2 a=0.0 n=3 a=0.5 n=2 a=0.5 n=3 a=1.0 n=2 a=1.0 n=3]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A dimension that does not apply has one combination, and a grid that is small through its conditions is no larger than that.
func TestAGridUnderConditions(t *testing.T) {
	a, b, c := choice(t, "a", 1, 2), choice(t, "b", 3, 4), choice(t, "c", 5, 6)
	b.When = []spec.Condition{{Name: "a", Values: []spec.Value{spec.IntValue(2)}}}
	c.When = []spec.Condition{{Name: "b", Values: []spec.Value{spec.IntValue(3)}}}
	grid := of(t, search.Study{Space: spec.Space{a, b, c}, Search: spec.Search{Kind: spec.Grid}})
	if got, want := fmt.Sprint(grid.Points.List()), "[a=1 a=2 b=3 c=5 a=2 b=3 c=6 a=2 b=4]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	drawn := of(t, search.Study{Space: spec.Space{a, b, c}, Search: spec.Search{Kind: spec.Sobol, Trials: 64}})
	for _, p := range drawn.Points.List() {
		for has, needs := range map[string]string{"b=": "a=2", "c=": "b=3"} {
			if text := p.String(); strings.Contains(text, has) != strings.Contains(text, needs) {
				t.Errorf("got %v", p)
			}
		}
	}
	space := spec.Space{choice(t, "a", 0, 1)}
	for i := range 40 { // 2^40 combinations without the conditions
		d := choice(t, fmt.Sprint("d", i), 0, 1)
		d.When = []spec.Condition{{Name: space[i].Name, Values: []spec.Value{spec.IntValue(1)}}}
		space = append(space, d)
	}
	if n := of(t, search.Study{Space: space, Search: spec.Search{Kind: spec.Grid}}).Len(); n != 42 {
		t.Errorf("got %d points, want 42", n)
	}
	for i := range space[1:] {
		space[i+1].When[0].Values = space[0].Choices
	}
	_, err := search.New(t.Context(), search.Study{Space: space, Search: spec.Search{Kind: spec.Grid}})
	if err == nil || !strings.Contains(err.Error(), "more than 1000000 points") {
		t.Errorf("got %v, want too many points", err)
	}
}
