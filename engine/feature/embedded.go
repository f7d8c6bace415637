package feature

import (
	"encoding/json"

	"github.com/starsweep/starsweep/engine/feature/small"
	"github.com/starsweep/starsweep/engine/spec"
)

// The classifiers in the binary. Package small has their files, and the scripts that trained them.
var (
	smallMNIST = row{spec.Extractor{Name: "small-mnist", Builtin: "small", Doc: "a small classifier of MNIST that starsweep trained",
		Width: 128, Logits: true, Channels: 1}, smallBatch, embedded("small-mnist"),
		memory{logits: 10, fixed: 400 << 10, image: 78 << 10}}
	smallCIFAR10 = row{spec.Extractor{Name: "small-cifar10", Builtin: "small", Doc: "a small classifier of CIFAR-10 that starsweep trained",
		Width: 128, Logits: true, Channels: 3, Converts: true, Set: "cifar10"}, smallBatch, embedded("small-cifar10"),
		memory{logits: 10, fixed: 1500 << 10, image: 216 << 10}}
)

// embedded is a network in the binary.
func embedded(name string) func(Store) (content, error) {
	return func(Store) (content, error) {
		file, err := small.Embedded(name)
		if err != nil {
			return content{}, err
		}
		return declaredIn(file)
	}
}

// declaredIn is a network in a file of package small.
func declaredIn(file []byte) (c content, err error) {
	n, tensors, _, err := small.Unmarshal(file)
	if err != nil {
		return c, err
	}
	c.network, c.probe, c.weights = declared(n), [4]int{1, n.Size, n.Size, n.Channels}, weights{}
	for name, t := range tensors {
		c.weights[name] = tensor{t.Shape, t.Data}
	}
	c.layers, err = json.Marshal(n)
	return c, err
}
