package supervise

import (
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"
)

// Bytes on the pipes between a supervisor and its worker.
const (
	leave       = 'l' // request: leave in good order
	leaveAtOnce = 'a' // request: leave at once, as after the end of the requests
	progress    = 'p' // report: a result is durable
	inOrder     = 'o' // report: the process now ends in order, with an exit code of its own and not of a crash
	toReplace   = 'r' // report: likewise, but another process may succeed where this one cannot
	tells       = 't' // report: a message follows, after four bytes with its length, the lowest first
)

// Pipe is the supervisor's side. The worker sees the end of the requests when the supervisor has died.
type Pipe struct {
	Requests io.WriteCloser
	Reports  io.ReadCloser
}

// ask sends a request. A worker that no longer reads has ended.
func (p Pipe) ask(request byte) { _, _ = p.Requests.Write([]byte{request}) }

// mostTold bounds a message.
const mostTold = 1 << 20

// read reads the reports of a worker until it ends: how it says that it ends, 0 if it says nothing, and whether a result is durable.
func (p Pipe) read(heard func(message []byte)) (ends byte, advanced bool) {
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(p.Reports, b); err != nil {
			return ends, advanced
		}
		switch b[0] {
		case progress:
			advanced = true
		case tells:
			length := make([]byte, 4)
			if _, err := io.ReadFull(p.Reports, length); err != nil {
				return ends, advanced
			}
			message := make([]byte, min(binary.LittleEndian.Uint32(length), mostTold))
			if _, err := io.ReadFull(p.Reports, message); err != nil {
				return ends, advanced
			}
			heard(message)
		default:
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
	mu       sync.Mutex // a report is written in one piece
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

// Tell hands a message to the supervisor. One that is too long is not sent.
func (w *Worker) Tell(message []byte) {
	if len(message) <= mostTold {
		w.report(append(binary.LittleEndian.AppendUint32([]byte{tells}, uint32(len(message))), message...)...)
	}
}

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

func (w *Worker) report(bytes ...byte) {
	if w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		_, _ = w.Reports.Write(bytes) // if the supervisor has died, nobody asks
	}
}
