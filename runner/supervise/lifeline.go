package supervise

import "io"

// Bytes on the pipes between a supervisor and its worker.
const (
	leave       = 'l' // request: leave in good order
	leaveAtOnce = 'a' // request: leave at once, as after the end of the requests
	progress    = 'p' // report: a result is durable
	inOrder     = 'o' // report: the process now ends in order, with an exit code of its own and not of a crash
)

// Pipe is the supervisor's side. The worker sees the end of the requests when the supervisor has died.
type Pipe struct {
	Requests io.WriteCloser
	Reports  io.ReadCloser
}

// ask sends a request. A worker that no longer reads has ended.
func (p Pipe) ask(request byte) { _, _ = p.Requests.Write([]byte{request}) }

// read reads the reports of a worker until it ends.
func (p Pipe) read() (ended, advanced bool) {
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(p.Reports, b); err != nil {
			return ended, advanced
		}
		ended = b[0] == inOrder
		advanced = advanced || b[0] == progress
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

// End reports that the process now ends in order.
func (w *Worker) End() { w.report(inOrder) }

func (w *Worker) report(b byte) {
	if w != nil {
		_, _ = w.Reports.Write([]byte{b}) // if the supervisor has died, nobody asks
	}
}
