package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
)

// Job is everything that a trial needs but its seed: pure data, made from a script and a point, able to run without either.
type Job struct {
	Data     spec.Data
	Epochs   int
	Evaluate spec.Evaluation
	Program  *Program
	Reals    []Real // the inputs of the program, in its order, and after them numbers that are only recorded
}

// Columns lists the numbers with names, which every epoch records, each once, by name.
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

// Inputs is what a job reads besides its program and its numbers.
type Inputs struct {
	Train   string       // digest of the training images
	Test    string       // digest of the test split; "" where nothing reads it
	Measure spec.Measure // what evaluations compare with
}

// Unread stands for inputs that nobody has looked at: by the script's words for them.
func (j *Job) Unread() Inputs {
	e := j.Evaluate
	m := spec.Measure{Metrics: e.Metrics, Samples: e.Samples, Real: e.Real, Features: e.Features}
	return Inputs{Train: j.Data.String(), Measure: m}
}

// Configuration identifies all that decides a trial's numbers but its seed and its length: the program, every number with its
// column, the training images, what evaluations compare with, when, and which of them end a trial. Neither the text of the script
// is part of it nor what changes no number, such as the size of the sheet of samples or where the images lie.
func (j *Job) Configuration(in Inputs) string {
	return digest(func(w io.Writer) {
		fmt.Fprintf(w, "%s %s %d\n%v\n%v\n", j.Program.Fingerprint(), in.Train, j.Evaluate.Every, in.Measure, j.Evaluate.Collapse)
		for _, r := range j.Reals {
			fmt.Fprintln(w, r.Value)
		}
	})
}

// ID identifies a trial: a configuration, a seed, and a length. The same trial has the same ID in every study.
func (j *Job) ID(configuration string, seed uint32) string {
	return digest(func(w io.Writer) { fmt.Fprintln(w, configuration, seed, j.Epochs) })
}

// digest is 16 hexadecimal digits that stand for a text.
func digest(write func(io.Writer)) string {
	h := sha256.New()
	write(h)
	return hex.EncodeToString(h.Sum(nil))[:16]
}
