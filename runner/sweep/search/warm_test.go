package search

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

// elsewhere are the first n trials of a study of its own.
func elsewhere(t testing.TB, n int) sweep.Trials {
	s := learning(t, spec.TPE, n)
	s.Search.Seed, s.Search.Even = 77, n
	return trainedFor(t, learner(t, s), nil, n, 1)
}

func warmed(t testing.TB, s Study, trials []sweep.Trial) *Learner {
	t.Helper()
	l := learner(t, s)
	l.Warm(trials)
	return l
}

// The first suggestion is near the best trials of other studies, without any point that fills the space before it.
func TestAWarmSearchBeginsWhereOthersWereGood(t *testing.T) {
	trials := elsewhere(t, 60)
	for _, kind := range []spec.SearchKind{spec.TPE, spec.GP} {
		distance := func(warm []sweep.Trial) (sum float64) {
			for seed := range uint64(10) {
				s := learning(t, kind, 1)
				s.Objectives = s.Objectives[:1] // of which the best is x0 = .3
				s.Search.Even, s.Search.Seed = 0, seed
				got, err := warmed(t, s, warm).Next(0, nil)
				if err != nil || got.Saw != nil {
					t.Fatalf("%s: got %+v, %v", kind, got, err)
				}
				x, _ := got.Point.Get("x0")
				sum += math.Abs(x.Any().(float64) - .3)
			}
			return sum / 10
		}
		if warm, cold := distance(trials), distance(nil); warm > cold/2 {
			t.Errorf("%s: got a distance of %.2g from the best value, want far less than %.2g without other studies", kind, warm, cold)
		}
	}
}

// With what others had, too, a suggestion is made again from what it saw of its own study.
func TestWarmSuggestionsAreMadeAgain(t *testing.T) {
	trials := elsewhere(t, 12)
	for kind, even := range map[spec.SearchKind]int{spec.TPE: 0, spec.GP: 2, spec.NSGA2: 4} {
		s := learning(t, kind, 12)
		s.Search.Even = even
		h := trainedFor(t, warmed(t, s, trials), nil, 12, 3)
		for i := range h {
			got, err := warmed(t, s, trials).Next(i, seenBy(h, i))
			if err != nil || !reflect.DeepEqual(got, h[i].Suggestion) {
				t.Fatalf("%s, suggestion %d: got %+v, %v, want %+v", kind, i, got, err, h[i].Suggestion)
			}
		}
		if cold := trainedFor(t, learner(t, learning(t, kind, 12)), nil, 12, 3); fmt.Sprint(pointsOf(cold)) == fmt.Sprint(pointsOf(h)) {
			t.Errorf("%s: the points are those without other studies", kind)
		}
	}
}

// Trials of others count among none, and their points may be tried here: a space of six points has six, all of which others have.
func TestPointsOfOthersAreNew(t *testing.T) {
	s := learning(t, spec.TPE, 100)
	s.Space, s.Search.Even = s.Space[:2], 0
	var trials []sweep.Trial
	for _, a := range s.Space[0].Choices {
		for _, n := range s.Space[1].Choices {
			p := spec.Point{{Name: "a", Value: a}, {Name: "n", Value: n}}
			trials = append(trials, sweep.Trial{Suggestion: sweep.Suggestion{Point: p}, ID: p.String(), State: sweep.Completed,
				Epochs: []sweep.Epoch{{Epoch: 1, Values: map[string]float64{"loss": 1, "score": 2}}}})
		}
	}
	l := warmed(t, s, trials)
	var h sweep.Trials
	for {
		got, err := l.Next(len(h), h)
		if err != nil {
			break
		}
		h = append(h, sweep.Trial{Suggestion: got, ID: got.Point.String(), State: sweep.Completed, Epochs: trials[0].Epochs})
	}
	if len(h) != len(trials) {
		t.Errorf("got %d suggestions, want each of the %d points", len(h), len(trials))
	}
}

// Seeds of a point are averaged, one that diverged is bad, and one without an objective says nothing.
func TestWhatIsSeenOfOthers(t *testing.T) {
	s := learning(t, spec.TPE, 9)
	at := func(x float64, id string, state sweep.State, values map[string]float64) sweep.Trial {
		p := spec.Point{{Name: "a", Value: spec.StringValue("q")}, {Name: "n", Value: spec.IntValue(16)}, {Name: "x0", Value: spec.FloatValue(x)},
			{Name: "x1"}}
		t := sweep.Trial{Suggestion: sweep.Suggestion{Point: p}, ID: id, State: state}
		if values != nil {
			t.Epochs = []sweep.Epoch{{Epoch: 7, Values: values}}
		}
		return t
	}
	l := warmed(t, s, []sweep.Trial{
		at(.5, "a", sweep.Completed, map[string]float64{"loss": 1, "score": 2}),
		at(.5, "b", sweep.Completed, map[string]float64{"loss": 3, "score": 4}),
		at(.6, "c", sweep.Diverged, nil),
		at(.7, "d", sweep.Completed, map[string]float64{"loss": 1}),
		at(.8, "e", sweep.Pruned, map[string]float64{"loss": 5, "score": 6}),
	})
	if len(l.warm) != 3 || l.Most() != 9 {
		t.Fatalf("got %d points, of at most %d own suggestions, want 3 and 9", len(l.warm), l.Most())
	}
	for i, want := range []observation{{costs: []float64{2, -3}, lasted: toTheEnd}, {}, {costs: []float64{5, -6}, lasted: 7}} {
		got := l.warm[i]
		if !got.ended || !slices.Equal(got.costs, want.costs) || got.lasted != want.lasted {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	s.Objectives = append(s.Objectives, pareto.Objective{Name: "later", Direction: pareto.Min})
	if l := warmed(t, s, []sweep.Trial{at(.5, "a", sweep.Completed, map[string]float64{"loss": 1, "score": 2})}); len(l.warm) != 0 {
		t.Errorf("got %+v of trials that lack an objective, want nothing", l.warm)
	}
}
