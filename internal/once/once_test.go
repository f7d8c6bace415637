package once_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/starsweep/starsweep/internal/once"
)

func TestManyCallersComputeAValueOnce(t *testing.T) {
	var m once.Map[string, int]
	var calls atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if v, err := m.Do(t.Context(), "a", func() (int, error) { calls.Add(1); return 7, nil }); v != 7 || err != nil {
				t.Errorf("got %d, %v", v, err)
			}
		})
	}
	wg.Wait()
	if n := calls.Load(); n != 1 {
		t.Errorf("computed %d times, want once", n)
	}
	if v, _ := m.Do(t.Context(), "b", func() (int, error) { return 8, nil }); v != 8 {
		t.Errorf("another key: got %d, want 8", v)
	}
	m.Forget("a")
	if v, _ := m.Do(t.Context(), "a", func() (int, error) { return 9, nil }); v != 9 {
		t.Errorf("after Forget: got %d, want 9", v)
	}
	if got := m.Clear(); len(got) != 2 || got[0]+got[1] != 17 {
		t.Errorf("Clear: got %v, want 8 and 9", got)
	}
}

func TestAFailureIsNotKept(t *testing.T) {
	var m once.Map[string, int]
	boom := errors.New("boom")
	if _, err := m.Do(t.Context(), "a", func() (int, error) { return 0, boom }); !errors.Is(err, boom) {
		t.Errorf("got %v, want boom", err)
	}
	if v, err := m.Do(t.Context(), "a", func() (int, error) { return 7, nil }); v != 7 || err != nil {
		t.Errorf("after a failure: got %d, %v; want 7", v, err)
	}
}

func TestTheEndOfTheFirstCallerIsNotThatOfTheOthers(t *testing.T) {
	for name, end := range map[string]func(context.CancelFunc) (int, error){
		"cancelled": func(cancel context.CancelFunc) (int, error) { cancel(); return 0, context.Canceled },
		"panicked":  func(context.CancelFunc) (int, error) { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var m once.Map[string, int]
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				proceed := make(chan struct{})
				go func() {
					defer func() { recover() }()
					m.Do(ctx, "a", func() (int, error) { <-proceed; return end(cancel) })
				}()
				synctest.Wait()
				got := make(chan int, 2)
				for range 2 {
					go func() {
						v, err := m.Do(t.Context(), "a", func() (int, error) { return 7, nil })
						if err != nil {
							t.Error(err)
						}
						got <- v
					}()
				}
				synctest.Wait() // both wait for the first
				close(proceed)
				if a, b := <-got, <-got; a != 7 || b != 7 {
					t.Errorf("got %d and %d, want 7 twice", a, b)
				}
			})
		})
	}
}

func TestACallerThatWaitsCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m once.Map[string, int]
		proceed := make(chan struct{})
		go m.Do(t.Context(), "a", func() (int, error) { <-proceed; return 7, nil })
		synctest.Wait()
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		cancel(why)
		if _, err := m.Do(ctx, "a", func() (int, error) { return 8, nil }); !errors.Is(err, why) {
			t.Errorf("got %v, want the cause", err)
		}
		close(proceed)
	})
}
