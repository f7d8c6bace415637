package parallel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/parallel"
)

func TestEveryIterationRunsOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 7} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
			for _, n := range []int{0, 1, 2, 1000} {
				count := make([]atomic.Int32, n)
				parallel.Each(n, func(i int) { count[i].Add(1) })
				for i := range count {
					if got := count[i].Load(); got != 1 {
						t.Errorf("n = %d: got %d calls of f(%d), want 1", n, got, i)
					}
				}
			}
		})
	}
}

const forever = 1 << 40 // iterations, which a loop that does not stop takes hours for

func TestTheErrorIsThatOfTheLowestIteration(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for range 100 {
		later := make(chan struct{})
		err := parallel.For(t.Context(), forever, func(i int) error {
			switch i {
			case 1:
				<-later // so that it fails after 2
			case 2:
				defer close(later)
			default:
				return nil
			}
			return fmt.Errorf("error of %d", i)
		})
		if err == nil || err.Error() != "error of 1" {
			t.Fatalf("got %v, want the error of 1", err)
		}
	}
}

func TestACancelledLoopReturnsTheCause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	var calls atomic.Int32
	err := parallel.For(ctx, forever, func(i int) error {
		if calls.Add(1) == 100 {
			cancel(enough)
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Errorf("got %v, want %v", err, enough)
	}
}

func TestIterationsRunAtTheSameTime(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	meet := make(chan struct{})
	parallel.Each(3, func(i int) {
		if i == 2 {
			close(meet)
		}
		select {
		case <-meet:
		case <-time.After(10 * time.Second):
			t.Error("the iterations did not meet")
		}
	})
}
