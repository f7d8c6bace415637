// Package sweep decides what a study runs next: what sources suggest, how judges end or pause a trial, the states of a trial's life, and
// the order of work. All of it is pure: given the same history, every process decides the same. Package execute acts on these
// decisions; the packages below this one hold the sources and the judges.
package sweep

import (
	"errors"

	"github.com/starsweep/starsweep/engine/spec"
)

// Source proposes what to run. Suggestion i is a pure function of i, the study's seed, and what h holds.
type Source interface {
	// Next returns suggestion i. The error is io.EOF if there are no more, and ErrWait if it depends on results that h lacks.
	Next(i int, h History) (Suggestion, error)
}

// ErrWait is the error of a source that is to be asked again after the next result.
var ErrWait = errors.New("the next suggestion depends on results that are missing")

// Suggestion is a trial to run: a point under a seed.
type Suggestion struct {
	Index int        `json:"index"` // from 0, in the order of the source
	Point spec.Point `json:"point"`
	Seed  uint32     `json:"seed"`
	Saw   Seen       `json:"saw,omitempty"` // what it is a function of and no earlier one is; nil if that is nothing
}

// Seen is how trials had ended, or where they rested, when a suggestion was made, by their IDs.
type Seen map[string]Sight

// Sight is a trial at rest as a suggestion saw it. The trial may have gone on since.
type Sight struct {
	State  State `json:"state"`
	Epochs int   `json:"epochs"`
}

// History is all suggestions so far, in their order, with what became of them; of a search that ignores it, the trials in the order in
// which they run. It is read-only. Several suggestions may have the same trial.
type History interface {
	Len() int
	At(i int) Trial
}

// Trials is a history that is held in memory.
type Trials []Trial

// Len is the number of suggestions.
func (ts Trials) Len() int { return len(ts) }

// At is suggestion i.
func (ts Trials) At(i int) Trial { return ts[i] }

// Trial is what is known about a suggestion.
type Trial struct {
	Suggestion
	ID         string
	State      State
	Reason     string // of a final state
	Attempts   int    // times that it was begun since its last epoch
	Budget     int    // epochs that the script asks for
	Evaluation spec.Evaluation
	Epochs     []Epoch // finished, in order
}

// Epoch is a finished epoch of a trial.
type Epoch struct {
	Epoch     int                // from 1
	Evaluated bool               // metrics and tests were measured
	Seconds   float64            // of training and evaluation
	Values    map[string]float64 // by column
}

// Last is the number of epochs that the trial has finished.
func (t Trial) Last() int {
	if len(t.Epochs) == 0 {
		return 0
	}
	return t.Epochs[len(t.Epochs)-1].Epoch
}

// Evaluations are the evaluated epochs that judges look at: those that are due under the trial's budget. A trial that had a smaller
// budget before was also evaluated at its end; if that counted, it could end otherwise than one that had the larger budget at once.
func (t Trial) Evaluations() (due []Epoch) {
	for _, e := range t.Epochs {
		if e.Evaluated && e.Epoch <= t.Budget && t.Evaluation.Due(e.Epoch, t.Budget) {
			due = append(due, e)
		}
	}
	return due
}
