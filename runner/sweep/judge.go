package sweep

import (
	"fmt"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
)

// Verdict is the decision of a judge. The zero Verdict lets the trial go on.
type Verdict struct {
	Action Action `json:"action"`
	Status State  `json:"status,omitempty"` // final, of a trial that is stopped
	Reason string `json:"reason,omitempty"`
}

// Action is what a verdict does.
type Action uint8

const (
	Continue Action = iota
	Pause           // the trial keeps its checkpoint and waits until it is promoted
	Stop
)

var actions = []string{"continue", "pause", "stop"}

func (a Action) String() string { return actions[a] }

// MarshalText implements encoding.TextMarshaler.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Action) UnmarshalText(text []byte) error {
	i := slices.Index(actions, string(text))
	if i < 0 {
		return fmt.Errorf("got the action %q, want one of %v", text, actions)
	}
	*a = Action(i)
	return nil
}

// Judge decides by a trial's own epochs whether it goes on. It is asked after every evaluated epoch, and before a trial that was
// interrupted is trained on, so that an interrupt between an epoch and its verdict changes nothing.
type Judge interface {
	Judge(t Trial) Verdict
}

// Contest is a judge that compares trials at equal epochs. Its verdicts depend on which trials have come so far, so the study records
// them, in one order for all processes: a verdict is a pure function of those before it, and of what it says of its own trial.
type Contest interface {
	// Metrics are the columns whose values are compared.
	Metrics() []string
	// Enter reports in which bracket a trial is compared, with others of the same, and whether it is after its last epoch.
	Enter(t Trial) (bracket int, due bool)
	// Verdict is the verdict on an entry, given those before it.
	Verdict(e Entry, before Entries) Verdict
	// Promoted are the entries of paused trials that go on.
	Promoted(now Entries) []Entry
}

// Entry is a trial after one of its epochs, with the verdict of those who have compared it with others.
type Entry struct {
	Trial   string             `json:"trial"` // ID
	Epoch   int                `json:"epoch"`
	Bracket int                `json:"bracket,omitempty"`
	Values  map[string]float64 `json:"values"`         // of the metrics that are compared, if they are finite
	Over    bool               `json:"over,omitempty"` // nothing else could run: see Entries
	Verdict
}

// Entries are all entries so far, in their order. A trial that was paused and goes on has two at an epoch, the last of which counts.
type Entries struct {
	List []Entry
	Over bool // no trial is in progress, and neither the search nor a judge has one that could be
}

// OnTheWay are the objectives by which trials are compared before their last epoch: see spec.Course.
func OnTheWay(objectives []pareto.Objective) (course []pareto.Objective) {
	for _, o := range objectives {
		o.Name = spec.Course(o.Name)
		course = append(course, o)
	}
	return course
}

// Judges are all judges of a study.
type Judges struct {
	Alone    []Judge
	Contests []Contest
}

// Judge is the verdict of the judges that look at the trial alone: the first that does not let it go on.
func (js Judges) Judge(t Trial) Verdict {
	for _, j := range js.Alone {
		if v := j.Judge(t); v.Action != Continue {
			return v
		}
	}
	return Verdict{}
}

// Enter is the entry of a trial after its last epoch, without a verdict; due reports whether a contest compares it there.
func (js Judges) Enter(t Trial) (e Entry, due bool) {
	seen := t.Evaluations()
	if len(seen) == 0 || seen[len(seen)-1].Epoch != t.Last() {
		return e, false
	}
	e = Entry{Trial: t.ID, Epoch: t.Last(), Values: map[string]float64{}}
	for _, c := range js.Contests {
		bracket, here := c.Enter(t)
		e.Bracket, due = max(e.Bracket, bracket), due || here
		for _, name := range c.Metrics() {
			if v, ok := seen[len(seen)-1].Values[name]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
				e.Values[name] = v
			}
		}
	}
	return e, due
}

// Compare is the verdict of the contests that compare the trial after its last epoch. Stop comes before Pause, and of equal verdicts the
// first counts.
func (js Judges) Compare(t Trial, e Entry, before Entries) (decisive Verdict) {
	for _, c := range js.Contests {
		if _, due := c.Enter(t); !due {
			continue
		}
		if v := c.Verdict(e, before); v.Action > decisive.Action {
			decisive = v
		}
	}
	return decisive
}

// Promoted are the entries of paused trials that go on, with this verdict.
func (js Judges) Promoted(now Entries) (promoted []Entry) {
	for _, c := range js.Contests {
		for _, e := range c.Promoted(now) {
			e.Over, e.Verdict = now.Over, Verdict{}
			promoted = append(promoted, e)
		}
	}
	return promoted
}
