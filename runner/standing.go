package runner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep"
)

// standing is what status says of a study at one moment. It is also the JSON that status prints.
type standing struct {
	Study       string             `json:"study"`
	Dir         string             `json:"dir"`
	Profile     string             `json:"profile,omitempty"`
	Planned     int                `json:"planned"`  // trials of the newest plan
	Finished    int                `json:"finished"` // of these
	Counts      map[string]int     `json:"counts"`   // of these, by standing
	Earlier     int                `json:"earlier"`  // trials of earlier plans only
	Processes   []standingProcess  `json:"processes"`
	Failures    []standingFailures `json:"failures"`
	SecondsLeft *float64           `json:"seconds_left"` // null where nobody trains, or nothing has been timed
	Trials      []standingTrial    `json:"trials"`       // in the order of the study; those that wait are only counted

	plannedIDs map[string]bool
	states     []results.State // of all trials
}

// standingProcess is a process that has the study open for writing.
type standingProcess struct {
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

// standingFailures are the failed trials of one class, in the newest plan.
type standingFailures struct {
	Class  string   `json:"class"` // empty: none of the known ones
	Trials []string `json:"trials"`
	Reason string   `json:"reason"` // of the first
}

// standingTrial is a trial that has begun.
type standingTrial struct {
	ID       string             `json:"trial"`
	Label    string             `json:"label"`
	Standing string             `json:"status"` // a results.Status, or running
	Reason   string             `json:"reason"`
	Failure  string             `json:"failure,omitempty"`
	Epochs   int                `json:"epochs"`
	Budget   int                `json:"epochs_planned"`
	Attempts int                `json:"attempts"` // begun since its last epoch
	Newest   bool               `json:"newest_plan"`
	Process  string             `json:"process,omitempty"` // that holds it
	Last     map[string]float64 `json:"-"`

	newest results.Epoch // of a trial whose epochs are timed
}

// Standings of trials beside the statuses of package results: a live process holds it; it has never begun.
const (
	standingRunning = string(results.Running)
	standingWaiting = string(sweep.Waiting)
)

// standingOf reads how a study stands. The view is up to date when it was refreshed.
func standingOf(v *results.View) (*standing, error) {
	s := &standing{Study: v.Meta().Study, Dir: v.Dir(), Counts: map[string]int{}, Processes: []standingProcess{},
		Failures: []standingFailures{}, Trials: []standingTrial{}}
	trained, err := v.Trained()
	if err != nil {
		return nil, err
	}
	processes, err := v.Writers()
	if err != nil {
		return nil, err
	}
	for _, p := range processes {
		alive := p.Live && !p.Silent
		s.Processes = append(s.Processes, standingProcess{p.Name, p.Host, p.PID, p.Device, p.Age.Seconds(), alive, p.Silent && p.Live,
			[]string{}, p.Unreadable})
	}
	s.states = v.Trials()
	s.plan(v, s.states)
	for _, t := range s.states {
		s.add(v, t, trained[t.ID])
	}
	if waiting := s.Planned - sum(s.Counts); waiting > 0 {
		s.Counts[standingWaiting] = waiting
	}
	for i, p := range s.Processes {
		s.Processes[i].Trials = s.heldBy(trained, p.Name)
	}
	paces, err := s.paces(v)
	if err != nil {
		return nil, err
	}
	s.estimate(paces)
	return s, nil
}

// plan notes the newest plan. Without one, all trials count.
func (s *standing) plan(v *results.View, trials []results.State) {
	s.plannedIDs = map[string]bool{}
	if p, found := v.Plan(); found {
		s.Profile = p.Profile
		for _, id := range p.Trials {
			s.plannedIDs[id] = true
		}
	} else {
		for _, t := range trials {
			s.plannedIDs[t.ID] = true
		}
	}
	s.Planned = len(s.plannedIDs)
}

// add adds a trial, with the process that trains it, if one does.
func (s *standing) add(v *results.View, t results.State, process string) {
	x := standingTrial{ID: t.ID, Label: v.Meta().Label(t.Point, t.Seed), Standing: string(t.Status.Stands(process != "")),
		Reason: t.Remark(), Process: process, Failure: string(t.Failure), Epochs: t.Epochs, Budget: t.Length, Attempts: t.Attempts,
		Newest: s.plannedIDs[t.ID], Last: t.Last}
	s.Trials = append(s.Trials, x)
	if !x.Newest {
		s.Earlier++
		return
	}
	s.Counts[x.Standing]++
	if t.Status.Final() {
		s.Finished++
	}
	if t.Status != results.Failed {
		return
	}
	i := slices.IndexFunc(s.Failures, func(f standingFailures) bool { return f.Class == string(t.Failure) })
	if i < 0 {
		s.Failures = append(s.Failures, standingFailures{Class: string(t.Failure), Reason: t.Reason})
		i = len(s.Failures) - 1
	}
	s.Failures[i].Trials = append(s.Failures[i].Trials, t.ID)
}

// heldBy lists the trials that a process holds, in the order of the study.
func (s *standing) heldBy(trained map[string]string, writer string) []string {
	held := []string{}
	for _, t := range s.Trials {
		if trained[t.ID] == writer {
			held = append(held, t.ID)
		}
	}
	return held
}

// timedTrials bounds the trials that do not train at the moment and whose epochs are read for an estimate, timedEpochs the epochs that
// are read of a trial.
const timedTrials, timedEpochs = 32, 64

// paces reads how long the epochs of trials took: of those that train, and of the last ones of the study that have epochs. It notes the
// newest epoch of each.
func (s *standing) paces(v *results.View) (map[string]pace, error) {
	paces := map[string]pace{}
	for i, t := range slices.Backward(s.Trials) {
		if t.Epochs == 0 || t.Standing != standingRunning && len(paces) >= timedTrials {
			continue
		}
		epochs, err := v.LastEpochs(t.ID, timedEpochs)
		if err != nil {
			return nil, err
		}
		var p pace
		for _, e := range epochs {
			p.add(pace{1, e.SecondsTrain + e.SecondsEvaluate})
		}
		if len(epochs) > 0 {
			s.Trials[i].newest = epochs[len(epochs)-1]
		}
		paces[t.ID] = p
	}
	return paces, nil
}

// estimate estimates the time until the plan is finished: the epochs that are left, each as long as those of its trial or, for a trial
// without any, those of all trials, divided by the number of trials that train at the moment; but no less than the longest trial takes.
func (s *standing) estimate(paces map[string]pace) {
	var all pace
	for _, p := range paces {
		all.add(p)
	}
	left, longest, budgets, begun := 0.0, 0.0, 0, 0
	for _, t := range s.Trials {
		if !t.Newest {
			continue
		}
		budgets, begun = budgets+t.Budget, begun+1
		if t.Standing != standingRunning && t.Standing != string(results.Interrupted) {
			continue
		}
		p, timed := paces[t.ID]
		if !timed {
			p = all
		}
		takes := p.of(t.Budget - t.Epochs)
		left, longest = left+takes, max(longest, takes)
	}
	running := s.Counts[standingRunning]
	if running == 0 || all.epochs == 0 {
		return
	}
	if waiting := s.Counts[standingWaiting]; waiting > 0 {
		takes := all.of(budgets / begun)
		left, longest = left+float64(waiting)*takes, max(longest, takes)
	}
	left = max(left/float64(running), longest)
	s.SecondsLeft = &left
}

// pace is how long epochs took.
type pace struct {
	epochs  int
	seconds float64
}

func (p *pace) add(q pace) { p.epochs, p.seconds = p.epochs+q.epochs, p.seconds+q.seconds }

// of is how long a number of epochs will take.
func (p pace) of(epochs int) float64 {
	return p.seconds / float64(max(p.epochs, 1)) * float64(max(epochs, 0))
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// done reports whether no trial of the newest plan is left.
func (s *standing) done() bool { return s.Planned > 0 && s.Finished == s.Planned }

// summary is how the newest plan stands, in one line.
func (s *standing) summary() string {
	if s.Planned == 0 {
		return "no run has planned trials yet"
	}
	var parts []string
	for _, name := range standings {
		if n := s.Counts[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	line := fmt.Sprintf("newest plan: %d of %s finished", s.Finished, counted(s.Planned, "trial"))
	if s.Counts[string(results.Completed)] < s.Planned {
		line += ": " + strings.Join(parts, ", ")
	}
	if s.Earlier > 0 {
		line += fmt.Sprintf("; %s of earlier plans", counted(s.Earlier, "trial"))
	}
	return line
}

// standings are all standings in the order in which they are counted.
var standings = []string{string(results.Completed), string(results.Pruned), string(results.Collapsed), string(results.Diverged),
	string(results.Failed), string(results.Skipped), standingRunning, string(results.Paused), string(results.Interrupted), standingWaiting}

// line describes a process.
func (p standingProcess) line() string {
	if p.Device == "" {
		return p.said()
	}
	return p.said() + ", " + plain.Line(p.Device)
}

// said is what a process does.
func (p standingProcess) said() string {
	text := fmt.Sprintf("process %d on %s", p.PID, p.Host)
	if p.Host == "" {
		text = p.Name
	}
	if p.Unreadable != "" {
		text = fmt.Sprintf("writers/%s cannot be read: %s", p.Name, p.Unreadable)
	}
	switch {
	case p.Live:
		text += fmt.Sprintf(": trains %s, heartbeat %s ago", counted(len(p.Trials), "trial"), rounded(p.Seconds))
	case p.Silent:
		text += fmt.Sprintf(": not heard of for %s (dead or unreachable)", rounded(p.Seconds))
	default:
		text += fmt.Sprintf(": has ended, last heartbeat %s ago", rounded(p.Seconds))
	}
	return plain.Line(text)
}

// failureLines describe the failures, a line for each class.
func (s *standing) failureLines() (lines []string) {
	for _, f := range s.Failures {
		lines = append(lines, plain.Line(fmt.Sprintf("failed (%s): %s, such as %s: %s", cmp.Or(f.Class, "other"),
			counted(len(f.Trials), "trial"), f.Trials[0], f.Reason)))
	}
	return lines
}

// left is the time that is left, as text.
func (s *standing) left() string {
	switch {
	case s.done():
		return ""
	case s.SecondsLeft != nil:
		return "about " + rounded(*s.SecondsLeft) + " left"
	case !slices.ContainsFunc(s.Processes, func(p standingProcess) bool { return p.Live }):
		return "nobody is training this study; the command that started it continues it"
	}
	return ""
}

// rounded is a time in two units.
func rounded(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
