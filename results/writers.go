package results

import (
	"context"
	"encoding/json"
	"time"

	"github.com/starsweep/starsweep/results/internal/claim"
)

// Process is a process that has a study open for writing.
type Process struct {
	Name   string // unique; of its journal
	Host   string
	PID    int
	Device string
	Age    time.Duration // since its last sign of life: for people only, since the clocks of machines differ
	Live   bool          // false: it has ended for certain
	Silent bool          // so old that it is dead or unreachable: for people, likewise

	Unreadable string // why the file of its heartbeat does not say who it is; empty if it does
}

// String names a process for people.
func (p Process) String() string {
	return claim.Writer{Name: p.Name, Host: p.Host, PID: p.PID}.String()
}

// Writers returns the processes that have the study open for writing, and those that died, ordered by name.
func (v *View) Writers() (list []Process, err error) {
	v.mu.Lock()
	old := v.file.Schema == oldSchema
	v.mu.Unlock()
	if text, found := oldHolder(v.dir); old && found {
		list = append(list, Process{Name: text, Live: true})
	}
	r, err := v.presence()
	for _, w := range r.Writers {
		age := max(0, time.Since(w.Beat))
		p := Process{Name: w.Name, Host: w.Host, PID: w.PID, Device: w.Device, Age: age, Live: !w.Dead, Silent: age > claim.StaleAfter}
		if w.Unreadable != nil {
			p.Unreadable = w.Unreadable.Error()
		}
		list = append(list, p)
	}
	return list, err
}

// presence is who is there and trains what. Writers that Watch found dead are dead until their heartbeats move.
func (v *View) presence() (claim.Reading, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	r, err := claim.Read(v.dir)
	dead := map[string]bool{}
	for i, w := range r.Writers {
		if at, watched := v.dead[w.Name]; watched && at.Equal(w.Beat) {
			r.Writers[i].Dead, dead[w.Name] = true, true
		}
	}
	for i, c := range r.Claims {
		r.Claims[i].Stale = c.Stale || dead[c.Owner.Name]
	}
	return r, err
}

// Watch finds out which processes of other machines are dead, so that Writers and Claims know it. It returns at once unless a heartbeat is
// old by the clock of this machine. Such a one is watched until it moves, or has stood still for StaleAfter.
func (v *View) Watch(ctx context.Context, o Options) error {
	dead, err := claim.Watch(ctx, v.dir, o.claims(), o.watching())
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dead = dead
	return err
}

// watching tells for whom a process waits.
func (o Options) watching() func([]claim.Writer) {
	return func(list []claim.Writer) {
		if o.Watching != nil {
			o.Watching(processes(list))
		}
	}
}

// watch is View.Watch of a process that may ask the file system for the time, so that it takes half as long. One that does not say what
// it is waiting for does not wait.
func (w *Writer) watch() error {
	if w.options.Watching == nil {
		return nil
	}
	return w.desk.Watch(context.Background(), w.options.watching())
}

func processes(list []claim.Writer) (all []Process) {
	for _, o := range list {
		all = append(all, Process{Name: o.Name, Host: o.Host, PID: o.PID, Device: o.Device, Live: true})
	}
	return all
}

// Others returns the other processes that have the study open for writing and may be alive, ordered by name.
func (w *Writer) Others() (list []Process, err error) {
	others, err := w.desk.Others()
	return processes(others), err
}

// living are the writers that may be alive.
func (v *View) living() (map[string]bool, error) {
	list, err := v.Writers()
	live := map[string]bool{}
	for _, p := range list {
		live[p.Name] = p.Live
	}
	return live, err
}

// Holder is who holds a claim.
type Holder struct {
	Writer     string // the name of the process
	Process    string // as Process.String
	Generation int
	Live       bool // false: it is known to be dead
	Mine       bool // it is this process
}

// Claims returns the current claims by trial, as a process finds them that writes nothing.
func (v *View) Claims() (map[string]Holder, error) {
	r, err := v.presence()
	return holders(r.Claims), err
}

// Claims returns the current claims by trial. Other than View.Claims it knows when a process of another machine has died.
func (w *Writer) Claims() (map[string]Holder, error) {
	list, err := w.desk.List()
	return holders(list), err
}

// Trained returns the trials that are held, with the name of the process that holds each: one that is alive and heard of. A trial that has
// just ended may be among them.
func (v *View) Trained() (map[string]string, error) {
	claims, err := v.Claims()
	if err != nil {
		return nil, err
	}
	processes, err := v.Writers()
	if err != nil {
		return nil, err
	}
	heard := map[string]bool{}
	for _, p := range processes {
		heard[p.Name] = p.Live && !p.Silent
	}
	trained := map[string]string{}
	for id, h := range claims {
		if h.Live && heard[h.Writer] {
			trained[id] = h.Writer
		}
	}
	return trained, nil
}

func holders(list []claim.Info) map[string]Holder {
	claims := map[string]Holder{}
	for _, c := range list {
		if c.Trial != maintenanceClaim && c.Trial != paretoClaim {
			claims[c.Trial] = Holder{c.Owner.Name, c.Owner.String(), c.Generation, !c.Stale, c.Mine}
		}
	}
	return claims
}

// Sequence is a sequence of decisions, which all processes of a study follow.
type Sequence = claim.Sequence

// The sequences of a study.
const (
	Suggestions = claim.Suggestions // of a search
	Verdicts    = claim.Verdicts    // of judges that compare trials
	Warm        = claim.Warm        // of which number 0 is what a search sees of other studies
)

// Sequences are all sequences.
var Sequences = claim.Sequences

// sequences are their folders.
func sequences() (folders []string) {
	for _, s := range Sequences {
		folders = append(folders, string(s))
	}
	return folders
}

// Decision returns decision i of a sequence, nil if there is none yet.
func (v *View) Decision(s Sequence, i int) (json.RawMessage, error) {
	return claim.ReadDecision(v.dir, s, i)
}
