package data

import (
	"math"

	"github.com/starsweep/starsweep/engine/spec"
)

// Spec says which images a script asks for.
type Spec = spec.Data

// maxSize bounds the sides of stored images, so that a corrupt header cannot ask for terabytes.
const maxSize = spec.MaxDataSize

// or is value, or the default where value is zero.
func or[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
