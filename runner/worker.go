package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/starsweep/starsweep/internal/machine"
	"github.com/starsweep/starsweep/runner/supervise"
)

// Role is what a worker process of run is told, as JSON in STARSWEEP_WORKER. It has the arguments of the command that started it.
type Role struct {
	Index  int       `json:"index"`            // from 1
	Of     int       `json:"of"`               // number of worker processes on this machine
	Memory int       `json:"memory,omitempty"` // its part of the memory, in bytes; 0: all that there is
	Began  time.Time `json:"began"`            // when the command was started, for --budget
}

// role returns the role of this process; ok is false if no supervisor started it.
func (e *Env) role() (r Role, ok bool, err error) {
	text := e.Getenv("STARSWEEP_WORKER")
	if text == "" || e.Worker == nil {
		return r, false, nil
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.Index < 1 || r.Of < r.Index {
		return r, false, usageErrorf("STARSWEEP_WORKER: got %q: only starsweep run sets this variable", text)
	}
	return r, true, nil
}

// supervised runs the command again in worker processes, and returns the error that their exit code stands for.
func (e *Env) supervised(ctx context.Context, processes int) error {
	role := Role{Of: processes, Began: e.Now()}
	if processes > 1 {
		role.Memory = machine.Memory(e.System).Free() / processes
	}
	code := supervise.Run(supervise.Options{
		Processes: processes,
		Start: func(index int) (*supervise.Process, error) {
			role := role
			role.Index = index
			text, err := json.Marshal(role)
			if err != nil {
				return nil, err
			}
			return e.Start(processes, "STARSWEEP_WORKER="+string(text))
		},
		Leave:       ctx.Done(),
		AtOnce:      e.atOnce(ctx).Done(),
		Say:         func(format string, a ...any) { fmt.Fprintf(e.Stderr, "starsweep: "+format+"\n", a...) },
		Killed:      func() int { return machine.Killed(e.System) },
		After:       time.After,
		Codes:       codesOfWorkers[:],
		Crashed:     exitInternal,
		Interrupted: exitInterrupted,
		Final:       stopsOthers,
	})
	if code == exitDone {
		return nil
	}
	return withCode(code, errReported)
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
