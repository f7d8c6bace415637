package supervise

import (
	"io"
	"sync/atomic"
)

// Bytes on the pipes between a supervisor and its worker.
const (
	leave       = 'l' // request: leave in good order
	leaveAtOnce = 'a' // request: leave at once, as after the end of the requests
	progress    = 'p' // report: a result is durable
	inOrder     = 'o' // report: the process now ends in order, with an exit code of its own and not of a crash
	toReplace   = 'r' // report: likewise, but another process may succeed where this one cannot
)

// Pipe is the supervisor's side. The worker sees the end of the requests when the supervisor has died.
type Pipe struct {
	Requests io.WriteCloser
	Reports  io.ReadCloser
}

// ask sends a request. A worker that no longer reads has ended.
func (p Pipe) ask(request byte) { _, _ = p.Requests.Write([]byte{request}) }

// read reads the reports of a worker until it ends: how it says that it ends, 0 if it says nothing, and whether a result is durable.
func (p Pipe) read() (ends byte, advanced bool) {
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(p.Reports, b); err != nil {
			return ends, advanced
		}
		if b[0] == progress {
			advanced = true
		} else {
			ends = b[0]
		}
	}
}

func (p Pipe) close() {
	_ = p.Requests.Close()
	_ = p.Reports.Close()
}

// Worker is the worker's side. Its methods may be called from several goroutines; those of a nil Worker do nothing.
type Worker struct {
	Requests io.Reader
	Reports  io.Writer

	replaced atomic.Bool
}

// Listen calls the functions as the supervisor requests, until it asks to leave at once or dies.
func (w *Worker) Listen(toLeave, toLeaveAtOnce func()) {
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(w.Requests, b); err != nil || b[0] == leaveAtOnce {
			toLeaveAtOnce()
			return
		}
		toLeave()
	}
}

// Progress reports that a result is durable.
func (w *Worker) Progress() { w.report(progress) }

// Replace makes End report that another process may succeed where this one cannot, for example since its device is lost.
func (w *Worker) Replace() {
	if w != nil {
		w.replaced.Store(true)
	}
}

// End reports that the process now ends in order.
func (w *Worker) End() {
	if w != nil && w.replaced.Load() {
		w.report(toReplace)
		return
	}
	w.report(inOrder)
}

func (w *Worker) report(b byte) {
	if w != nil {
		_, _ = w.Reports.Write([]byte{b}) // if the supervisor has died, nobody asks
	}
}
