// Package standing reads how a study stands at one moment: its trials, counted by their states, the processes that have it open, which
// of them trains what, and how long it will take. It is plain data, read from a results.View, and so covers every process and machine
// that writes the study. The commands status and run and the live page (runner/live) show it, each in its own words.
package standing

import (
	"maps"
	"slices"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep"
)

// Standing is how a study stands at one moment. It is also the JSON that status prints.
type Standing struct {
	Study       string         `json:"study"`
	Dir         string         `json:"dir"`
	Profile     string         `json:"profile,omitempty"`
	Planned     int            `json:"planned"`         // trials of the newest plan, those included that its search may add
	Least       int            `json:"least,omitempty"` // of these, those that its search adds in any case; 0 unless some depend on results
	Finished    int            `json:"finished"`        // of these
	Counts      map[string]int `json:"counts"`          // of these, by standing
	Earlier     int            `json:"earlier"`         // trials of earlier plans only
	Processes   []Process      `json:"processes"`
	Failures    []Failures     `json:"failures"`
	SecondsLeft *float64       `json:"seconds_left"` // null where nobody trains, or nothing has been timed
	Trials      []Trial        `json:"trials"`       // in the order of the study; those that wait are only counted

	States []results.State `json:"-"` // of Trials
}

// Process is a process that has the study open for writing.
type Process struct {
	Name    string   `json:"name"`
	Host    string   `json:"host"`
	PID     int      `json:"pid"`
	Device  string   `json:"device"`
	Seconds float64  `json:"seconds_since_heartbeat"`
	Live    bool     `json:"live"`
	Silent  bool     `json:"silent"` // for so long that it is dead or unreachable; then it counts as not alive
	Trials  []string `json:"trials"` // that it holds

	Unreadable string `json:"unreadable,omitempty"` // why the file of its heartbeat does not say who it is
}

// Failures are the failed trials of one class, in the newest plan.
type Failures struct {
	Class  string   `json:"class"` // empty: none of the known ones
	Trials []string `json:"trials"`
	Reason string   `json:"reason"` // of the first
}

// Trial is a trial that has begun.
type Trial struct {
	ID       string `json:"trial"`
	Label    string `json:"label"`
	Standing string `json:"status"` // a results.Status, or Running
	Reason   string `json:"reason"`
	Failure  string `json:"failure,omitempty"`
	Epochs   int    `json:"epochs"`
	Budget   int    `json:"epochs_planned"`
	Attempts int    `json:"attempts"` // begun since its last epoch
	Newest   bool   `json:"newest_plan"`
	Process  string `json:"process,omitempty"` // that holds it

	State *results.State `json:"-"`
	Epoch results.Epoch  `json:"-"` // the last one, where Of has read it to estimate the time
}

// Standings of trials beside the statuses of package results: a live process holds it; it has never begun.
const (
	Running = string(results.Running)
	Waiting = string(sweep.Waiting)
)

// Order is the order in which trials are counted.
var Order = [...]string{string(results.Completed), string(results.Pruned), string(results.Collapsed), string(results.Diverged),
	string(results.Failed), string(results.Skipped), Running, string(results.Paused), string(results.Interrupted), Waiting}

// Of reads how a study stands. The view is up to date when it was refreshed.
func Of(v *results.View) (*Standing, error) {
	s := &Standing{Study: v.Meta().Study, Dir: v.Dir(), Counts: map[string]int{}, Failures: []Failures{}, Trials: []Trial{}}
	processes, holders, err := Present(v)
	if err != nil {
		return nil, err
	}
	plan, _ := v.Plan()
	s.Profile, s.Processes, s.Least = plan.Profile, processes, plan.Least
	begun := map[string]bool{}
	meta := v.Meta()
	s.States = v.Trials()
	for i := range s.States {
		t := &s.States[i]
		begun[t.ID] = true
		s.add(meta, t, holders[t.ID])
	}
	for _, id := range plan.Trials {
		if !begun[id] {
			s.Planned++
			s.Counts[Waiting]++
		}
	}
	if more := plan.Most - s.Planned; more > 0 { // which a search has not suggested yet
		s.Planned += more
		s.Counts[Waiting] += more
	}
	paces, err := s.paces(v)
	if err != nil {
		return nil, err
	}
	s.estimate(paces)
	return s, nil
}

// add adds a trial, which a process holds unless it has no name.
func (s *Standing) add(m results.Meta, t *results.State, holder string) {
	x := Trial{ID: t.ID, Label: m.Label(t.Point, t.Seed), Standing: string(t.Status.Stands(holder != "")), Reason: t.Remark(),
		Failure: string(t.Failure), Epochs: t.Epochs, Budget: t.Length, Attempts: t.Attempts, Newest: t.InPlan, Process: holder, State: t}
	s.Trials = append(s.Trials, x)
	if holder != "" {
		at := slices.IndexFunc(s.Processes, func(p Process) bool { return p.Name == holder })
		s.Processes[at].Trials = append(s.Processes[at].Trials, t.ID)
	}
	if !x.Newest {
		s.Earlier++
		return
	}
	s.Planned++
	s.Counts[x.Standing]++
	if t.Status.Final() {
		s.Finished++
	}
	if t.Status != results.Failed {
		return
	}
	i := slices.IndexFunc(s.Failures, func(f Failures) bool { return f.Class == x.Failure })
	if i < 0 {
		s.Failures = append(s.Failures, Failures{Class: x.Failure, Reason: t.Reason})
		i = len(s.Failures) - 1
	}
	s.Failures[i].Trials = append(s.Failures[i].Trials, t.ID)
}

// Done reports whether no trial of the newest plan is left.
func (s *Standing) Done() bool { return s.Planned > 0 && s.Finished == s.Planned }

// Present returns the processes that have a study open for writing, and by trial the name of the one that trains it.
func Present(v *results.View) (list []Process, holders map[string]string, err error) {
	trained, err := v.Trained()
	if err != nil {
		return nil, nil, err
	}
	writers, err := v.Writers()
	if err != nil {
		return nil, nil, err
	}
	list, listed := []Process{}, map[string]bool{}
	for _, p := range writers {
		listed[p.Name] = true
		list = append(list, Process{p.Name, p.Host, p.PID, p.Device, p.Age.Seconds(), p.Live && !p.Silent, p.Silent && p.Live,
			[]string{}, p.Unreadable})
	}
	maps.DeleteFunc(trained, func(_, writer string) bool { return !listed[writer] }) // one that has left between the two
	return list, trained, nil
}
