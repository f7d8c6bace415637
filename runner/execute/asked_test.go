package execute

import (
	"errors"
	"testing"
	"time"

	"github.com/starsweep/starsweep/results"
)

// A trial that somebody wants to end does so after the epoch in progress, evaluated or not, and no other does.
func TestATrialThatIsPrunedByHandEndsAfterItsEpoch(t *testing.T) {
	for _, overlaps := range []bool{false, true} {
		w := newWorld(t, rings)
		x := w.executor()
		x.overlaps = overlaps
		s := newSlow(x)
		ended := make(chan error, 1)
		go func() { ended <- w.run(x, 1) }()
		<-s.begins // of the first trial
		outside, err := results.Open(w.dir)
		if err != nil {
			t.Fatal(err)
		}
		defer outside.Close()
		id := x.Plan.ID(0)
		if err := outside.AskToPrune(id); err != nil {
			t.Fatal(err)
		}
		s.goOn <- true
		for over := false; !over; {
			select {
			case <-s.begins:
				s.goOn <- true
			case err := <-ended:
				if err != nil {
					t.Fatal(err)
				}
				over = true
			case <-time.After(20 * time.Second):
				t.Fatal("the run does not end")
			}
		}
		got := w.states()
		if got[0].ID != id || got[0].Status != results.Pruned || got[0].Reason != "by hand" || got[0].Epochs != 1 {
			t.Errorf("overlaps %t: got %s (%s) after %d epochs, want one pruned by hand after 1", overlaps, got[0].Status, got[0].Reason,
				got[0].Epochs)
		}
		if got[1].Status != results.Completed || got[1].Epochs != 5 {
			t.Errorf("overlaps %t: the other trial is %s after %d epochs", overlaps, got[1].Status, got[1].Epochs)
		}
		// It has ended for good: the same run does not take it up again.
		if err := w.run(w.executor(), 1); err != nil {
			t.Fatal(err)
		}
		if again := w.states()[0]; again.Status != results.Pruned || again.Epochs != 1 {
			t.Errorf("then it is %s after %d epochs", again.Status, again.Epochs)
		}
	}
}

// The process may die after the epoch and before it has seen the request: the next one sees it before it trains.
func TestARequestToPruneReachesTheNextProcess(t *testing.T) {
	w := one(t)
	x := w.executor()
	x.overlaps = false
	s := newSlow(x)
	stop := make(chan struct{})
	x.Limits = Limits{Stop: stop}
	ended := make(chan error, 1)
	go func() { ended <- w.run(x, 1) }()
	<-s.begins
	s.goOn <- true
	<-s.begins // of the second epoch
	if err := x.Study.View().AskToPrune(x.Plan.ID(0)); err != nil {
		t.Fatal(err)
	}
	close(stop) // it is given up, since it may take longer than 0 seconds
	if err := <-ended; !errors.Is(err, ErrStopped) || errors.Is(err, ErrAsked) {
		t.Fatalf("got %v, want ErrStopped", err)
	}
	if got := w.states()[0]; got.Status != results.Interrupted || got.Epochs != 1 {
		t.Fatalf("got %s after %d epochs", got.Status, got.Epochs)
	}
	if err := w.run(w.executor(), 1); err != nil {
		t.Fatal(err)
	}
	if got := w.states()[0]; got.Status != results.Pruned || got.Epochs != 1 {
		t.Errorf("got %s after %d epochs, want pruned after 1", got.Status, got.Epochs)
	}
}

// A request in the last epoch comes too late: the trial has all that it is to have.
func TestATrialThatIsPrunedInItsLastEpochCompletes(t *testing.T) {
	w := one(t)
	w.set = append(w.set, "epochs=1")
	x := w.executor()
	s := newSlow(x)
	ended := make(chan error, 1)
	go func() { ended <- w.run(x, 1) }()
	<-s.begins
	if err := x.Study.View().AskToPrune(x.Plan.ID(0)); err != nil {
		t.Fatal(err)
	}
	s.goOn <- true
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := w.states()[0]; got.Status != results.Completed {
		t.Errorf("got %s, want completed", got.Status)
	}
}

func TestARunLeavesWhenItIsAskedByAFile(t *testing.T) {
	w := one(t)
	w.config = func(c *Config) { c.Limits.Grace = time.Minute }
	x := w.executor()
	x.overlaps = false
	s := newSlow(x)
	ended := make(chan error, 1)
	go func() { ended <- w.run(x, 1) }()
	for range 2 {
		<-s.begins
		s.goOn <- true
	}
	<-s.begins
	if n, err := x.Study.View().AskToStop(); n != 1 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	select {
	case <-x.stopping: // it has seen the request
	case <-time.After(10 * time.Second):
		t.Fatal("it does not see the request")
	}
	s.goOn <- true
	if err := <-ended; !errors.Is(err, ErrAsked) || !errors.Is(err, ErrStopped) {
		t.Errorf("got %v, want ErrAsked", err)
	}
	if got := w.states()[0]; got.Epochs != 3 || got.Status != results.Interrupted {
		t.Errorf("got %s after %d epochs, want 3", got.Status, got.Epochs)
	}
}
