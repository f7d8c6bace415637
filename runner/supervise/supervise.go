// Package supervise keeps worker processes running: it starts them, replaces those that a signal or a crash has ended, passes on
// requests to leave, and combines their exit codes. A worker that a library or the kernel ends in the middle of its work therefore
// costs that work, and nothing else.
//
// It sees a process as two pipes and the way in which it ended, and knows nothing of studies. Command run configures it, and
// cmd/starsweep starts the processes; lifeline.go has both ends of the pipes.
package supervise

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Process is a worker process that has been started.
type Process struct {
	PID  int
	Pipe Pipe
	Wait func() End // waits until it has ended
	Kill func()
}

// End is how a process ended.
type End struct {
	Code    int            // its exit code
	Signal  syscall.Signal // that ended it; 0: none
	Starved bool           // it has said that its memory ran out
}

// Options are the workers to keep, and what to do at their end.
type Options struct {
	Processes     int
	Start         func(index int, starved bool) (*Process, error) // starts worker 1, 2, ...; starved: the one before ran out of memory
	Heard         func(from *Process, message []byte)             // takes what a worker tells; may be called from several goroutines
	Leave, AtOnce <-chan struct{}                                 // closed: the workers should leave, in good order or at once
	Say           func(format string, a ...any)                   // prints one line
	Killed        func() int                                      // how many processes the kernel has killed so far for lack of memory
	After         func(time.Duration) <-chan time.Time

	Codes       []int               // exit codes; of several, the first one here is that of the whole
	Crashed     int                 // the exit code of a worker that dies again and again
	Interrupted int                 // the exit code of a worker that was asked to leave
	Final       func(code int) bool // after this exit code of one worker, the others should leave as well
}

const (
	// mostFruitless is the number of times in a row that a worker may die without any progress. It exceeds the attempts that a trial
	// has, so that a trial that kills its process fails before its worker is given up.
	mostFruitless = 20
	// longestWait is the longest time until a worker that died is replaced.
	longestWait = 10 * time.Second
	// untilKilled is the time that a worker has to leave at once.
	untilKilled = 10 * time.Second
)

// supervisor is one call of Run.
type supervisor struct {
	Options
	leave func() // asks all workers to leave, for a reason of ours
	left  <-chan struct{}
}

// Run keeps the workers running until each has ended by itself, and returns their combined exit code.
func Run(o Options) int {
	left := make(chan struct{})
	s := &supervisor{Options: o, left: left, leave: sync.OnceFunc(func() { close(left) })}
	codes := make([]int, o.Processes)
	var all sync.WaitGroup
	for i := range codes {
		all.Go(func() {
			codes[i] = s.keep(i + 1)
			if s.Final(codes[i]) {
				s.leave()
			}
		})
	}
	all.Wait()
	for _, code := range o.Codes {
		if slices.Contains(codes, code) {
			return code
		}
	}
	return slices.Max(codes)
}

// keep keeps one worker running until it ends by itself or should not be replaced, and returns its exit code.
func (s *supervisor) keep(index int) int {
	for fruitless, starved := 0, false; ; {
		before := s.Killed()
		p, err := s.Start(index, starved)
		if err != nil {
			s.Say("%s cannot be started: %v", s.name(index), err)
			return s.Crashed
		}
		end, said, progress := s.watch(p)
		if said == inOrder || said == toReplace && s.leaving() {
			return end.Code
		}
		starved = end.Starved || end.Signal == syscall.SIGKILL && s.Killed() > before
		how, code := describe(end, starved), s.Crashed
		if said == toReplace {
			how, code = "cannot go on", end.Code
		}
		what := fmt.Sprintf("%s (pid %d) %s", s.name(index), p.PID, how)
		if fruitless++; progress {
			fruitless = 1
		}
		switch {
		case s.leaving(), end.Signal == syscall.SIGPIPE, end.Signal == syscall.SIGHUP: // the terminal or reader is gone, for any worker
			return s.Interrupted
		case fruitless >= mostFruitless:
			s.Say("%s, the last of %d times without progress: it is not started again", what, fruitless)
			return code
		}
		wait := backOff(fruitless)
		s.Say("%s; another one is started%s", what, in(wait))
		select {
		case <-s.After(wait):
		case <-s.Leave:
		case <-s.AtOnce:
		case <-s.left:
		}
		if s.leaving() {
			return s.Interrupted
		}
	}
}

// watch accompanies one process to its end: it passes on requests, and reads reports. said is how the process said that it ends.
func (s *supervisor) watch(p *Process) (end End, said byte, progress bool) {
	ended, asked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(asked)
		s.ask(p, ended)
	}()
	said, progress = p.Pipe.read(func(message []byte) { s.Heard(p, message) })
	end = p.Wait()
	close(ended)
	<-asked
	p.Pipe.close()
	if end.Signal != 0 {
		said = 0
	}
	return end, said, progress
}

// ask passes requests to leave on to a process until it has ended, and kills it if it does not leave at once.
func (s *supervisor) ask(p *Process, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-s.AtOnce:
	case <-s.left:
	case <-s.Leave:
	}
	p.Pipe.ask(leave)
	select {
	case <-ended:
		return
	case <-s.AtOnce:
	}
	p.Pipe.ask(leaveAtOnce)
	select {
	case <-ended:
	case <-s.After(untilKilled):
		p.Kill()
	}
}

// leaving reports whether the workers have been asked to leave.
func (s *supervisor) leaving() bool {
	for _, c := range []<-chan struct{}{s.Leave, s.AtOnce, s.left} {
		select {
		case <-c:
			return true
		default:
		}
	}
	return false
}

// name is the name of a worker in messages.
func (s *supervisor) name(index int) string {
	if s.Processes == 1 {
		return "the worker process"
	}
	return fmt.Sprintf("worker process %d of %d", index, s.Processes)
}

// describe says in words how a process ended. If it is starved and was killed, the kernel has killed processes meanwhile for lack of
// memory.
func describe(end End, starved bool) string {
	switch {
	case end.Starved:
		return "ran out of memory"
	case starved:
		return "was killed, probably by the kernel, which ran out of memory"
	case end.Signal == syscall.SIGKILL:
		return "was killed"
	case end.Signal != 0:
		return fmt.Sprintf("was ended by a signal: %v", end.Signal)
	}
	return fmt.Sprintf("crashed with exit code %d", end.Code)
}

// backOff is the time until a worker is replaced that has died this number of times in a row without progress.
func backOff(fruitless int) time.Duration {
	if fruitless < 2 {
		return 0
	}
	return min(500*time.Millisecond<<(fruitless-2), longestWait)
}

func in(wait time.Duration) string {
	if wait == 0 {
		return ""
	}
	return fmt.Sprintf(" in %v", wait)
}
