package sweep_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/starsweep/starsweep/runner/sweep"
)

// next is what a queue says, by its definition.
func next(standings map[int]sweep.Standing, places int) (place int, do sweep.Task) {
	bestClass := sweep.GiveUpAfter + 1
	for i := range places {
		s, ok := standings[i]
		if !ok || s.State != sweep.Waiting {
			continue
		}
		class := 0
		if s.Attempts >= sweep.LateAfter {
			class = min(s.Attempts, sweep.GiveUpAfter)
		}
		if class < bestClass {
			bestClass, place, do = class, i, sweep.Run
			switch {
			case class == sweep.GiveUpAfter:
				do = sweep.GiveUp
			case class >= sweep.LateAfter:
				do = sweep.Alone
			}
		}
	}
	return place, do
}

func TestAQueueIsAFunctionOfTheStandings(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, places := range []int{1, 5, 64, 65, 300, 5000} {
		var q sweep.Queue
		standings := map[int]sweep.Standing{}
		for range 1000 {
			place := random.IntN(places)
			s := sweep.Standing{State: sweep.States[random.IntN(len(sweep.States))], Attempts: random.IntN(9)}
			if random.IntN(20) == 0 {
				s.Attempts = 1000 // more than a byte holds
			}
			standings[place] = s
			q.Set(place, s)
			left := 0
			for _, s := range standings {
				if s.State == sweep.Waiting || s.State == sweep.Running {
					left++
				}
			}
			want, task := next(standings, places)
			if got, do := q.Next(); got != want || do != task || q.Left() != left {
				t.Fatalf("%d places: got %d, %d with %d left, want %d, %d with %d", places, got, do, q.Left(), want, task, left)
			}
		}
		// The same standings in another order, or by other ways, are the same queue.
		var other sweep.Queue
		for _, place := range random.Perm(places) {
			if s, ok := standings[place]; ok {
				other.Set(place, sweep.Standing{State: sweep.Running})
				other.Set(place, s)
			}
		}
		for {
			got, do := other.Next()
			if want, task := q.Next(); got != want || do != task || q.Left() != other.Left() {
				t.Fatalf("got %d, %d, want %d, %d", got, do, want, task)
			}
			if do == sweep.Nothing {
				break
			}
			q.Set(got, sweep.Standing{State: sweep.Completed})
			other.Set(got, sweep.Standing{State: sweep.Completed})
		}
	}
}

// study is a made-up study of several workers that all know the same journal and die at random moments.
type study struct {
	trials  []sweep.Trial
	deadly  map[int]bool // trials that kill their workers before they finish an epoch
	begins  []int        // trials in the order in which they began
	held    map[int]int  // by worker
	trained map[[2]int]int
}

func (s *study) event(t *testing.T, i int, e sweep.Event) {
	t.Helper()
	next, err := s.trials[i].State.After(e)
	if err != nil {
		t.Fatal(err)
	}
	s.trials[i].State = next
}

func (s *study) standing(i int) sweep.Standing {
	return sweep.Standing{State: s.trials[i].State, Attempts: s.trials[i].Attempts}
}

// step lets a worker do one thing: take a trial, train an epoch, or die.
func (s *study) step(t *testing.T, q *sweep.Queue, worker int, dies bool) {
	i, holds := s.held[worker]
	if !holds {
		place, do := q.Next()
		switch do {
		case sweep.Run, sweep.Alone:
			s.held[worker] = place
			s.trials[place].Attempts++
			s.begins = append(s.begins, place)
			s.event(t, place, sweep.Begins)
			q.Set(place, s.standing(place))
		case sweep.GiveUp:
			s.event(t, place, sweep.Fails)
			q.Set(place, s.standing(place))
		}
		return
	}
	trial := &s.trials[i]
	switch {
	case dies || s.deadly[i]:
		delete(s.held, worker)
		s.event(t, i, sweep.Leaves)
	default:
		trial.Epochs = append(trial.Epochs, sweep.Epoch{Epoch: trial.Last() + 1})
		trial.Attempts = 0
		s.trained[[2]int{i, trial.Last()}]++
		if trial.Last() == trial.Budget {
			delete(s.held, worker)
			s.event(t, i, sweep.Completes)
		}
	}
	q.Set(i, s.standing(i))
}

// Whatever the interleaving of workers and their deaths, every trial ends, every epoch is trained once, and a trial that kills its
// workers is begun six times and then fails, after all others have had their turn.
func TestNoTrialIsLostOrTrainedTwice(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 5))
		trials, workers := 1+random.IntN(20), 1+random.IntN(4)
		s := study{trials: make([]sweep.Trial, trials), deadly: map[int]bool{}, held: map[int]int{}, trained: map[[2]int]int{}}
		var q sweep.Queue
		for i := range s.trials {
			s.trials[i] = sweep.Trial{State: sweep.Waiting, Budget: 1 + random.IntN(4)}
			s.deadly[i] = random.IntN(6) == 0
			q.Set(i, s.standing(i))
		}
		for steps := 0; q.Left() > 0; steps++ {
			if steps > 10_000 {
				t.Fatalf("seed %d: the study does not end", seed)
			}
			// A worker that is killed has finished an epoch since it began: only trials are deadly before.
			worker := random.IntN(workers)
			i, holds := s.held[worker]
			dies := holds && s.trials[i].Attempts == 0 && random.IntN(3) == 0
			s.step(t, &q, worker, dies)
		}
		begins := map[int]int{}
		for _, i := range s.begins {
			begins[i]++
		}
		for i, trial := range s.trials {
			switch {
			case s.deadly[i] && (trial.State != sweep.Failed || begins[i] != sweep.GiveUpAfter || trial.Last() != 0):
				t.Fatalf("seed %d: got a deadly trial that is %s after %d attempts", seed, trial.State, begins[i])
			case !s.deadly[i] && (trial.State != sweep.Completed || trial.Last() != trial.Budget):
				t.Fatalf("seed %d: got trial %d %s after %d of %d epochs", seed, i, trial.State, trial.Last(), trial.Budget)
			}
		}
		for at, n := range s.trained {
			if n != 1 {
				t.Fatalf("seed %d: epoch %d of trial %d was trained %d times", seed, at[1], at[0], n)
			}
		}
		if workers == 1 { // with more, others may still run
			first := map[int]bool{}
			for n, i := range s.begins {
				if first[i] = true; begins[i] == sweep.GiveUpAfter && count(s.begins[:n+1], i) == sweep.LateAfter+1 && len(first) != trials {
					t.Fatalf("seed %d: trial %d began for the fourth time before others had begun: %v", seed, i, s.begins)
				}
			}
		}
	}
}

func count(list []int, x int) (n int) {
	for _, y := range list {
		if x == y {
			n++
		}
	}
	return n
}

func TestPausedTrialsWaitForTheirPromotion(t *testing.T) {
	var q sweep.Queue
	q.Set(0, sweep.Standing{State: sweep.Paused})
	q.Set(1, sweep.Standing{State: sweep.Waiting})
	if place, do := q.Next(); place != 1 || do != sweep.Run {
		t.Errorf("got %d, %d, want trial 1", place, do)
	}
	q.Set(1, sweep.Standing{State: sweep.Completed})
	if _, do := q.Next(); do != sweep.Nothing || q.Left() != 0 {
		t.Errorf("got %d with %d left, want nothing to do", do, q.Left())
	}
	q.Set(0, sweep.Standing{State: sweep.Waiting})
	if place, do := q.Next(); place != 0 || do != sweep.Run || q.Left() != 1 {
		t.Errorf("got %d, %d, want the promoted trial", place, do)
	}
}

func TestAMillionTrialsTakeTheirTurns(t *testing.T) {
	const trials, most = 1_000_000, 2 // bytes a trial
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	start := time.Now()
	q := new(sweep.Queue)
	for i := range trials {
		q.Set(i, sweep.Standing{State: sweep.Waiting})
	}
	if got := (heap() - before) / trials; got > most {
		t.Errorf("got %d bytes a trial, want at most %d", got, most)
	}
	for want := range trials {
		got, do := q.Next()
		if got != want || do != sweep.Run {
			t.Fatalf("got %d, %d, want trial %d", got, do, want)
		}
		q.Set(got, sweep.Standing{State: sweep.Completed})
	}
	t.Logf("%d trials in %v", trials, time.Since(start))
	if _, do := q.Next(); do != sweep.Nothing || q.Left() != 0 {
		t.Errorf("got %d trials left", q.Left())
	}
}

func ExampleQueue() {
	var q sweep.Queue
	for place, s := range []sweep.Standing{{State: sweep.Completed}, {State: sweep.Waiting, Attempts: 3}, {State: sweep.Waiting}} {
		q.Set(place, s)
	}
	place, _ := q.Next()
	fmt.Println(place)
	// Output: 2
}
