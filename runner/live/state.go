package live

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/results"
)

// standing is how a study stands at one moment.
type standing struct {
	Planned, Finished int
	Counts            []count // trials of the newest plan, by how they stand
	Earlier           int     // trials of earlier plans
	Workers           []worker
	Left              []task // trials that have begun and wait for a worker, at most shownTasks
	MoreLeft          int    // that are not shown
	Waiting           int    // trials of the plan that have not begun
}

type count struct {
	Name string
	N    int
}

// worker is a process that has the study open for writing.
type worker struct {
	results.Process
	Alive bool
	Asked bool      // to leave
	Beat  time.Time // its last sign of life
	Tasks []task
}

// task is a trial that somebody trains, or that waits.
type task struct {
	ID, Label, Status, Reason string
	Epochs, Length            int
	Since                     time.Time
	Values                    string // the last ones of the objectives
	Asked                     bool   // to end
}

// shownTasks is how many trials of one kind a page lists.
const shownTasks = 20

// waiting is how trials stand that have not begun, beside the statuses of package results.
const waiting = "waiting"

// order is the order in which trials are counted.
var order = []string{string(results.Completed), string(results.Pruned), string(results.Collapsed), string(results.Diverged),
	string(results.Failed), string(results.Skipped), string(results.Running), string(results.Paused), string(results.Interrupted), waiting}

// standingOf reads how a study stands.
func standingOf(v *results.View, now time.Time) (standing, error) {
	var s standing
	workers, holders, err := present(v, now)
	if err != nil {
		return s, err
	}
	asked, leaving, err := v.Requests()
	if err != nil {
		return s, err
	}
	for i := range workers {
		workers[i].Asked = leaving[workers[i].Name]
	}
	counts := map[string]int{}
	plan, planned := v.Plan()
	meta, trials := v.Meta(), v.Trials()
	for _, t := range trials {
		if planned && !t.InPlan {
			s.Earlier++
			continue
		}
		at, held := holders[t.ID]
		stands := t.Status.Stands(held)
		if stands == results.Running {
			x := taskOf(meta, t, stands)
			x.Asked = asked[t.ID]
			workers[at].Tasks = append(workers[at].Tasks, x)
		} else if !stands.Final() {
			if len(s.Left) < shownTasks {
				s.Left = append(s.Left, taskOf(meta, t, stands))
			} else {
				s.MoreLeft++
			}
		}
		counts[string(stands)]++
		if stands.Final() {
			s.Finished++
		}
		s.Planned++
	}
	s.Waiting = max(0, len(plan.Trials)-s.Planned)
	counts[waiting] = s.Waiting
	s.Planned += s.Waiting
	for _, name := range order {
		if counts[name] > 0 {
			s.Counts = append(s.Counts, count{name, counts[name]})
		}
	}
	s.Workers = workers
	return s, nil
}

// present returns the processes that have the study open, and which of them holds a trial: by ID, the place of one that is alive.
func present(v *results.View, now time.Time) (list []worker, holders map[string]int, err error) {
	trained, err := v.Trained()
	if err != nil {
		return nil, nil, err
	}
	processes, err := v.Writers()
	if err != nil {
		return nil, nil, err
	}
	places := map[string]int{}
	for i, p := range processes {
		w := worker{Process: p, Alive: p.Live && !p.Silent, Beat: now.Add(-p.Age)}
		places[p.Name] = i
		list = append(list, w)
	}
	holders = map[string]int{}
	for id, name := range trained {
		if at, present := places[name]; present { // it may have come since
			holders[id] = at
		}
	}
	return list, holders, nil
}

// taskOf describes a trial.
func taskOf(m results.Meta, t results.State, stands results.Status) task {
	return task{ID: t.ID, Label: m.Label(t.Point, t.Seed), Status: string(stands), Reason: t.Remark(), Epochs: t.Epochs, Length: t.Length,
		Since: t.Since, Values: lastValues(m, t)}
}

// lastValues are the last values of the objectives of a trial or, without objectives, of its losses.
func lastValues(m results.Meta, t results.State) string {
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

// Title is what people call a worker.
func (w worker) Title() string {
	if w.Unreadable != "" {
		return fmt.Sprintf("writers/%s cannot be read: %s", w.Name, w.Unreadable)
	}
	return cmp.Or(w.String(), w.Name)
}
