//go:build !(cgo && (linux || darwin))

package lower

import "github.com/gomlx/compute"

// HasXLA reports whether this binary can load PJRT plugins.
const HasXLA = false

// openXLA fails: go-xla loads plugins with C's dlopen.
func openXLA(string) (compute.Backend, error) { return nil, ErrNoCgo }
