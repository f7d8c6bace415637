package spec

import "fmt"

// Evaluate says when and how a trial is looked at.
type Evaluate struct {
	Every   int // epochs between evaluations; the last epoch is always one
	Samples int // images in the sample grid
}

// Due reports whether an epoch, counted from 1, is evaluated.
func (e Evaluate) Due(epoch, epochs int) bool {
	return epoch == epochs || e.Every > 0 && epoch%e.Every == 0
}

// String is canonical.
func (e Evaluate) String() string { return fmt.Sprintf("every=%d samples=%d", e.Every, e.Samples) }
