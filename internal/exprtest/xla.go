//go:build cgo && (linux || darwin)

package exprtest

import _ "github.com/gomlx/go-xla/compute/xla" // registers "xla"; it loads plugins with C's dlopen
