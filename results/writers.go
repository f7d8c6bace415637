package results

import (
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
	Live   bool          // false: it was a process of this machine, and has ended
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
	r, err := claim.Read(v.dir)
	for _, w := range r.Writers {
		list = append(list, Process{w.Name, w.Host, w.PID, w.Device, max(0, time.Since(w.Beat)), !w.Dead})
	}
	return list, err
}

// Others returns the other processes that have the study open for writing and may be alive, ordered by name.
func (w *Writer) Others() (list []Process, err error) {
	others, err := w.desk.Others()
	for _, o := range others {
		list = append(list, Process{Name: o.Name, Host: o.Host, PID: o.PID, Device: o.Device, Live: true})
	}
	return list, err
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
	r, err := claim.Read(v.dir)
	return holders(r.Claims), err
}

// Claims returns the current claims by trial. Other than View.Claims it knows when a process of another machine has died.
func (w *Writer) Claims() (map[string]Holder, error) {
	list, err := w.desk.List()
	return holders(list), err
}

func holders(list []claim.Info) map[string]Holder {
	claims := map[string]Holder{}
	for _, c := range list {
		if c.Trial != maintenance {
			claims[c.Trial] = Holder{c.Owner.Name, c.Owner.String(), c.Generation, !c.Stale, c.Mine}
		}
	}
	return claims
}

// Suggestion returns suggestion i of a search, nil if there is none yet.
func (v *View) Suggestion(i int) (json.RawMessage, error) { return claim.ReadSuggestion(v.dir, i) }
