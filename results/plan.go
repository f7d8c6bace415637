package results

import (
	"math"
	"reflect"
	"time"
)

// Plan is what a run is about to train. A directory holds the trials of all plans that ever ran in it; the newest plan says which of
// them belong together now.
type Plan struct {
	Trials   []string  `json:"trials"`           // IDs, in the order in which they run
	Epochs   []int     `json:"epochs,omitempty"` // the budget of each; missing in plans of older versions
	Profile  string    `json:"profile,omitempty"`
	Settings string    `json:"settings"` // values of the script's settings, as a JSON object
	Script   string    `json:"script"`   // hash
	Began    time.Time `json:"began"`
}

// BeginPlan records what a run is about to train, unless it equals the newest plan.
func (s *study) BeginPlan(p Plan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Began = p.Began.UTC().Truncate(time.Millisecond)
	if s.plan != nil {
		same := *s.plan
		same.Began = p.Began
		if reflect.DeepEqual(same, p) {
			return nil
		}
	}
	return s.append(entry{Plan: &p})
}

// foldPlan makes p the newest plan. Trials keep the plan in which they began, for its settings and its script.
func (v *View) foldPlan(p Plan) {
	if v.plan != nil {
		v.plan.Trials, v.plan.Epochs = nil, nil
	}
	v.plan, v.planned = &p, make(map[string]int, len(p.Trials))
	for i, id := range p.Trials {
		v.planned[id] = unlimited
		if i < len(p.Epochs) && p.Epochs[i] > 0 { // not skipped
			v.planned[id] = p.Epochs[i]
		}
	}
	v.paretoChanges++
}

// Plan is the newest plan, if a run has recorded any.
func (v *View) Plan() (p Plan, found bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.plan == nil {
		return Plan{}, false
	}
	return *v.plan, true
}

// inPlan reports whether a trial belongs to the newest plan. If no plan was recorded, all trials do.
func (v *View) inPlan(t *trial) bool { return v.plan == nil || v.planned[t.ID] > 0 }

// budget is the number of epochs that the newest plan trains a trial for; a longer trial is compared as it was then. It is unlimited for
// trials of earlier plans.
func (v *View) budget(t *trial) int {
	if n := v.planned[t.ID]; n > 0 {
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
	return v.measures()
}

func (v *View) measures() (newest, others []string) {
	planned := map[string]bool{} // by measure: whether the newest plan has it
	var met []string
	for _, t := range v.order {
		if t.forgotten {
			continue
		}
		if _, known := planned[t.measure]; !known {
			met = append(met, t.measure)
		}
		planned[t.measure] = planned[t.measure] || v.inPlan(t)
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
