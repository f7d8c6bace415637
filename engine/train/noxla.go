//go:build !(cgo && (linux || darwin))

package train

import "github.com/gomlx/compute"

const canXLA = false

// openXLA fails: go-xla loads plugins with C's dlopen.
func openXLA(string) (compute.Backend, error) { return nil, errNoCgo }
