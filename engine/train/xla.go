//go:build cgo && (linux || darwin)

package train

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
)

const canXLA = true

// openXLA loads the plugin with dlopen, which is all that go-xla needs of C. The config is an absolute path and options.
func openXLA(config string) (compute.Backend, error) { return xla.New(config) }
