//go:build cgo && (linux || darwin)

package feature

import _ "github.com/gomlx/go-xla/compute/xla" // registers "xla"; it loads plugins with C's dlopen
