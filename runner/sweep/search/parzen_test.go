package search

import (
	"math"
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
)

// mixedSpace has every kind of axis, and a hyperparameter that applies only where a is "p".
func mixedSpace(t testing.TB) spec.Space {
	t.Helper()
	a, err := spec.Choice("a", spec.StringValue("p"), spec.StringValue("q"), spec.StringValue("r"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := spec.Choice("n", spec.IntValue(64), spec.IntValue(16), spec.IntValue(32))
	if err != nil {
		t.Fatal(err)
	}
	x := cube(t, 2)
	x[1].When = []spec.Condition{{Name: "a", Values: []spec.Value{spec.StringValue("p")}}}
	return spec.Space{a, n, x[0], x[1]}
}

// mixedPoints are points of mixedSpace.
var mixedPoints = [][]float64{{0, 2, .1, .95}, {1, 0, .15, absent}, {0, 2, .9, .5}, {2, 1, .4, absent}, {0, 0, 1, 0}}

// integrated is the sum of the density over all values and a fine grid.
func integrated(p *parzen, fixed []float64) float64 {
	const cells = 200
	sum := 0.0
	for k := range cells {
		for l := range cells {
			x := append([]float64{}, fixed...)
			x = append(x, (float64(k)+.5)/cells, (float64(l)+.5)/cells)
			sum += math.Exp(p.logDensity(x, make([]float64, p.n+1))) / cells / cells
		}
	}
	return sum
}

func TestADensityIntegratesToOne(t *testing.T) {
	for name, rule := range map[string]widths{"by neighbours": byNeighbours, "by number": byNumber} {
		for _, points := range [][][]float64{mixedPoints, mixedPoints[:1], nil} {
			p := newParzen(axes(mixedSpace(t)), points, rule)
			all := 0.0
			for a := range 3 {
				for n := range 3 {
					all += integrated(p, []float64{float64(a), float64(n)})
				}
			}
			if math.Abs(all-1) > 1e-3 {
				t.Errorf("%s, %d points: got %g", name, len(points), all)
			}
		}
	}
}

// Points are drawn as often as the density says: in each of twelve parts, by the frequencies of 20,000.
func TestPointsAreDrawnFromTheDensity(t *testing.T) {
	p := newParzen(axes(mixedSpace(t)), mixedPoints, byNeighbours)
	const n = 20_000
	drawn := map[[3]int]float64{}
	draws := model.NewSource(3, "test")
	for range n {
		x := p.draw(draws)
		if x[2] < 0 || x[2] > 1 || x[3] < 0 || x[3] > 1 {
			t.Fatalf("got %v", x)
		}
		drawn[[3]int{int(x[0]), int(x[1]), int(min(x[2], .999) * 2)}] += 1. / n
	}
	const cells = 200
	for a := range 3 {
		for m := range 3 {
			for half := range 2 {
				want := 0.0
				for k := range cells / 2 {
					for l := range cells {
						want += math.Exp(p.logDensity([]float64{float64(a), float64(m), (float64(k)+.5)/cells + float64(half)/2,
							(float64(l) + .5) / cells}, make([]float64, p.n+1))) / cells / cells
					}
				}
				got := drawn[[3]int{a, m, half}]
				if sigma := math.Sqrt(want * (1 - want) / n); math.Abs(got-want) > 4.5*sigma+1e-3 {
					t.Errorf("a = %d, n = %d, half %d: got %g, want %g, by %.1f sigma", a, m, half, got, want, (got-want)/sigma)
				}
			}
		}
	}
}

// Numbers have neighbours, in whatever order a script lists them, and words have none.
func TestOrderedValuesSpreadToTheirNeighbours(t *testing.T) {
	all := axes(mixedSpace(t))
	p := newParzen(all, [][]float64{{0, all[1].coordinate(spec.IntValue(16)), .5, .5}}, byNeighbours)
	at := func(j int, v spec.Value) float64 {
		x := []float64{0, 0, .5, .5}
		x[j] = all[j].coordinate(v)
		return p.logDensity(x, make([]float64, p.n+1))
	}
	if near, far := at(1, spec.IntValue(32)), at(1, spec.IntValue(64)); !(near > far) {
		t.Errorf("got %g at 32 and %g at 64, want more near 16", near, far)
	}
	if q, r := at(0, spec.StringValue("q")), at(0, spec.StringValue("r")); q != r {
		t.Errorf("got %g and %g, want the same for both words", q, r)
	}
}

func TestCoordinatesAndValues(t *testing.T) {
	wide, err := spec.Range("w", spec.Int, 1, 1000, true)
	if err != nil {
		t.Fatal(err)
	}
	few, err := spec.Range("f", spec.Int, 2, 9, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range axes(append(mixedSpace(t), wide, few)) {
		for k := range 50 {
			x := a.uniform((float64(k) + .5) / 50)
			v := a.value(x)
			if got := a.value(a.coordinate(v)); got != v {
				t.Errorf("%s: got %v, want %v", a.Name, got, v)
			}
			if got := a.uniform(a.unit(x)); got != x {
				t.Errorf("%s: got the coordinate %v, want %v", a.Name, got, x)
			}
		}
		if got := a.coordinate(spec.Value{}); got != absent {
			t.Errorf("%s: got %v for no value", a.Name, got)
		}
	}
	n := axes(mixedSpace(t))[1]
	for v, want := range map[spec.Value]spec.Value{spec.IntValue(8): spec.IntValue(16), spec.IntValue(30): spec.IntValue(32),
		spec.IntValue(999): spec.IntValue(64)} {
		if got := n.value(n.coordinate(v)); got != want {
			t.Errorf("a value that the space no longer has, %v, is at %v, want %v", v, got, want)
		}
	}
	if got := axes(mixedSpace(t))[0].coordinate(spec.StringValue("gone")); got != absent {
		t.Errorf("got %v for a word that the space no longer has", got)
	}
}
