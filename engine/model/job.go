package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
)

// Job is everything that a trial needs except its seed: pure data, made from a script and a point, which can run without either.
type Job struct {
	Data       spec.Data
	Epochs     int
	Evaluation spec.Evaluation
	Program    *Program
	Reals      []Real // the inputs of the program, in its order, followed by numbers that are only recorded
}

// Columns lists the named numbers, which every epoch records, each once and sorted by name.
func (j *Job) Columns() (columns []Column) {
	seen := map[string]bool{}
	for _, r := range j.Reals {
		for label, s := range r.Value.Named() {
			if !seen[label.Name] {
				seen[label.Name] = true
				columns = append(columns, Column{label, s})
			}
		}
	}
	slices.SortFunc(columns, func(a, b Column) int { return cmp.Compare(a.Name, b.Name) })
	return columns
}

// Column is a number of a trial that every epoch records.
type Column struct {
	spec.Label
	Value spec.Schedule
}

// Inputs identifies what a job reads in addition to its program and its numbers.
type Inputs struct {
	Train   string       // digest of the training images
	Test    string       // digest of the test split; "" if nothing reads it
	Measure spec.Measure // what evaluations compare samples with
}

// Unread identifies inputs that have not been read, by the script's words for them.
func (j *Job) Unread() Inputs {
	measure := func(e spec.Evaluation) spec.Measure {
		return spec.Measure{Metrics: e.Metrics, Samples: e.Samples, Real: e.Real, Features: e.Features}
	}
	m := measure(j.Evaluation)
	if j.Evaluation.Final != nil {
		final := measure(*j.Evaluation.Final)
		m.Final = &final
	}
	return Inputs{Train: j.Data.String(), Measure: m}
}

// Configuration identifies everything that decides a trial's numbers except its seed and its epochs: the program, every number with
// its column, the training images, what evaluations compare with, when, and which of them end a trial. The text of the script is not
// part of it, and neither is anything that changes no number, such as the size of the sample sheet or the path of the images.
// spec.TrialID names a trial by its configuration and its seed.
func (j *Job) Configuration(in Inputs) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %d\n%v\n%v\n", j.Program.Fingerprint(), in.Train, j.Evaluation.Every, in.Measure,
		j.Evaluation.Collapse.Identity())
	for _, r := range j.Reals {
		fmt.Fprintln(&b, r.Value)
	}
	return spec.ContentID(b.String())
}

// Skipped is the error of a point for which the script declares no job, because it skips it.
type Skipped struct{ Reason string }

func (s *Skipped) Error() string { return "skipped: " + s.Reason }
