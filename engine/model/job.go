package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
)

// Job is everything that a trial needs but its seed: pure data, made from a script and a point, able to run without either.
type Job struct {
	Data     spec.Data
	Epochs   int
	Evaluate spec.Evaluate
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

// ID names a trial by its content: the program, every number with its column, the data, the seed. The same trial has the same
// ID in every study, and the text of a script is no part of it.
func (j *Job) ID(seed uint32) string {
	h := sha256.New()
	fmt.Fprintln(h, j.Program.Fingerprint(), j.Data, j.Epochs, j.Evaluate, seed)
	for _, r := range j.Reals {
		fmt.Fprintln(h, r.Value)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
