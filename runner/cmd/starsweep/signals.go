package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/starsweep/starsweep/runner/supervise"
)

// requests are what the user asks of a running command: first to leave, then to leave at once.
type requests struct {
	leave, atOnce             context.Context
	leaves, leavesAtOnce, end func()
}

// listen makes requests of signals: of the first one, to leave; of the second one, to leave at once; the third one ends the process.
// In a worker process, a signal asks to leave, however often it comes, since terminals and schedulers send it to the supervisor too;
// the supervisor says when to leave at once.
func listen(w *supervise.Worker) requests {
	var r requests
	r.leave, r.leaves = context.WithCancel(context.Background())
	r.atOnce, r.leavesAtOnce = context.WithCancel(context.Background())
	both := func() { r.leaves(); r.leavesAtOnce() }
	asked := make(chan os.Signal, 2)
	signal.Notify(asked, asking...)
	r.end = func() { signal.Stop(asked); both() }
	if w != nil {
		go w.Listen(r.leaves, both)
	}
	go func() {
		<-asked
		r.leaves()
		if w != nil {
			return // the signals that follow are received and have no effect
		}
		<-asked
		signal.Stop(asked)
		r.leavesAtOnce()
	}()
	return r
}
