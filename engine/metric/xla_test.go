//go:build cgo && (linux || darwin)

package metric

import _ "github.com/gomlx/go-xla/compute/xla" // registers "xla"; it loads plugins with C's dlopen
