package prune

import (
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Halving is asynchronous successive halving (Li et al., MLSys 2020, algorithm 2), with several objectives. A trial pauses at its rungs,
// the first evaluations after Least, Least Reduction, Least Reduction² ... epochs, and goes on while it is among the best of one in
// Reduction of those that have come to the rung: by front, and on a front by crowding. When nothing else can run, the best of a rung that
// fewer than Reduction trials have reached goes on as well, so that some trial is trained to its end, and then the paused ones end.
//
// With Brackets it is Hyperband (Li et al., JMLR 18, 2018) without its rounds: bracket b begins at rung b, and trials compete within
// their bracket. A trial's bracket is drawn by its ID, as often as Hyperband fills it.
type Halving struct {
	Reduction, Least int
	Brackets         bool
	Objectives       []pareto.Objective // of trials on their way
}

var _ sweep.Contest = Halving{}

// Metrics are the objectives.
func (h Halving) Metrics() (names []string) {
	for _, o := range h.Objectives {
		names = append(names, o.Name)
	}
	return names
}

// Enter reports the bracket of a trial, and whether its last epoch is a rung of that.
func (h Halving) Enter(t sweep.Trial) (bracket int, due bool) {
	rungs := 0
	for e := h.Least; e < t.Budget; e *= h.Reduction {
		rungs++
	}
	if h.Brackets {
		bracket = h.bracket(t.ID, rungs)
	}
	seen := t.Evaluations()
	if len(seen) == 0 || t.Last() >= t.Budget || seen[len(seen)-1].Epoch != t.Last() {
		return bracket, false
	}
	before := 0
	if len(seen) > 1 {
		before = seen[len(seen)-2].Epoch
	}
	at := h.Least
	for rung := range rungs {
		if rung >= bracket && before < at && at <= t.Last() {
			return bracket, true
		}
		at *= h.Reduction
	}
	return bracket, false
}

// bracket draws a trial's bracket. Of rungs + 1 brackets, bracket b has s = rungs - b rungs, and Hyperband gives it
// ⌈(rungs + 1) / (s + 1) Reduction^s⌉ trials.
func (h Halving) bracket(id string, rungs int) int {
	share := func(b int) float64 {
		s := rungs - b
		return math.Ceil(float64(rungs+1) / float64(s+1) * math.Pow(float64(h.Reduction), float64(s)))
	}
	all := 0.0
	for b := range rungs + 1 {
		all += share(b)
	}
	var n uint32 // an ID is a digest
	if _, err := fmt.Sscanf(id, "%08x", &n); err != nil {
		panic(fmt.Sprintf("prune: the trial %q has no ID", id))
	}
	rest := float64(n) / (1 << 32) * all
	for b := range rungs {
		if rest -= share(b); rest < 0 {
			return b
		}
	}
	return rungs
}

// Verdict lets a trial go on that is among the best of its rung, and otherwise pauses it, or ends it when nothing else can run.
func (h Halving) Verdict(e sweep.Entry, before sweep.Entries) sweep.Verdict {
	r := newRung()
	for _, other := range before.List {
		if other.Epoch == e.Epoch && other.Bracket == e.Bracket {
			r.add(other)
		}
	}
	r.add(e)
	place, n := slices.Index(h.order(r), r.places[e.Trial]), h.goOn(r, before.Over)
	if place < n {
		return sweep.Verdict{}
	}
	goOn := "go on"
	if n == 1 {
		goOn = "goes on"
	}
	v := sweep.Verdict{Action: sweep.Pause, Reason: fmt.Sprintf("epoch %d: place %d of %s, of which %d %s", e.Epoch, place+1,
		plain.Count(len(r.entries), "trial"), n, goOn)}
	if before.Over {
		v.Action, v.Status = sweep.Stop, sweep.Pruned
	}
	return v
}

// Promoted are the paused trials that are now among the best of their rungs.
func (h Halving) Promoted(now sweep.Entries) (promoted []sweep.Entry) {
	type at struct{ bracket, epoch int }
	rungs, last := map[at]*rung{}, map[string]int{}
	var order []*rung
	for _, e := range now.List {
		key := at{e.Bracket, e.Epoch}
		if rungs[key] == nil {
			rungs[key] = newRung()
			order = append(order, rungs[key])
		}
		rungs[key].add(e)
		last[e.Trial] = e.Epoch
	}
	for _, r := range order {
		for _, i := range h.order(r)[:h.goOn(r, now.Over)] {
			if e := r.entries[i]; e.Action == sweep.Pause && last[e.Trial] == e.Epoch {
				promoted = append(promoted, e)
			}
		}
	}
	return promoted
}

// rung is the trials that have come to a rung, each with its last entry there, in the order in which they came: of equal ones, the first to
// come is the better.
type rung struct {
	entries []sweep.Entry
	places  map[string]int // in entries, by trial
}

func newRung() *rung { return &rung{places: map[string]int{}} }

func (r *rung) add(e sweep.Entry) {
	i, known := r.places[e.Trial]
	if known {
		r.entries[i] = e
		return
	}
	r.places[e.Trial] = len(r.entries)
	r.entries = append(r.entries, e)
}

// goOn is how many trials of a rung go on.
func (h Halving) goOn(r *rung, over bool) int {
	n := len(r.entries) / h.Reduction
	if over {
		n = max(n, 1)
	}
	return n
}

// order returns the places of the trials of a rung, the best first. One that lacks an objective is worse than all that have them.
func (h Halving) order(r *rung) []int {
	costs := make([][]float64, len(r.entries))
	for i, e := range r.entries {
		costs[i] = make([]float64, len(h.Objectives))
		for j, o := range h.Objectives {
			costs[i][j] = cost(e, o.Name, o.Direction == pareto.Max)
		}
		if slices.Max(costs[i]) == math.Inf(1) {
			copy(costs[i], slices.Repeat([]float64{math.Inf(1)}, len(costs[i])))
		}
	}
	return pareto.Best(costs, len(costs))
}

// cost is a value of an entry of which less is better; +Inf if it has none.
func cost(e sweep.Entry, metric string, larger bool) float64 {
	v, ok := e.Values[metric]
	switch {
	case !ok:
		return math.Inf(1)
	case larger:
		return -v
	}
	return v
}
