package sweep

import (
	"fmt"
	"math/bits"
)

// Queue says which trial runs next. It is a function of the standings of the trials, however they came about: processes that know the
// same take the same trial. Trials have places, from 0, in which they run unless workers keep dying of them. The zero Queue has none.
//
// A queue takes two bytes a trial, and finds the next trial in constant time.
type Queue struct {
	ranks   []rank // by place
	waiting [ranked]placeSet
	left    int // waiting or running
}

// Standing is what decides whether a trial runs, and when.
type Standing struct {
	State    State // Running if a live worker holds the trial, in this process or another; of one that a dead worker held, Waiting
	Attempts int   // times that it was begun since its last epoch
}

// A trial whose workers end before it has finished an epoch may be what ends them. Trials beside it in the same processes have as many
// attempts: only alone does each show whether it is the one.
const (
	LateAfter   = 3 // attempts after which a trial runs after all others, and alone
	GiveUpAfter = 6 // attempts after which it fails
)

// GiveUpReason is the reason of a trial that fails after GiveUpAfter attempts.
var GiveUpReason = fmt.Sprintf("its worker ended %d times before it finished an epoch", GiveUpAfter)

// Task is what is to be done with a trial.
type Task uint8

const (
	Nothing Task = iota // no trial is waiting
	Run
	Alone  // run it while its process runs no other
	GiveUp // record that it failed, with GiveUpReason
)

// rank orders waiting trials: below GiveUpAfter by attempts, those with fewer than LateAfter alike.
type rank uint8

const (
	late   = 1                                    // the rank after LateAfter attempts
	giveUp = rank(GiveUpAfter - LateAfter + late) // the last rank of waiting trials
	ranked = giveUp + 1
	absent = ranked     // the place is not set
	held   = ranked + 1 // running
	rests  = ranked + 2 // paused or final
)

func rankOf(s Standing) rank {
	switch {
	case s.State == Running:
		return held
	case s.State != Waiting:
		return rests
	case s.Attempts < LateAfter:
		return 0
	}
	return rank(min(s.Attempts, GiveUpAfter)-LateAfter) + late
}

// Set sets the standing of the trial in a place.
func (q *Queue) Set(place int, s Standing) {
	for len(q.ranks) <= place {
		q.ranks = append(q.ranks, absent)
	}
	was, is := q.ranks[place], rankOf(s)
	if was == is {
		return
	}
	q.ranks[place] = is
	q.count(place, was, false)
	q.count(place, is, true)
}

// count counts a place in or out of those with a rank.
func (q *Queue) count(place int, r rank, in bool) {
	if r < ranked {
		q.waiting[r].set(place, in)
	}
	if r < ranked || r == held {
		if in {
			q.left++
		} else {
			q.left--
		}
	}
}

// Next is the trial to take next, and what to do with it. The trial stays in the queue until its standing changes.
func (q *Queue) Next() (place int, do Task) {
	for r := range q.waiting {
		if place, ok := q.waiting[r].first(); ok {
			switch r := rank(r); {
			case r == giveUp:
				return place, GiveUp
			case r >= late:
				return place, Alone
			}
			return place, Run
		}
	}
	return 0, Nothing
}

// Left is the number of trials that are waiting or running. Once it is 0, only what a source suggests or promotes can run.
func (q *Queue) Left() int { return q.left }

// placeSet is a set of places. Bit i of level 0 is place i, and bit i of another level says whether word i of the level below has any.
type placeSet [placeLevels][]uint64

// placeLevels bounds places by 64^4, many times spec.MaxPoints.
const placeLevels = 4

func (s *placeSet) set(place int, in bool) {
	for level := range s {
		word, bit := place/64, uint64(1)<<(place%64)
		for len(s[level]) <= word {
			s[level] = append(s[level], 0)
		}
		if in {
			s[level][word] |= bit
		} else {
			s[level][word] &^= bit
		}
		place, in = word, s[level][word] != 0
	}
}

func (s *placeSet) first() (place int, ok bool) {
	if len(s[placeLevels-1]) == 0 || s[placeLevels-1][0] == 0 {
		return 0, false
	}
	for level := placeLevels - 1; level >= 0; level-- {
		place = place*64 + bits.TrailingZeros64(s[level][place])
	}
	return place, true
}
