package results

import (
	"slices"
	"time"
)

// Plan is what a run is about to train. A directory holds the trials of all plans that ever ran in it; the newest plan says which of
// them belong together now.
type Plan struct {
	Trials   []string  `json:"trials"` // IDs, in the order in which they run
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
		if slices.Equal(same.Trials, p.Trials) && same.Profile == p.Profile && same.Settings == p.Settings && same.Script == p.Script {
			return nil
		}
	}
	return s.append(entry{Plan: &p})
}

// foldPlan makes p the newest plan. Trials keep the plan in which they began, for its settings and its script.
func (v *View) foldPlan(p Plan) {
	if v.plan != nil {
		v.plan.Trials = nil
	}
	v.plan, v.planned = &p, make(map[string]bool, len(p.Trials))
	for _, id := range p.Trials {
		v.planned[id] = true
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
func (v *View) inPlan(t *trial) bool { return v.plan == nil || v.planned[t.ID] }

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
