//go:build !amd64

package kern

func nativeSets() []*Set { return nil }
