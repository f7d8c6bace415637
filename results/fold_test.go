package results

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results/internal/journal"
)

// madeUp returns journals of a few writers that begin, continue, repeat, extend, pause, finish and forget a few trials, in any way that
// the entries allow, rather than only as processes do.
func madeUp(random *rand.Rand) map[string][]entry {
	journals := map[string][]entry{}
	writer := func() string { return fmt.Sprint("w", random.IntN(3)) }
	put := func(w string, e entry) { journals[w] = append(journals[w], e) }
	trials := []string{"a", "b", "c"}
	for i := range random.IntN(3) {
		p := Plan{Trials: trials[:1+random.IntN(3)], Settings: fmt.Sprint(i)}
		put(writer(), entry{Plan: &p, Number: random.IntN(3)})
	}
	for i, id := range trials {
		for g := 1; g <= 4; g++ {
			w := writer()
			if random.IntN(4) > 0 {
				put(w, entry{Trial: &Trial{ID: id, Index: i, Configuration: "c" + id, Length: 3 + (g+random.IntN(2))/2}, From: random.IntN(3),
					TookOver: random.IntN(2) == 0, Generation: g})
			}
			for e := 1; e <= 4; e++ {
				if random.IntN(3) == 0 {
					continue
				}
				put(w, entry{Sample: &sampleHead{sampleKey{id, e, "grid"}, textSum(random.IntN(8) / 7)}, Generation: g})
				value := float64(e)
				if random.IntN(6) == 0 {
					value += 0.5 // as computed on another device
				}
				put(w, entry{Epoch: &Epoch{Trial: id, Epoch: e, Step: int64(e), Metrics: Metrics{"fid": value}, Backend: w,
					SecondsTrain: random.Float64()}, Generation: g})
			}
			switch random.IntN(6) {
			case 0, 1:
				put(w, entry{Outcome: &Outcome{Trial: id, Status: Completed, Reason: w}, Rows: &rowCount{1 + random.IntN(4), 4}, Generation: g})
			case 2:
				put(w, entry{Pause: &pause{id, w}, Generation: g})
			case 3:
				put(writer(), entry{Forget: id, Generation: g})
			case 4:
				put(writer(), entry{Measurement: &Measurement{Trial: id, Epoch: 1 + random.IntN(4), Measure: "fid()"}, Generation: g})
			}
		}
	}
	return journals
}

// folded folds journals, settling after a share of the entries. Next chooses the journal of the next entry.
func folded(t *testing.T, journals map[string][]entry, settle func() bool, next func(left []string) string) *fold {
	t.Helper()
	f := newFold(Meta{Metrics: []string{"fid"}, Objectives: []Objective{{"fid", pareto.Min}}}, []Objective{{"fid", pareto.Min}})
	at := map[string]int{}
	for {
		var left []string
		for _, w := range []string{"w0", "w1", "w2"} {
			if at[w] < len(journals[w]) {
				left = append(left, w)
			}
		}
		if len(left) == 0 {
			f.settle()
			return f
		}
		w := next(left)
		e := journals[w][at[w]]
		if err := f.add(place{w, journal.Line{Offset: int64(at[w])}}, &e); err != nil {
			t.Fatal(err)
		}
		at[w]++
		if settle() {
			f.settle()
		}
	}
}

// text is everything that a fold says.
func (f *fold) text() string {
	var b strings.Builder
	for _, t := range f.ordered() {
		s := f.fullState(t)
		former := s.Former
		s.Former = nil
		fmt.Fprintf(&b, "%s %+v points %v orphans %d twin %s\n", t.id, s, t.points, t.orphans, f.twins[t.replicate()])
		if former != nil {
			fmt.Fprintf(&b, "was %+v %+v\n", former, t.former.total)
		}
	}
	for _, table := range recorded() {
		for _, r := range f.rows(table) {
			fmt.Fprintln(&b, table, r.trial.id, r.generation, r.epoch, r.place, r.counts)
		}
	}
	for _, w := range []string{"w0", "w1", "w2"} {
		for _, r := range f.journals[w] {
			fmt.Fprint(&b, r.Offset, r.counts, " ")
		}
	}
	if f.plan != nil {
		fmt.Fprintln(&b, f.plan.digest, f.plan.place)
	}
	return b.String()
}

func TestAViewDependsOnTheSetOfEntriesAlone(t *testing.T) {
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 0))
		journals := madeUp(random)
		want := folded(t, journals, func() bool { return false }, func(left []string) string { return left[0] }).text()
		for range 5 {
			every := 1 + random.IntN(4)
			got := folded(t, journals, func() bool { return random.IntN(every) == 0 },
				func(left []string) string { return left[random.IntN(len(left))] }).text()
			if got != want {
				t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, got, want)
			}
		}
	}
}

// said are the rows that count of one trial, each as its generation and its epoch, and the status; of an extended one, its former end.
func said(t *testing.T, entries ...entry) string {
	t.Helper()
	read := func(settle bool) *fold {
		return folded(t, map[string][]entry{"w0": entries}, func() bool { return settle }, func([]string) string { return "w0" })
	}
	f := read(false)
	if got, want := read(true).text(), f.text(); got != want {
		t.Errorf("read one by one: got\n%s\nwant\n%s", got, want)
	}
	x := f.trial("a")
	if x == nil {
		return "none"
	}
	var parts []string
	for _, r := range x.epochRows {
		parts = append(parts, fmt.Sprintf("%d:%d", r.generation, r.epoch))
	}
	parts = append(parts, string(f.state(x).Status), fmt.Sprint(x.Length), fmt.Sprint(x.attempts()))
	if e := x.shown(); e != nil && x.ended == nil {
		parts = append(parts, fmt.Sprintf("was %d:%d/%d", e.generation, e.epochs, e.under.Length))
	}
	return strings.Join(parts, " ")
}

// counted is an outcome that says how many epochs there were.
func counted(e entry, epochs int) entry {
	e.Rows = &rowCount{Epochs: epochs}
	return e
}

func TestTheRowsThatCountOfSeveralGenerations(t *testing.T) {
	began := func(g, from, length int) entry {
		return entry{Trial: &Trial{ID: "a", Length: length}, From: from, Generation: g, TookOver: true}
	}
	row := func(g, e int, value float64) entry {
		return entry{Epoch: &Epoch{Trial: "a", Epoch: e, Metrics: Metrics{"fid": value}}, Generation: g}
	}
	ended := func(g int) entry { return entry{Outcome: &Outcome{Trial: "a", Status: Completed}, Generation: g} }
	forget := func(g int) entry { return entry{Forget: "a", Generation: g} }
	first := []entry{began(1, 0, 3), row(1, 1, 1), row(1, 2, 2)}
	for name, test := range map[string]struct {
		more []entry
		want string
	}{
		"one":                         {nil, "1:1 1:2 interrupted 3 0"},
		"another goes on":             {[]entry{began(2, 2, 3), row(2, 3, 3), ended(2)}, "1:1 1:2 2:3 completed 3 0"},
		"equal rows are of the first": {[]entry{began(2, 0, 3), row(2, 1, 1), row(2, 2, 2)}, "1:1 1:2 interrupted 3 0"},
		"from a difference on, the higher one counts": {[]entry{began(2, 0, 3), row(2, 1, 1), row(2, 2, 9)}, "1:1 2:2 interrupted 3 0"},
		"whole, even if it has fewer":                 {[]entry{began(2, 0, 3), row(2, 1, 9)}, "2:1 interrupted 3 0"},
		"what it goes on from is not compared":        {[]entry{began(2, 2, 3), row(2, 1, 9), row(2, 3, 3)}, "1:1 1:2 2:3 interrupted 3 0"},
		"a late row of the one that was taken over":   {[]entry{began(2, 2, 3), row(2, 3, 3), row(1, 3, 3)}, "1:1 1:2 1:3 interrupted 3 0"},
		"a late row that differs":                     {[]entry{began(2, 2, 3), row(2, 3, 3), row(1, 3, 8)}, "1:1 1:2 2:3 interrupted 3 0"},
		"an outcome of the one that was taken over":   {[]entry{began(2, 2, 3), row(1, 3, 3), ended(1)}, "1:1 1:2 1:3 completed 3 1"},
		"which goes with its rows": {[]entry{row(1, 3, 3), ended(1), began(2, 2, 3), row(2, 3, 4)},
			"1:1 1:2 2:3 interrupted 3 0"},
		"more epochs leave it unfinished": {[]entry{row(1, 3, 3), ended(1), began(2, 3, 5), row(2, 4, 4)},
			"1:1 1:2 1:3 2:4 interrupted 5 0 was 1:3/3"},
		"also from the beginning": {[]entry{row(1, 3, 3), ended(1), began(2, 0, 5), row(2, 1, 1)},
			"1:1 1:2 1:3 interrupted 5 0 was 1:3/3"},
		"a difference takes the former end": {[]entry{row(1, 3, 3), ended(1), began(2, 0, 5), row(2, 1, 1), row(2, 2, 9)},
			"1:1 2:2 interrupted 5 0"},
		"also a later one": {[]entry{row(1, 3, 3), ended(1), began(2, 3, 5), row(2, 4, 4), began(3, 0, 5), row(3, 2, 9), row(3, 3, 9)},
			"1:1 3:2 3:3 interrupted 5 0"},
		"not one after it": {[]entry{row(1, 3, 3), ended(1), began(2, 3, 5), row(2, 4, 4), began(3, 3, 5), row(3, 4, 9)},
			"1:1 1:2 1:3 3:4 interrupted 5 0 was 1:3/3"},
		"nor one of a lost epoch": {[]entry{counted(ended(1), 3), began(2, 0, 5), row(2, 1, 1)}, "1:1 1:2 interrupted 5 0"},
		"until it is trained again": {[]entry{counted(ended(1), 3), began(2, 0, 5), row(2, 1, 1), row(2, 2, 2), row(2, 3, 3)},
			"1:1 1:2 2:3 interrupted 5 0 was 1:3/3"},
		"extended twice": {[]entry{row(1, 3, 3), ended(1), began(2, 3, 4), row(2, 4, 4), ended(2), began(3, 4, 6), row(3, 5, 5)},
			"1:1 1:2 1:3 2:4 3:5 interrupted 6 0 was 2:4/4"},
		"twice without an end": {[]entry{row(1, 3, 3), ended(1), began(2, 3, 4), row(2, 4, 4), began(3, 4, 6)},
			"1:1 1:2 1:3 2:4 interrupted 6 1 was 1:3/3"},
		"until their own outcome": {[]entry{row(1, 3, 3), ended(1), began(2, 3, 4), row(2, 4, 4), ended(2)},
			"1:1 1:2 1:3 2:4 completed 4 0"},
		"forgotten":                  {[]entry{forget(2)}, "none"},
		"and begun again":            {[]entry{forget(2), began(3, 0, 3), row(3, 1, 7)}, "3:1 interrupted 3 0"},
		"late rows of the forgotten": {[]entry{forget(2), began(3, 0, 3), row(1, 3, 3)}, "interrupted 3 1"},
		"a gap ends the rows":        {[]entry{row(1, 4, 4)}, "1:1 1:2 interrupted 3 0"},
		"rows without a beginning":   {[]entry{row(2, 3, 3)}, "1:1 1:2 interrupted 3 0"},
		"attempts without an epoch":  {[]entry{began(2, 2, 3), began(3, 2, 3)}, "1:1 1:2 interrupted 3 2"},
		"a pause":                    {[]entry{{Pause: &pause{"a", "late"}, Generation: 1}}, "1:1 1:2 paused 3 0"},
		"ends with the next beginning": {[]entry{{Pause: &pause{"a", ""}, Generation: 1}, began(2, 2, 3)},
			"1:1 1:2 interrupted 3 1"},
	} {
		if got := said(t, append(slices.Clone(first), test.more...)...); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// What a release in good order leaves unfinished is not held against the trial.
func TestAttemptsAreThoseOfProcessesThatDied(t *testing.T) {
	began := func(g int, tookOver bool) entry {
		return entry{Trial: &Trial{ID: "a", Length: 3}, Generation: g, TookOver: tookOver}
	}
	for want, entries := range map[string][]entry{
		"interrupted 3 1": {began(1, false), began(2, false), began(3, false)},
		"interrupted 3 2": {began(1, false), began(2, true)},
		"interrupted 3 3": {began(1, false), began(2, true), began(3, true)},
	} {
		if got := said(t, entries...); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
