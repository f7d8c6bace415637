package kern

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestEveryPieceIsComputedOnce(t *testing.T) {
	for _, size := range []int{1, 2, 5} {
		team := NewTeam(size)
		for _, n := range []int{0, 1, 3, 100} {
			seen := make([]int, n)
			team.Each(n, func(w, i int) {
				if w < 0 || w >= size {
					t.Errorf("worker %d of %d", w, size)
				}
				seen[i]++
			})
			for i, s := range seen {
				if s != 1 {
					t.Errorf("%d of %d was handed out %d times to a team of %d", i, n, s, size)
				}
			}
		}
	}
}

func TestTasksShareATeamConcurrently(t *testing.T) {
	const tasks, rounds, n = 7, 200, 9
	team := NewTeam(3)
	var wg sync.WaitGroup
	for range tasks {
		wg.Go(func() {
			for range rounds {
				var seen [n]int
				var busy [3]bool // by worker
				team.Share(n, func(w int, next func() int) {
					if busy[w] {
						t.Errorf("two workers have number %d", w)
					}
					busy[w] = true
					for i := next(); i >= 0; i = next() {
						if i%4 == 0 {
							runtime.Gosched()
						}
						seen[i]++
					}
					busy[w] = false
				})
				if seen != [n]int{1, 1, 1, 1, 1, 1, 1, 1, 1} {
					t.Errorf("pieces were handed out %v times", seen)
				}
			}
		})
	}
	wg.Wait()
}

func TestTasksNest(t *testing.T) {
	team := NewTeam(2)
	var sum atomic.Int64
	team.Each(10, func(_, i int) {
		team.Each(10, func(_, j int) { sum.Add(int64(i * j)) })
	})
	if sum.Load() != 45*45 {
		t.Errorf("sum is %d, want %d", sum.Load(), 45*45)
	}
}

func TestIdleHelpersExit(t *testing.T) {
	team := NewTeam(4)
	for range 100 {
		team.Each(8, func(_, _ int) {})
	}
	for start := time.Now(); len(team.pool.idle) < 3; time.Sleep(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%d of 3 helpers are gone", len(team.pool.idle))
		}
	}
}
