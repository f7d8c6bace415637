package feature

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"strings"

	"github.com/starsweep/starsweep/engine/expr"
)

// Planted weights and images, the same as in bench/features/stored.py.

// uniform is n numbers in [0, 1): splitmix64 of the name's FNV-1a and the index, 24 bits.
func uniform(name string, n int) []float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	u, seed := make([]float64, n), h.Sum64()
	for i := range u {
		z := seed + uint64(i+1)*0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		u[i] = float64(z>>40) / (1 << 24)
	}
	return u
}

// planted is the tensor of a name in torchvision's state_dict.
func planted(name string, shape ...int) tensor {
	t := tensor{shape, make([]float32, product(shape))}
	for i, u := range uniform(name, len(t.data)) {
		switch {
		case len(shape) > 1: // He's limit
			u = (2*u - 1) * math.Sqrt(6/float64(product(shape[1:])))
		case strings.HasSuffix(name, "running_var"):
			u = .5 + u
		case strings.HasSuffix(name, "bn.weight"):
			u = .7 + .6*u
		default:
			u = .6*u - .3
		}
		t.data[i] = float32(u)
	}
	return t
}

// inceptionKernels are the shapes [h w i o] of the convolutions of Inception v3.
func inceptionKernels() (layers []string, shapes map[string][]int) {
	b := &builder{g: expr.New()}
	b.build(inceptionFID, inceptionProbe)
	shapes = map[string][]int{}
	for _, l := range b.asked {
		if layer, ok := strings.CutSuffix(l.Name, "/kernel"); ok && layer != logitsLayer {
			layers = append(layers, layer)
			shapes[layer] = l.Shape.Dims()
		}
	}
	return layers, shapes
}

// plantedFID is the FID network as torchvision's class saves it.
func plantedFID() weights {
	w := weights{"fc.weight": planted("fc.weight", fidClasses, inceptionFeatures), "fc.bias": planted("fc.bias", fidClasses)}
	layers, shapes := inceptionKernels()
	for _, layer := range layers {
		s := shapes[layer]
		conv := layer + ".conv.weight"
		w[conv] = planted(conv, s[3], s[2], s[0], s[1])
		for _, name := range []string{".bn.weight", ".bn.bias", ".bn.running_mean", ".bn.running_var"} {
			w[layer+name] = planted(layer+name, s[3])
		}
	}
	return w
}

// plantedKeras is the same network with the names of Keras's published files, but without the batch norms' scale, which Keras's
// network does not have.
func plantedKeras() weights {
	fid := plantedFID()
	top := planted("predictions", kerasClasses, inceptionFeatures)
	w := weights{
		"predictions/predictions/kernel:0": transposed(top),
		"predictions/predictions/bias:0":   planted("predictions.bias", kerasClasses),
	}
	layers, _ := inceptionKernels()
	for i, layer := range layers {
		n := i + 1 // as in the published file
		w[fmt.Sprintf("conv2d_%d/conv2d_%d/kernel:0", n, n)] = hwio(fid[layer+".conv.weight"])
		norm := fmt.Sprintf("batch_normalization_%d/batch_normalization_%d/", n, n)
		w[norm+"beta:0"], w[norm+"moving_mean:0"], w[norm+"moving_variance:0"] =
			fid[layer+".bn.bias"], fid[layer+".bn.running_mean"], fid[layer+".bn.running_var"]
	}
	return w
}

// plantedImages is 2 images of 32 x 32 x 3, in [-1, 1].
func plantedImages() []float32 {
	x := make([]float32, 0, 2*32*32*3)
	for n := range 2 {
		for h := range 32 {
			for w := range 32 {
				for c := range 3 {
					x = append(x, float32((n*31+h*7+w*13+c*29+h*w)%256)/127.5-1)
				}
			}
		}
	}
	return x
}

// without is w without a tensor; with is w with another in its place.
func without(w weights, name string) weights {
	w = maps.Clone(w)
	delete(w, name)
	return w
}

func with(w weights, name string, t tensor) weights {
	w = maps.Clone(w)
	w[name] = t
	return w
}
