package starlib_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep/search"
	"github.com/starsweep/starsweep/starlib"
)

const cube = `
def trial(p):
    return None

main = study(trial = trial, space = {"a": uniform(0, 1), "b": uniform(0, 1), "c": uniform(0, 1)}, search = random(trials = 8))
`

// coordinates are the values of every dimension of random points in the unit cube.
func coordinates(t *testing.T, study *starlib.Study, seed uint64) (columns [3][]float64) {
	t.Helper()
	s := *study
	s.Search.Seed = seed
	points, err := listed(&s)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		for j := range columns {
			columns[j] = append(columns[j], p[j].Value.Any().(float64))
		}
	}
	return columns
}

func TestRandomPointsAreAFunctionOfTheSeed(t *testing.T) {
	a, err := listed(load(t, toy))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := listed(load(t, toy))
	if !reflect.DeepEqual(a, b) {
		t.Error("two loads have different points")
	}
	c, _ := listed(load(t, strings.Replace(toy, "seed = 7", "seed = 8", 1)))
	if reflect.DeepEqual(a, c) {
		t.Error("the seed changes nothing")
	}
	more, _ := listed(load(t, strings.Replace(toy, "trials = 40", "trials = 60", 1)))
	if !reflect.DeepEqual(a, more[:40]) {
		t.Error("more trials change the first ones")
	}
	for _, p := range a {
		lr, _ := p.Get("lr")
		batch, _ := p.Get("batch")
		if v := lr.Any().(float64); v < 1e-4 || v > 1e-1 {
			t.Errorf("got lr %v, want it within its range", v)
		}
		if v := batch.Any().(int64); v < 4 || v > 8 {
			t.Errorf("got batch %v, want it within its range", v)
		}
	}
}

// A change of these numbers changes every random study.
func TestRandomPointsAreTheSameForEver(t *testing.T) {
	x := coordinates(t, load(t, cube), 0)
	if got, want := fmt.Sprintf("%.4f %.4f", x[0][:5], x[1][:5]),
		"[0.4300 0.3928 0.1606 0.9863 0.8045] [0.7883 0.9648 0.3025 0.9026 0.0259]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The Kolmogorov-Smirnov distance of eight uniform numbers from the uniform distribution is above 0.410 once in ten times, and
// above 0.543 once in a hundred (Massey 1951, table 1). So it must be over 1000 seeds, in each dimension, and between dimensions.
func TestRandomPointsAreUniformForEverySeed(t *testing.T) {
	const seeds = 1000
	study := load(t, cube)
	var tenth, hundredth [4]int
	for seed := range uint64(seeds) {
		x := coordinates(t, study, seed)
		var turned []float64 // a + b modulo 1: uniform if the two are independent
		for i := range x[0] {
			turned = append(turned, math.Mod(x[0][i]+x[1][i], 1))
		}
		for j, column := range append(x[:], turned) {
			d := distance(column)
			if d > 0.410 {
				tenth[j]++
			}
			if d > 0.543 {
				hundredth[j]++
			}
		}
	}
	for j := range tenth { // within four deviations of 9.5 and of 3.1
		if tenth[j] < 62 || tenth[j] > 138 || hundredth[j] > 23 {
			t.Errorf("column %d: got %d and %d of %d seeds far from uniform, want about 100 and 10", j, tenth[j], hundredth[j], seeds)
		}
	}
}

// distance is the Kolmogorov-Smirnov distance from the uniform distribution on (0, 1).
func distance(x []float64) (d float64) {
	slices.Sort(x)
	n := float64(len(x))
	for i, v := range x {
		d = max(d, v-float64(i)/n, float64(i+1)/n-v)
	}
	return d
}

// question is what a search needs to know of a study.
func question(s *starlib.Study) search.Study {
	return search.Study{Space: s.Space, Search: s.Search, Seeds: s.Seeds, Derive: s.Derivation(), Allows: s.Constraint()}
}

// searched is the search of a study.
func searched(s *starlib.Study) (*search.Blocks, error) {
	b, err := search.New(context.Background(), question(s))
	if err != nil {
		return nil, s.Locate(err)
	}
	return b, nil
}

// listed returns all points of a study; a sample if its search learns.
func listed(s *starlib.Study) ([]spec.Point, error) {
	if s.Search.Kind.Learns() {
		q := question(s)
		q.Objectives = make([]pareto.Objective, 1)
		l, err := search.NewLearner(context.Background(), q)
		if err != nil {
			return nil, err
		}
		sample, err := l.Sample(context.Background())
		return sample.List(), err
	}
	b, err := searched(s)
	if err != nil {
		return nil, err
	}
	return b.Points.List(), nil
}
