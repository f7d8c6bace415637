package feature

import (
	"math"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/feature/small"
)

// tiny is a network with every kind of layer, and planted weights.
func tiny(t *testing.T) (*small.Network, small.Weights) {
	t.Helper()
	n := &small.Network{Name: "tiny", Size: 8, Channels: 3, Feature: "global_avg_pool1", Layers: []small.Layer{
		{Kind: "conv", Filters: 5, Kernel: 3, Stride: 2}, {Kind: "relu"}, {Kind: "max_pool", Window: 2},
		{Kind: "conv", Filters: 4, Kernel: 3, Stride: 1}, {Kind: "relu"}, {Kind: "global_avg_pool"}, {Kind: "dense", Units: 2},
	}}
	w := small.Weights{}
	for name, shape := range map[string][]int{
		"conv1/kernel": {3, 3, 3, 5}, "conv1/bias": {5}, "conv2/kernel": {3, 3, 5, 4}, "conv2/bias": {4}, "dense1/kernel": {4, 2},
		"dense1/bias": {2},
	} {
		x := small.Tensor{Shape: shape, Data: make([]float32, product(shape))}
		for i, u := range uniform(name, len(x.Data)) {
			x.Data[i] = float32(math.Round((u-.4)*256) / 256) // exact in float16, as the file has it
		}
		w[name] = x
	}
	return n, w
}

// openDeclared opens a network from its file.
func openDeclared(t *testing.T, n *small.Network, w small.Weights) *Extractor {
	t.Helper()
	file, err := small.Marshal(n, w, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := declaredIn(file)
	if err != nil {
		t.Fatal(err)
	}
	return &Extractor{Name: "tiny", batch: 4, on: backend(t), network: c.network, weights: c.weights}
}

func TestADeclaredNetworkHasTheLayersOfItsDeclaration(t *testing.T) {
	n, w := tiny(t)
	e := openDeclared(t, n, w)
	x := noise(3, 8, 8, 3)
	f, l, err := e.Extract(background, x, 3, 8, 8, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		features, logits := plain(x[i*192:(i+1)*192], w)
		if d := difference(f.X[i*4:(i+1)*4], features); d > 1e-5 {
			t.Errorf("image %d: features: got %v, want %v", i, f.X[i*4:(i+1)*4], features)
		}
		if d := difference(l.X[i*2:(i+1)*2], logits); d > 1e-5 {
			t.Errorf("image %d: logits: got %v, want %v", i, l.X[i*2:(i+1)*2], logits)
		}
	}
}

// plain is tiny on one image, in loops.
func plain(x []float32, w small.Weights) (feature, logits []float32) {
	h := convolve(x, 8, 3, 2, w["conv1/kernel"], w["conv1/bias"]) // 4 x 4 x 5
	pooled := make([]float32, 2*2*5)
	for i := range pooled {
		py, px, c := i/10, i/5%2, i%5
		at := func(dy, dx int) float32 { return h[((2*py+dy)*4+2*px+dx)*5+c] }
		pooled[i] = max(at(0, 0), at(0, 1), at(1, 0), at(1, 1))
	}
	h = convolve(pooled, 2, 5, 1, w["conv2/kernel"], w["conv2/bias"]) // 2 x 2 x 4
	feature, logits = make([]float32, 4), make([]float32, 2)
	for i, v := range h {
		feature[i%4] += v / 4
	}
	for o := range logits {
		logits[o] = w["dense1/bias"].Data[o]
		for c, v := range feature {
			logits[o] += v * w["dense1/kernel"].Data[c*2+o]
		}
	}
	return feature, logits
}

// convolve is a 3 x 3 convolution with "same" padding and a ReLU. TensorFlow adds an odd row of padding at the end.
func convolve(x []float32, side, in, stride int, kernel, bias small.Tensor) (y []float32) {
	out := side / stride
	before := ((out-1)*stride + 3 - side) / 2
	for py := range out {
		for px := range out {
			for o, b := range bias.Data {
				s := float64(b)
				for k, v := range kernel.Data {
					if k%len(bias.Data) != o {
						continue
					}
					i, tap := k/len(bias.Data)%in, k/len(bias.Data)/in
					if qy, qx := py*stride+tap/3-before, px*stride+tap%3-before; 0 <= qy && qy < side && 0 <= qx && qx < side {
						s += float64(v) * float64(x[(qy*side+qx)*in+i])
					}
				}
				y = append(y, float32(max(0, s)))
			}
		}
	}
	return y
}

func TestADeclaredNetworkResizesImagesOfAnotherSize(t *testing.T) {
	n, w := tiny(t)
	e := openDeclared(t, n, w)
	// 4 x 4 images of one colour are 8 x 8 images of it.
	flat := func(side int) []float32 {
		x := make([]float32, side*side*3)
		for i := range x {
			x[i] = []float32{-1, .2, .6}[i%3]
		}
		return x
	}
	if d := difference(extract(t, e, flat(4), 1, 4, 4, 3).X, extract(t, e, flat(8), 1, 8, 8, 3).X); d > 1e-5 {
		t.Errorf("relative difference %.2g", d)
	}
	// A grey image is repeated.
	if f := extract(t, e, noise(2, 5, 6, 1), 2, 5, 6, 1); f.D != 4 || f.N != 2 {
		t.Errorf("got a matrix of %d x %d, want 2 x 4", f.N, f.D)
	}
}

func TestANetworkOfGreyImagesRejectsColour(t *testing.T) {
	n := &small.Network{Name: "grey", Size: 4, Channels: 1, Feature: "global_avg_pool1", Layers: []small.Layer{
		{Kind: "conv", Filters: 1, Kernel: 1, Stride: 1}, {Kind: "global_avg_pool"}, {Kind: "dense", Units: 1},
	}}
	one := func(shape ...int) small.Tensor { return small.Tensor{Shape: shape, Data: []float32{1}} }
	e := openDeclared(t, n, small.Weights{"conv1/kernel": one(1, 1, 1, 1), "conv1/bias": one(1), "dense1/kernel": one(1, 1),
		"dense1/bias": one(1)})
	if _, _, err := e.Extract(background, noise(1, 4, 4, 3), 1, 4, 4, 3); err == nil ||
		!strings.Contains(err.Error(), "got images with 3 channels, want 1") {
		t.Errorf("got %v", err)
	}
	if _, err := e.Dim(4, 4, 3); err == nil {
		t.Error("Dim: got no error")
	}
	if d, err := e.Dim(9, 9, 1); err != nil || d != 1 {
		t.Errorf("Dim: got %d, %v, want 1", d, err)
	}
}
