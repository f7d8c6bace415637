package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/starsweep/starsweep/internal/machine"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/supervise"
)

// role is what a worker process of run is told, as JSON in STARSWEEP_WORKER. It has the arguments of the command that started it.
type role struct {
	Index   int       `json:"index"`             // from 1; 0: the process is no worker
	Of      int       `json:"of"`                // number of worker processes of the command
	Memory  int       `json:"memory,omitempty"`  // its part of the memory, in bytes; 0: all that there is
	Began   time.Time `json:"began"`             // when the command was started, for --budget
	Starved bool      `json:"starved,omitempty"` // it replaces one that ran out of memory
	Shown   bool      `json:"shown,omitempty"`   // the process that started it shows the progress
}

// takeRole reads the role of a worker process. Several of them share the output of the command: each writes plain lines that begin with
// its number, and the first one alone writes to standard output, since the rest is the same for all.
func (e *Env) takeRole() error {
	if e.Worker == nil {
		return nil
	}
	text := e.Getenv("STARSWEEP_WORKER")
	if err := json.Unmarshal([]byte(text), &e.role); err != nil || e.role.Index < 1 || e.role.Of < e.role.Index {
		return usageErrorf("STARSWEEP_WORKER: got %q: only starsweep run sets this variable", text)
	}
	if e.role.Of == 1 {
		return nil
	}
	e.Size = nil
	e.Stderr = &numbered{to: e.Stderr, prefix: fmt.Sprintf("process %d: ", e.role.Index)}
	if e.role.Index > 1 {
		e.Stdout = io.Discard
	}
	return nil
}

// numbered begins every line with a prefix. It may be used by several goroutines.
type numbered struct {
	to     io.Writer
	prefix string

	mu     sync.Mutex
	inLine bool
}

// Write implements io.Writer. Lines that are written in one piece stay in one piece.
func (n *numbered) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var b bytes.Buffer
	for line := range bytes.Lines(p) {
		if !n.inLine {
			b.WriteString(n.prefix)
		}
		b.Write(line)
		n.inLine = line[len(line)-1] != '\n'
	}
	if _, err := n.to.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// supervised runs the command again in worker processes, and returns the error that their exit code stands for.
func (e *Env) supervised(ctx context.Context, path string, o runOptions) error {
	processes := o.processes
	r := role{Of: processes, Began: e.Now(), Shown: processes > 1 && e.Size != nil}
	endPicture := func() {}
	if r.Shown {
		endPicture = e.showWorkers(ctx, path, o, r.Began)
	}
	said := messages{phases: map[*supervise.Process]execute.Phases{}}
	if processes > 1 {
		r.Memory = machine.Memory(e.System).Free() / processes
	}
	code := supervise.Run(supervise.Options{
		Processes: processes,
		Start: func(index int, starved bool) (*supervise.Process, error) {
			r := r
			r.Index, r.Starved = index, starved
			text, err := json.Marshal(r)
			if err != nil {
				return nil, err
			}
			stdout, stderr := e.outputs(r, o)
			return e.Start(processes, "STARSWEEP_WORKER="+string(text), stdout, stderr)
		},
		Heard:       said.hear,
		Leave:       ctx.Done(),
		AtOnce:      e.atOnce(ctx).Done(),
		Say:         func(format string, a ...any) { fmt.Fprintf(e.aloud().Stderr, "starsweep: "+format+"\n", a...) },
		Killed:      func() int { return machine.Killed(e.System) },
		After:       time.After,
		Codes:       codesOfWorkers[:],
		Crashed:     exitInternal,
		Interrupted: exitInterrupted,
		Final:       stopsOthers,
	})
	endPicture()
	if c, phases, found := said.conclusion(code); found {
		if err := e.conclude(c, phases, o, r.Began); code == exitDone {
			return err
		}
	}
	if code == exitDone {
		return nil
	}
	return withCode(code, errReported)
}

// outputs are where a worker process writes; nil: where this process does. Below its messages the terminal has the picture of the study.
func (e *Env) outputs(r role, o runOptions) (stdout, stderr io.Writer) {
	switch {
	case o.inJSON && r.Of > 1:
		return &wholeLines{to: e.events}, nil
	case r.Shown && e.Screen != nil: // on the same terminal
		return &wholeLines{to: e.Stderr}, &wholeLines{to: e.Stderr}
	case r.Shown:
		return nil, &wholeLines{to: e.Stderr}
	}
	return nil, nil
}

// showWorkers shows one picture of what several worker processes train, until the function is called that it returns.
func (e *Env) showWorkers(ctx context.Context, path string, o runOptions, began time.Time) (end func()) {
	dir, err := e.directoryOf(ctx, path, o)
	if err != nil {
		return func() {} // the workers report it
	}
	var view *results.View
	open := func() *results.View {
		view, _ = results.Open(dir) // there is no study yet
		return view
	}
	p := newPicture(e, began, open, func() []row { return nil })
	return func() {
		p.close()
		if view != nil {
			view.Close()
		}
	}
}

// reporter is an observer that tells the supervisor of this process, if it has one, what is durable.
type reporter struct {
	to     *supervise.Worker
	phases func() execute.Phases
}

func (r reporter) Began(plan.Trial) {}

// Epoch implements execute.Observer.
func (r reporter) Epoch(plan.Trial, results.Epoch) {
	r.to.Progress()
	tell(r.to, message{Phases: r.phases()})
}

// Ended implements execute.Observer. A trial that fails without an epoch will not run again: that is progress as well.
func (r reporter) Ended(_ plan.Trial, o results.Outcome) {
	if o.Status != results.Interrupted {
		r.to.Progress()
	}
}

// codesOfWorkers are the exit codes of worker processes, in the order of importance. Errors of one process count, whatever the others
// did. A study that one process has seen to its end is at its end, although another had to leave before.
var codesOfWorkers = [...]int{exitStorage, exitInternal, exitUsage, exitScript, exitSpace, exitAllFailed, exitSomeFailed, exitDone,
	exitNoDevice, exitInterrupted}

// stopsOthers reports whether the other workers should leave after this exit code of one: it stands for an error that they would have
// as well. A worker that was interrupted or lost its device leaves its trials to the others.
func stopsOthers(code int) bool {
	switch code {
	case exitStorage, exitUsage, exitScript, exitSpace:
		return true
	}
	return false
}

// atOnce is done when the command should leave at once, and not in good order. Where the process does not tell the two apart, it is ctx.
func (e *Env) atOnce(ctx context.Context) context.Context {
	if e.AtOnce == nil {
		return ctx
	}
	return e.AtOnce
}
