//go:build cgo && (linux || darwin)

package lower

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
)

// HasXLA reports whether this binary can load PJRT plugins.
const HasXLA = true

// openXLA loads the plugin with dlopen, the only part of go-xla that needs C. The config is an absolute path and options.
func openXLA(config string) (compute.Backend, error) { return xla.New(config) }
