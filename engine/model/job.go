package model

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/starsweep/starsweep/engine/spec"
)

// Job is everything that a trial needs but its seed: pure data, made from a script and a point, able to run without either.
type Job struct {
	Data     spec.Data
	Epochs   int
	Evaluate spec.Evaluate
	Program  *Program
	Values   []spec.Schedule // of Program.Reals
}

// ID names a trial by its content: the program, every number with its column, the data, the seed. The same trial has the same
// ID in every study, and the text of a script is no part of it.
func (j *Job) ID(seed uint32) string {
	h := sha256.New()
	fmt.Fprintln(h, j.Program.Fingerprint(), j.Data, j.Epochs, j.Evaluate, seed)
	for _, i := range j.Program.used {
		fmt.Fprintf(h, "%s=%v\n", j.Program.Reals[i].Name, j.Values[i])
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
