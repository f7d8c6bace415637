package feature

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
)

// A Description of a network stands in the metadata of its safetensors file, under DescriptionKey, as JSON, so that a network
// that was trained by a script needs no code here:
//
//	{"name": "small-mnist", "input": [28, 28, 1], "layers": [
//	    {"op": "conv", "name": "classifier/conv1", "stride": 2},
//	    {"op": "batch_norm", "name": "classifier/batch_norm1"},
//	    {"op": "relu"},
//	    {"op": "mean"},
//	    {"op": "features"},
//	    {"op": "dense", "name": "classifier/dense1"}]}
//
// The network reads images [b h w c] in [-1, 1], as training does, and ends with its logits. A grey image is repeated where it
// wants three channels; an image of another size is resized (bilinear, half-pixel). Layers and tensors are those of the script
// language:
//
//	conv        name/kernel [h w i o], name/bias [o] (may be missing); stride, 1 unless said; "same" padding
//	dense       name/kernel [c o], name/bias [o] (may be missing)
//	batch_norm  right after a conv or a dense: name/mean and name/variance [c], name/gamma and name/beta [c] (may be missing);
//	            eps, 1e-3 unless said
//	relu
//	max_pool    size x size pixels, stride size, no padding
//	mean        the average over h and w: [b h w c] -> [b c]
//	features    what has come so far, [b c], is the features: once
type Description struct {
	Name   string  `json:"name"`
	Input  [3]int  `json:"input"` // h, w, c of the images that it reads
	Layers []Layer `json:"layers"`
}

// Layer is one step of a Description; unused fields are zero.
type Layer struct {
	Op     string  `json:"op"`
	Name   string  `json:"name,omitempty"` // of its tensors
	Stride int     `json:"stride,omitempty"`
	Size   int     `json:"size,omitempty"`
	Eps    float64 `json:"eps,omitempty"`
}

// DescriptionKey is where metadata has a Description.
const DescriptionKey = "starsweep.network"

// describe reads a Description from metadata.
func describe(text string) (d Description, err error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return d, fmt.Errorf("metadata %s: %w", DescriptionKey, err)
	}
	return d, nil
}

// network is the network that the description tells of, its batch norms folded.
func (d Description) network(b *builder, x node) (features, logits node) {
	h, w, c := d.Input[0], d.Input[1], d.Input[2]
	if c == 3 {
		x = b.colour(x)
	}
	if got := x.Shape.Size('c'); got != c {
		b.fail("got images with %d channels, want %d", got, c)
	}
	x = b.centre(expr.ResizeBilinear(x, h, w))
	for i, l := range d.Layers {
		if len(b.faults) > 0 { // what follows would only repeat them
			return features, nil
		}
		op, ok := ops[l.Op]
		switch {
		case l.Op == "features" && features == nil && x.Shape.Axes() == "bc":
			features = x
		case l.Op == "features":
			b.fail("layer %d: features: got %v, want [b c], once", i, x.Shape)
		case !ok:
			b.fail("layer %d: got %q, want one of conv, dense, batch_norm, relu, max_pool, mean, features", i, l.Op)
		default:
			x = op(b, l, x)
		}
	}
	switch {
	case features == nil:
		b.fail("none of the layers is features")
	case x != features:
		logits = x
	}
	return features, logits
}

// ops is what the layers do. batch_norm is not among them: fold takes it out.
var ops = map[string]func(b *builder, l Layer, x node) node{
	"conv": func(b *builder, l Layer, x node) node {
		kernel := b.weights[l.Name+"/kernel"].shape
		if len(kernel) != 4 {
			b.fail("%s/kernel: got %v, want [h w i o]", l.Name, kernel)
			return x
		}
		along := func(a byte, i int) expr.Window { return expr.Same(x.Shape.Size(a), kernel[i], max(1, l.Stride)) }
		return b.conv(l.Name, x, kernel[3], expr.Window2{H: along('h', 0), W: along('w', 1)})
	},
	"dense": func(b *builder, l Layer, x node) node {
		kernel := b.weights[l.Name+"/kernel"].shape
		if len(kernel) != 2 {
			b.fail("%s/kernel: got %v, want [c o]", l.Name, kernel)
			return x
		}
		return b.dense(l.Name, x, kernel[1])
	},
	"relu": func(_ *builder, _ Layer, x node) node { return expr.Relu(x) },
	"max_pool": func(_ *builder, l Layer, x node) node {
		return expr.MaxPool(x, window(x, func(in int) expr.Window { return expr.Valid(in, max(1, l.Size), max(1, l.Size)) }))
	},
	"mean": func(_ *builder, _ Layer, x node) node { return expr.Mean(x, "hw") },
}

// fold returns the description without batch norms, and its weights: each batch norm becomes part of the layer before it, and
// every layer has a bias. All faults of the tensors that this meets are in err.
func (d Description) fold(raw weights) (Description, weights, error) {
	var errs []error
	layers := d.Layers
	out := weights{}
	d.Layers = nil
	for i := 0; i < len(layers); i++ {
		l := layers[i]
		if l.Op == "batch_norm" {
			errs = append(errs, fmt.Errorf("%s: got a batch norm after no conv and no dense, want it right after one", l.Name))
			continue
		}
		d.Layers = append(d.Layers, l)
		if l.Op != "conv" && l.Op != "dense" {
			continue
		}
		layer := affine{kernel: l.Name + "/kernel", bias: optional(raw, l.Name+"/bias")}
		if i+1 < len(layers) && layers[i+1].Op == "batch_norm" {
			norm := layers[i+1]
			layer.mean, layer.variance = norm.Name+"/mean", norm.Name+"/variance"
			layer.gamma, layer.beta = optional(raw, norm.Name+"/gamma"), optional(raw, norm.Name+"/beta")
			if layer.eps = norm.Eps; layer.eps == 0 {
				layer.eps = 1e-3
			}
			i++
		}
		if err := layer.fold(raw, out, l.Name); err != nil {
			errs = append(errs, err)
		}
	}
	return d, out, errors.Join(errs...)
}

// optional is a tensor's name, or "" if there is none.
func optional(raw weights, name string) string {
	if _, ok := raw[name]; ok {
		return name
	}
	return ""
}
