package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

// deriving is mixedSpace with a derived hyperparameter in front of the last one: the text of the others.
func deriving(t testing.TB, s Study) Study {
	s.Space = slices.Insert(mixedSpace(t), 3, spec.Dim{Name: "text", Kind: spec.String, Derived: true})
	s.Derive = func(_ context.Context, p spec.Point) error {
		p[3].Value = spec.Value{}
		p[3].Value = spec.StringValue(p.String())
		return nil
	}
	return s
}

// without is the text of points as they are without what is derived; an error of the test if that does not follow from the others.
func without(t testing.TB, points []spec.Point) (texts []string) {
	t.Helper()
	for _, p := range points {
		if len(p) != 5 || p[3].Name != "text" {
			t.Fatalf("got the point %v, want every hyperparameter in its place", p)
		}
		free := slices.Delete(slices.Clone(p), 3, 4).String()
		if p[3].Value != spec.StringValue(free) {
			t.Errorf("%v: got %v, want %q", p, p[3].Value, free)
		}
		texts = append(texts, free)
	}
	return texts
}

// A derived hyperparameter changes no point of a search in anything else.
func TestNoSearchChoosesWhatIsDerived(t *testing.T) {
	for _, kind := range []spec.SearchKind{spec.Random, spec.Sobol, spec.LatinHypercube} {
		s := Study{Space: mixedSpace(t), Search: spec.Search{Kind: kind, Trials: 9, Seed: 5}, Seeds: []uint32{0}}
		plain, err := New(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		derived, err := New(t.Context(), deriving(t, s))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(without(t, derived.Points.List())), fmt.Sprint(plain.Points.List()); got != want {
			t.Errorf("%s: got  %s\nwant %s", kind, got, want)
		}
	}
	for _, kind := range []spec.SearchKind{spec.TPE, spec.GP, spec.NSGA2} {
		plain := trainedFor(t, learner(t, learning(t, kind, 15)), nil, 15, 2)
		derived := trainedFor(t, learner(t, deriving(t, learning(t, kind, 15))), nil, 15, 2)
		if got, want := fmt.Sprint(without(t, pointsOf(derived))), fmt.Sprint(pointsOf(plain)); got != want {
			t.Errorf("%s: got  %s\nwant %s", kind, got, want)
		}
	}
}

func pointsOf(h sweep.Trials) (points []spec.Point) {
	for _, t := range h {
		points = append(points, t.Point)
	}
	return points
}

// An error of the function is that of the search, wherever it is met first.
func TestWhatCannotBeDerivedIsAnError(t *testing.T) {
	why := errors.New("s.star:3:4: division by zero")
	s := learning(t, spec.TPE, 9)
	s.Derive = func(_ context.Context, p spec.Point) error {
		if v, _ := p.Get("x0"); v.Any().(float64) > .5 {
			return why
		}
		return nil
	}
	if _, err := NewLearner(t.Context(), s); !errors.Is(err, why) {
		t.Errorf("got %v of a search that learns, want %v", err, why)
	}
	s.Search.Kind = spec.Sobol
	if _, err := New(t.Context(), s); !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
}
