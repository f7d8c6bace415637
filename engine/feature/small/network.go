// Package small defines the files of small networks, whose features compare images when the weights of Inception are absent, and
// embeds two of them. A file is safetensors: float16 weights, and in its metadata a declaration of the layers from which the network
// can be built. The package imports internal/floats and internal/safetensors; engine/feature runs the networks, and the command
// pack makes the files from checkpoints that the scripts in this folder trained.
package small

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Network declares a classifier of images [b h w c] with values in [-1, 1], layer by layer.
type Network struct {
	Name     string  `json:"name"`
	Size     int     `json:"size"`     // images are Size x Size pixels
	Channels int     `json:"channels"` // 1 or 3
	Layers   []Layer `json:"layers"`   // the output of the last is the logits
	Feature  string  `json:"feature"`  // the layer whose output, [b c], is the features
}

// Layer is one step. It has the numbers of its kind and no others:
//
//	conv             [b h w c] -> [b h w c=filters]  kernel x kernel taps, stride, zero padding "same" as in Keras, a bias
//	batch_norm       [b h w c] -> [b h w c]          eps; only after a conv, until it is folded into it
//	relu             max(x, 0)
//	max_pool         [b h w c] -> [b h w c]          over window x window pixels with stride window, no padding
//	global_avg_pool  [b h w c] -> [b c]              mean over all pixels
//	dense            [b c] -> [b c=units]            a bias
type Layer struct {
	Kind    string  `json:"kind"`
	Filters int     `json:"filters,omitempty"`
	Kernel  int     `json:"kernel,omitempty"`
	Stride  int     `json:"stride,omitempty"`
	Window  int     `json:"window,omitempty"`
	Units   int     `json:"units,omitempty"`
	Eps     float64 `json:"eps,omitempty"`
}

// Named lists the layers with their names: the kind and a count, as in conv2. Tensors are named after them.
func (n *Network) Named() iter.Seq2[string, Layer] {
	return func(yield func(string, Layer) bool) {
		count := map[string]int{}
		for _, l := range n.Layers {
			count[l.Kind]++
			if !yield(fmt.Sprint(l.Kind, count[l.Kind]), l) {
				return
			}
		}
	}
}

// ParseNetwork reads a declaration in JSON. Unknown fields are an error.
func ParseNetwork(text []byte) (*Network, error) {
	var n Network
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&n)
	if err == nil {
		_, err = n.walk()
	}
	if err != nil {
		return nil, fmt.Errorf("declaration of a network: %w", err)
	}
	return &n, nil
}

// walk follows the shapes from the images to the logits. It returns the shape of every tensor, or the first error.
func (n *Network) walk() (tensors map[string][]int, err error) {
	last := len(n.Layers) - 1
	switch {
	case n.Name == "":
		return nil, errors.New("got no name, want one")
	case n.Size < 1:
		return nil, fmt.Errorf("size: got %d, want at least 1", n.Size)
	case n.Channels != 1 && n.Channels != 3:
		return nil, fmt.Errorf("channels: got %d, want 1 or 3", n.Channels)
	case last < 0 || n.Layers[last].Kind != "dense":
		return nil, errors.New("layers: want a dense layer at the end, for the logits")
	}
	tensors, x, before, found := map[string][]int{}, shape{n.Size, n.Channels}, "", false
	for name, l := range n.Named() {
		if err := l.check(x, before); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		switch before = l.Kind; l.Kind {
		case "conv":
			tensors[name+"/kernel"], tensors[name+"/bias"] = []int{l.Kernel, l.Kernel, x.channels, l.Filters}, []int{l.Filters}
			x = shape{(x.side + l.Stride - 1) / l.Stride, l.Filters}
		case "max_pool":
			x.side /= l.Window
		case "global_avg_pool":
			x.side = 0
		case "dense":
			tensors[name+"/kernel"], tensors[name+"/bias"] = []int{x.channels, l.Units}, []int{l.Units}
			x.channels = l.Units
		}
		found = found || name == n.Feature && x.side == 0
	}
	if !found {
		return nil, fmt.Errorf("feature: got %q, want a layer whose output is [b c]", n.Feature)
	}
	return tensors, nil
}

// shape is the output of a layer: images of side x side pixels, or [b c], where side is 0.
type shape struct{ side, channels int }

func (s shape) String() string {
	if s.side == 0 {
		return fmt.Sprintf("[b c%d]", s.channels)
	}
	return fmt.Sprintf("[b h%d w%d c%d]", s.side, s.side, s.channels)
}

// numbers lists the numbers of each kind of layer.
var numbers = map[string][]string{
	"conv": {"filters", "kernel", "stride"}, "batch_norm": {"eps"}, "relu": {}, "max_pool": {"window"}, "global_avg_pool": {},
	"dense": {"units"},
}

// check validates a layer that reads x and follows a layer of the kind before.
func (l Layer) check(x shape, before string) error {
	own, known := numbers[l.Kind]
	if !known {
		return fmt.Errorf("want one of the kinds %s", strings.Join(slices.Sorted(maps.Keys(numbers)), ", "))
	}
	given := map[string]float64{"filters": float64(l.Filters), "kernel": float64(l.Kernel), "stride": float64(l.Stride),
		"window": float64(l.Window), "units": float64(l.Units), "eps": l.Eps}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch v, wanted := given[name], slices.Contains(own, name); {
		case wanted && v <= 0:
			return fmt.Errorf("%s: got %g, want a positive number", name, v)
		case !wanted && v != 0:
			return fmt.Errorf("%s: got %g, want none: the numbers of this kind are %q", name, v, own)
		}
	}
	switch {
	case l.Kind == "dense" && x.side > 0:
		return fmt.Errorf("got %v, want [b c]", x)
	case l.Kind != "dense" && l.Kind != "relu" && x.side == 0:
		return fmt.Errorf("got %v, want images", x)
	case l.Kind == "max_pool" && x.side%l.Window != 0:
		return fmt.Errorf("got %v, want a multiple of %d pixels", x, l.Window)
	case l.Kind == "batch_norm" && before != "conv":
		return errors.New("want it directly after a conv")
	}
	return nil
}
