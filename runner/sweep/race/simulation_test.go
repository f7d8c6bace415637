package race

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
)

// made is a kind of made-up studies. Their points have known expected costs, and seeds vary around them.
type made struct {
	costs      string // expected ones, in words
	points     int
	objectives int
	expected   func(r *rand.Rand) float64 // of a point, of the noise's scale
	logarithms bool                       // the noise is normal on the scale of logarithms
	factor     float64                    // within which two thirds of the points have the same standard deviation over seeds; 1: all have
	unstable   float64                    // share of points with ten times the standard deviation
}

// Seeds of the made-up studies, and the standard deviation over them of half of the points.
const (
	most  = 10
	noise = 0.1
)

func equal(*rand.Rand) float64 { return 1 }

func near(r *rand.Rand) float64 { return 1 + noise/1000*r.NormFloat64() }

func apart(r *rand.Rand) float64 { return 1 + 3*noise*r.NormFloat64() }

// decade is what FID may be: noise is a tenth of the value.
func decade(r *rand.Rand) float64 { return math.Log(3) + math.Ln10*r.Float64() }

var kinds = []made{
	{"all equal", 24, 1, equal, false, 1, 0},
	{"all equal", 24, 1, equal, false, 2, 0},
	{"all equal", 6, 1, equal, false, 2, 0},
	{"all equal", 24, 1, equal, false, 1, 0.25},
	{"all equal", 24, 1, equal, true, 1.6, 0},
	{"nearly equal", 2, 1, near, false, 1, 0},
	{"nearly equal", 2, 1, near, false, 2, 0},
	{"nearly equal", 2, 2, near, false, 2, 0},
	{"normal", 24, 1, apart, false, 1, 0},
	{"normal", 24, 1, apart, false, 1.6, 0},
	{"normal", 24, 2, apart, false, 1, 0},
	{"a decade", 24, 1, decade, true, 1, 0},
	{"a decade", 24, 1, decade, true, 1.6, 0},
	{"a decade", 24, 1, decade, true, 1, 0.25},
	{"a decade", 24, 2, decade, true, 1, 0},
	{"a decade", 24, 2, decade, true, 1.6, 0},
}

// study is a made-up study.
type study struct {
	made
	random    *rand.Rand
	locations [][]float64 // of the noise, by point and objective
	deviation []float64   // over seeds, by point
	expected  [][]float64 // costs, by point and objective
	costs     [][][]float64
	trials    int
}

func (m made) study(random *rand.Rand) *study {
	s := &study{made: m, random: random, costs: make([][][]float64, m.points)}
	for range m.points {
		deviation := noise * math.Pow(m.factor, random.NormFloat64())
		if random.Float64() < m.unstable {
			deviation *= 10
		}
		var locations, expected []float64
		for range m.objectives {
			x := m.expected(random)
			locations = append(locations, x)
			if m.logarithms {
				x = math.Exp(x + deviation*deviation/2)
			}
			expected = append(expected, x)
		}
		s.deviation, s.locations, s.expected = append(s.deviation, deviation), append(s.locations, locations), append(s.expected, expected)
	}
	return s
}

// train adds a seed of a point.
func (s *study) train(p int) {
	var costs []float64
	for _, x := range s.locations[p] {
		x += s.deviation[p] * s.random.NormFloat64()
		if s.logarithms {
			x = math.Exp(x)
		}
		costs = append(costs, x)
	}
	s.costs[p] = append(s.costs[p], costs)
	s.trials++
}

// dominated reports whether a point truly is.
func (s *study) dominated(p int) bool {
	for _, other := range s.expected {
		better, worse := false, false
		for j, x := range s.expected[p] {
			better, worse = better || other[j] < x, worse || other[j] > x
		}
		if better && !worse {
			return true
		}
	}
	return false
}

// on reports whether a point is surely on the front.
func (r *Race) on(p int) bool {
	for q := range r.points {
		if q != p && !r.Out(q) && !r.Safe(p, q) {
			return false
		}
	}
	return !r.Out(p)
}

// tally is what came of studies.
type tally struct {
	studies          int
	out, on          int // studies in which a point is out that is on the front; is surely on the front but dominated
	saved, undecided float64
}

// race trains the points of which it is not decided whether they are on the front, one seed after the other.
func (s *study) race(start int, error float64, sum *tally) {
	r := New(s.points, error)
	for p := range s.points {
		for range start {
			s.train(p)
		}
	}
	undecided := 0
	for more := true; more; {
		r.Look(s.costs)
		more, undecided = false, 0
		for p := range s.points {
			if r.Out(p) || r.on(p) {
				continue
			}
			undecided++
			if len(s.costs[p]) < most {
				s.train(p)
				more = true
			}
		}
	}
	out, on := false, false
	for p := range s.points {
		out, on = out || r.Out(p) && !s.dominated(p), on || r.on(p) && s.dominated(p)
	}
	sum.studies++
	if out {
		sum.out++
	}
	if on {
		sum.on++
	}
	sum.saved += 1 - float64(s.trials)/float64(most*s.points)
	sum.undecided += float64(undecided) / float64(s.points)
}

// Of made-up studies, no larger share has anything decided wrongly than the error that was asked for, by noise that is as assumed and by
// noise that is not. docs/search.md has the table.
func TestTheErrorRate(t *testing.T) {
	const error = 0.05
	studies := 1000
	if testing.Short() {
		studies = 25
	}
	var table strings.Builder
	columns := []string{"means", "noise", "deviations", "points", "objectives", "`start`", "wrongly out", "wrongly on the front", "saved",
		"undecided"}
	fmt.Fprintf(&table, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, m := range kinds {
		for _, start := range []int{2, 3} {
			var sum tally
			for i := range studies {
				m.study(rand.New(rand.NewPCG(uint64(start), uint64(i)))).race(start, error, &sum)
			}
			row := m.row(start, sum)
			t.Log(row)
			fmt.Fprintln(&table, row)
			n := float64(studies)
			bound := error*n + 3*math.Sqrt(error*(1-error)*n)
			if float64(sum.out) > bound || float64(sum.on) > bound {
				t.Errorf("%s: more than %.0f of %d are wrong", row, bound, studies)
			}
			if !strings.HasSuffix(m.costs, "equal") && sum.saved/n < 0.2 {
				t.Errorf("%s: it saves too little to be of use", row)
			}
		}
	}
	if !testing.Short() {
		documented(t, "../../../docs/search.md", table.String())
	}
}

func (m made) row(start int, sum tally) string {
	noise, deviations := "normal", "equal"
	if m.logarithms {
		noise = "log-normal"
	}
	switch {
	case m.unstable > 0:
		deviations = "10 × at a quarter"
	case m.factor > 1:
		deviations = fmt.Sprintf("×/÷ %g", m.factor)
	}
	percent := func(x float64) string { return fmt.Sprintf("%.1f %%", 100*x/float64(sum.studies)) }
	whole := func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x/float64(sum.studies)) }
	return fmt.Sprintf("| %s | %s | %s | %d | %d | %d | %s | %s | %s | %s |", m.costs, noise, deviations, m.points, m.objectives, start,
		percent(float64(sum.out)), percent(float64(sum.on)), whole(sum.saved), whole(sum.undecided))
}

// documented compares a table with that of a document, or replaces it. Other processors than amd64 may round otherwise.
func documented(t *testing.T, path, table string) {
	t.Helper()
	const begins, ends = "<!-- races -->\n", "<!-- end of races -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begins)
	was, after, ended := strings.Cut(rest, ends)
	switch {
	case !found || !ended:
		t.Fatalf("%s has no place for the table", path)
	case os.Getenv("UPDATE") != "":
		if err := os.WriteFile(path, []byte(before+begins+table+ends+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case was != table && runtime.GOARCH == "amd64":
		t.Errorf("%s has another table; to rewrite it, run: UPDATE=1 go test ./runner/sweep/race -run ErrorRate", path)
	}
}
