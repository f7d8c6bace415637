package data

import (
	"math"

	"github.com/starsweep/starsweep/engine/spec"
)

// Spec says which images a script asks for.
type Spec = spec.Data

// maxSize bounds the sides of stored images, so that a corrupt header cannot ask for terabytes.
const maxSize = spec.MaxDataSize

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
