package sweep_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
)

// climber is a made-up search that reads its history: it suggests a step from the best point among the trials that had ended when it was
// asked. It looks at most two trials ahead, and suggests twelve.
type climber struct{}

func (climber) Next(i int, h sweep.History) (sweep.Suggestion, error) {
	if i >= 12 {
		return sweep.Suggestion{}, io.EOF
	}
	saw, best, from := sweep.Seen{}, -1.0, 0.0
	open := 0
	for j := range h.Len() {
		t := h.At(j)
		if !t.State.Final() && t.State != sweep.Paused {
			open++
			continue
		}
		saw[t.ID] = sweep.Sight{State: t.State, Epochs: t.Last()}
		x, _ := t.Point.Get("x")
		if value := t.Epochs[t.Last()-1].Values["score"]; value > best {
			best, from = value, x.Any().(float64)
		}
	}
	if open >= 2 {
		return sweep.Suggestion{}, sweep.ErrWait
	}
	x := spec.FloatValue(from + 1/float64(i+1))
	return sweep.Suggestion{Index: i, Seed: 3, Saw: saw, Point: spec.Point{{Name: "x", Value: x}}}, nil
}

// halving pauses a trial after its second epoch, until it is in the better half of those that came so far.
type halving struct{}

func (halving) Judge(t sweep.Trial, h sweep.History) sweep.Verdict {
	if t.Last() != 2 {
		return sweep.Verdict{}
	}
	better, all := 0, 0
	for i := range h.Len() {
		if other := h.At(i); other.Last() >= 2 {
			all++
			if other.Epochs[1].Values["score"] > t.Epochs[1].Values["score"] {
				better++
			}
		}
	}
	if 2*(better+1) > all {
		return sweep.Verdict{Action: sweep.Pause}
	}
	return sweep.Verdict{}
}

// sweeping is a made-up executor of several workers over one history.
type sweeping struct {
	trials sweep.Trials
	queue  sweep.Queue
	held   map[int]int // trials by worker
	over   bool        // the source has no more
	asked  []asked
	trains int
}

// asked is a suggestion with the history that its source was given.
type asked struct {
	h    sweep.Trials
	want sweep.Suggestion
}

func (s *sweeping) event(t *testing.T, i int, e sweep.Event) {
	t.Helper()
	next, err := s.trials[i].State.After(e)
	if err != nil {
		t.Fatal(err)
	}
	s.trials[i].State = next
	s.queue.Set(i, sweep.Standing{State: next})
}

// ask asks the source for one more suggestion.
func (s *sweeping) ask(t *testing.T) {
	suggestion, err := climber{}.Next(len(s.trials), s.trials)
	switch {
	case errors.Is(err, io.EOF):
		s.over = true
	case errors.Is(err, sweep.ErrWait):
	case err != nil:
		t.Fatal(err)
	default:
		past := make(sweep.Trials, len(s.trials))
		copy(past, s.trials)
		s.asked = append(s.asked, asked{past, suggestion})
		id := string(rune('a' + suggestion.Index))
		s.trials = append(s.trials, sweep.Trial{Suggestion: suggestion, ID: id, State: sweep.Waiting, Budget: 4,
			Evaluation: spec.Evaluation{Every: 1}})
		s.queue.Set(suggestion.Index, sweep.Standing{State: sweep.Waiting})
	}
}

// train trains one epoch of the trial that a worker holds, and does what the judge says.
func (s *sweeping) train(t *testing.T, worker int) {
	i := s.held[worker]
	trial := &s.trials[i]
	x, _ := trial.Point.Get("x")
	score := x.Any().(float64) * float64(trial.Last()+1)
	trial.Epochs = append(trial.Epochs, sweep.Epoch{Epoch: trial.Last() + 1, Evaluated: true, Values: map[string]float64{"score": score}})
	s.trains++
	switch v := (halving{}).Judge(*trial, s.trials); {
	case v.Action == sweep.Pause:
		delete(s.held, worker)
		s.event(t, i, sweep.Pauses)
	case trial.Last() == trial.Budget:
		delete(s.held, worker)
		s.event(t, i, sweep.Completes)
	}
	for j := range s.trials {
		if s.trials[j].State == sweep.Paused && (halving{}).Judge(s.trials[j], s.trials).Action == sweep.Continue {
			s.event(t, j, sweep.Promotes)
		}
	}
}

// A search that reads its history, and judges that pause, come to an end with any number of workers in any order; every epoch is trained
// once, and each suggestion is the same when its source is asked again with what it saw.
func TestASearchThatReadsItsHistory(t *testing.T) {
	pruned, completed := 0, 0
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 6))
		workers := 1 + random.IntN(4)
		s := sweeping{held: map[int]int{}}
		for steps := 0; !s.over || s.queue.Left() > 0; steps++ {
			if steps > 10_000 {
				t.Fatalf("seed %d: the search does not end", seed)
			}
			worker := random.IntN(workers)
			_, holds := s.held[worker]
			place, do := s.queue.Next()
			switch {
			case holds:
				s.train(t, worker)
			case do == sweep.Run:
				s.held[worker] = place
				s.event(t, place, sweep.Begins)
			default:
				s.ask(t)
			}
		}
		epochs := 0
		for i, trial := range s.trials {
			if trial.State == sweep.Paused {
				s.event(t, i, sweep.Prunes)
			}
			switch s.trials[i].State {
			case sweep.Pruned:
				pruned++
			case sweep.Completed:
				completed++
			default:
				t.Fatalf("seed %d: got the trial %s at the end", seed, s.trials[i].State)
			}
			epochs += trial.Last()
		}
		if len(s.trials) != 12 || epochs != s.trains {
			t.Fatalf("seed %d: got %d trials of %d epochs, and %d were trained", seed, len(s.trials), epochs, s.trains)
		}
		for _, a := range s.asked {
			if again, err := (climber{}).Next(a.want.Index, a.h); err != nil || !reflect.DeepEqual(again, a.want) {
				t.Fatalf("seed %d: got %+v and then %+v, %v", seed, a.want, again, err)
			}
		}
	}
	if pruned == 0 || completed == 0 {
		t.Errorf("got %d pruned and %d completed trials, want both", pruned, completed)
	}
}
