//go:build cgo && (linux || darwin)

package lower_test

import _ "github.com/gomlx/go-xla/compute/xla" // registers "xla"; it loads plugins with C's dlopen
