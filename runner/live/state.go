package live

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/standing"
)

// state is how a study stands, as a page says it.
type state struct {
	*standing.Standing
	Counts   []count  // trials of the newest plan, by how they stand
	TimeLeft string   // empty: nobody can know
	Workers  []worker // processes that have the study open for writing
	Left     []task   // trials that have begun and wait for a worker, at most shownTasks
	MoreLeft int      // that are not shown
	Waiting  int      // trials of the plan that have not begun
}

type count struct {
	Name string
	N    int
}

// worker is a process with the trials that it trains.
type worker struct {
	standing.Process
	Title string    // what people call it
	Asked bool      // to leave
	Beat  time.Time // its last sign of life
	Tasks []task
}

// task is a trial that somebody trains, or that waits.
type task struct {
	standing.Trial
	Values string // the last ones of the objectives
	Asked  bool   // to end
}

// shownTasks is how many trials of one kind a page lists.
const shownTasks = 20

// stateOf reads how a study stands.
func stateOf(v *results.View, now time.Time) (*state, error) {
	stands, err := standing.Of(v)
	if err != nil {
		return nil, err
	}
	asked, leaving, err := v.Requests()
	if err != nil {
		return nil, err
	}
	s := &state{Standing: stands, Waiting: stands.Counts[standing.Waiting]}
	for _, name := range standing.Order {
		if n := stands.Counts[name]; n > 0 {
			s.Counts = append(s.Counts, count{name, n})
		}
	}
	if stands.SecondsLeft != nil && !stands.Done() {
		s.TimeLeft = standing.Rounded(*stands.SecondsLeft)
	}
	at := map[string]int{}
	for i, p := range stands.Processes {
		at[p.Name] = i
		s.Workers = append(s.Workers, worker{Process: p, Title: title(p), Asked: leaving[p.Name],
			Beat: now.Add(-time.Duration(p.Seconds * float64(time.Second)))})
	}
	meta := v.Meta()
	for _, t := range stands.Trials {
		x := task{t, lastValues(meta, t.State), asked[t.ID]}
		switch {
		case !t.Newest || t.State.Status.Final():
		case t.Process != "":
			w := &s.Workers[at[t.Process]]
			w.Tasks = append(w.Tasks, x)
		case len(s.Left) < shownTasks:
			s.Left = append(s.Left, x)
		default:
			s.MoreLeft++
		}
	}
	return s, nil
}

// title is what people call a process.
func title(p standing.Process) string {
	if p.Unreadable != "" {
		return fmt.Sprintf("writers/%s cannot be read: %s", p.Name, p.Unreadable)
	}
	return results.Process{Name: p.Name, Host: p.Host, PID: p.PID}.String()
}

// lastValues are the last values of the objectives of a trial or, without objectives, of its losses.
func lastValues(m results.Meta, t *results.State) string {
	names := slices.Clone(m.Losses)
	if len(m.Objectives) > 0 {
		names = nil
		for _, o := range m.Objectives {
			names = append(names, o.Metric)
		}
	}
	var parts []string
	for _, name := range names {
		if x, measured := t.Last[name]; measured {
			parts = append(parts, fmt.Sprintf("%s %.4g", name, x))
		}
	}
	return strings.Join(parts, ", ")
}
