//go:build !linux && !darwin

package data

import "io/fs"

// changeStamp: these systems have none that programs cannot set.
func changeStamp(fs.FileInfo) (string, bool) { return "", false }
