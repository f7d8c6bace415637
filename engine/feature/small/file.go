package small

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/starsweep/starsweep/internal/floats"
	"github.com/starsweep/starsweep/internal/safetensors"
)

// Weights are a network's tensors: conv1/kernel [h w i o], conv1/bias [o], dense1/kernel [c o], dense1/bias [o].
type Weights map[string]Tensor

// Tensor is an array of numbers, row-major.
type Tensor struct {
	Shape []int
	Data  []float32
}

const networkKey = "network" // of the metadata: the declaration

// Marshal makes the file of a network whose batch norms are folded, with the caller's metadata in addition to the declaration. The
// same arguments make the same bytes.
func Marshal(n *Network, w Weights, metadata map[string]string) ([]byte, error) {
	if err := n.check(w); err != nil {
		return nil, err
	}
	declaration, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	all := map[string]string{networkKey: string(declaration)}
	maps.Copy(all, metadata)
	var tensors []safetensors.Tensor
	for _, name := range slices.Sorted(maps.Keys(w)) {
		data := make([]byte, 0, 2*len(w[name].Data))
		for i, v := range w[name].Data {
			if data, err = floats.AppendF16(data, v); err != nil {
				return nil, fmt.Errorf("tensor %s: element %d: %w", name, i, err)
			}
		}
		tensors = append(tensors, safetensors.Tensor{Name: name, DType: safetensors.F16, Shape: w[name].Shape, Data: data})
	}
	var b bytes.Buffer
	err = safetensors.Write(&b, tensors, all)
	return b.Bytes(), err
}

// Unmarshal reads a file that Marshal made: the network, its weights and the caller's metadata.
func Unmarshal(file []byte) (n *Network, w Weights, metadata map[string]string, err error) {
	tensors, metadata, err := safetensors.Read(file)
	if err != nil {
		return nil, nil, nil, err
	}
	declaration, ok := metadata[networkKey]
	if !ok {
		return nil, nil, nil, fmt.Errorf("the metadata lack %q, the declaration of the layers", networkKey)
	}
	delete(metadata, networkKey)
	if n, err = ParseNetwork([]byte(declaration)); err != nil {
		return nil, nil, nil, err
	}
	w = Weights{}
	for _, t := range tensors {
		if t.DType != safetensors.F16 {
			return nil, nil, nil, fmt.Errorf("tensor %s: got %s, want %s", t.Name, t.DType, safetensors.F16)
		}
		data := make([]float32, len(t.Data)/2)
		for i := range data {
			data[i] = floats.F16(t.Data[2*i:])
		}
		w[t.Name] = Tensor{t.Shape, data}
	}
	if err := n.check(w); err != nil {
		return nil, nil, nil, err
	}
	return n, w, metadata, nil
}

// check compares weights with the layers: none may be missing or extra, and all must have their shapes.
func (n *Network) check(w Weights) error {
	want, err := n.walk()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(n.Layers, func(l Layer) bool { return l.Kind == "batch_norm" }) {
		return errors.New("got a batch_norm, want it folded into the conv before it")
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if t, ok := w[name]; !ok {
			errs = append(errs, fmt.Errorf("tensor %s is missing, want %v", name, want[name]))
		} else if !slices.Equal(t.Shape, want[name]) {
			errs = append(errs, fmt.Errorf("tensor %s: got %v, want %v", name, t.Shape, want[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if _, ok := want[name]; !ok {
			errs = append(errs, fmt.Errorf("tensor %s belongs to no layer", name))
		}
	}
	return errors.Join(errs...)
}
