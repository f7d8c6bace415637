package results

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"time"
)

// Plan is what a run is about to train. A directory holds the trials of all plans that ever ran in it; the newest plan says which of
// them belong together now.
type Plan struct {
	Trials   []string  `json:"trials"`           // IDs, in the order in which they run
	Epochs   []int     `json:"epochs,omitempty"` // the budget of each; missing in plans of older versions
	Least    int       `json:"least,omitempty"`  // trials that there will be in any case; 0: it is not known
	Most     int       `json:"most,omitempty"`   // trials that a search may add up to; 0: none are added
	Profile  string    `json:"profile,omitempty"`
	Settings string    `json:"settings"`       // values of the script's settings, as a JSON object
	Script   string    `json:"script"`         // hash
	Keep     Keep      `json:"keep,omitempty"` // whose weights stay; missing in plans of older versions
	Began    time.Time `json:"began"`
}

// digest is the same for plans that differ in nothing but when they began.
func (p Plan) digest() string {
	p.Began = time.Time{}
	sum := sha256.Sum256(encode(p))
	return hex.EncodeToString(sum[:8])
}

func (p *planEntry) compare(q *planEntry) int {
	return cmp.Or(cmp.Compare(p.number, q.number), p.place.compare(q.place))
}

// addPlan adds a plan. The newest is that with the highest number; of several with the same one, begun at the same time, any one that
// all processes choose.
func (f *fold) addPlan(at place, e *entry) {
	p := planEntry{Plan: *e.Plan, digest: e.Plan.digest(), number: e.Number, place: at}
	f.number = max(f.number, p.number)
	known := p.Plan
	known.Trials, known.Epochs = nil, nil // which may be long
	f.plans[p.digest] = known
	if f.plan != nil && p.compare(f.plan) < 0 {
		return
	}
	f.plan, f.planned = &p, make(map[string]int, len(p.Trials))
	for i, id := range p.Trials {
		f.planned[id] = unlimited
		if i < len(p.Epochs) && p.Epochs[i] > 0 { // not skipped
			f.planned[id] = p.Epochs[i]
		}
	}
	f.changes++
}

// Plan is the newest plan, if a run has recorded any.
func (v *View) Plan() (p Plan, found bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fold.plan == nil {
		return Plan{}, false
	}
	return v.fold.plan.Plan, true
}

// inPlan reports whether a trial belongs to the newest plan, which lists it or under which it began. If no plan was recorded, all trials
// do.
func (f *fold) inPlan(t *trial) bool {
	if f.plan == nil {
		return true
	}
	return f.planned[t.id] > 0 || slices.ContainsFunc(t.generations, func(g *generation) bool {
		return g.number > t.forgotten && g.begin != nil && g.begin.under == f.plan.digest
	})
}

// budget is the number of epochs that the newest plan trains a trial for; a longer trial is compared as it was then. It is unlimited for
// trials of earlier plans.
func (f *fold) budget(t *trial) int {
	if n := f.planned[t.id]; n > 0 {
		return n
	}
	return unlimited
}

// unlimited is more than any budget.
const unlimited = math.MaxInt

// Measures returns the measures of the objectives in the trials of the newest plan, and those that only other trials have. Values are
// comparable within one of them.
func (v *View) Measures() (newest, others []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.fold.measures()
}

func (f *fold) measures() (newest, others []string) {
	planned := map[string]bool{} // by measure: whether the newest plan has it
	var met []string
	for _, t := range f.ordered() {
		if o := t.outcome(); o != nil && o.Status == Skipped { // nothing is measured
			continue
		}
		if _, known := planned[t.measure]; !known {
			met = append(met, t.measure)
		}
		planned[t.measure] = planned[t.measure] || f.inPlan(t)
	}
	for _, m := range met {
		if planned[m] {
			newest = append(newest, m)
		} else {
			others = append(others, m)
		}
	}
	return newest, others
}

// objectiveNames returns the metrics of objectives.
func objectiveNames(objectives []Objective) (names []string) {
	for _, o := range objectives {
		names = append(names, o.Metric)
	}
	return names
}
