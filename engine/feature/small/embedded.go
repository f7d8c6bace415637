package small

import "embed"

//go:embed small-*.safetensors
var files embed.FS

// Embedded returns the file of a network in the binary: small-mnist or small-cifar10. README.md has their accuracy.
func Embedded(name string) ([]byte, error) { return files.ReadFile(name + ".safetensors") }
