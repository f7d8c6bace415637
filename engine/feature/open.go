package feature

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/feature/small"
	"github.com/starsweep/starsweep/engine/lower"
)

// kind is an extractor by its name.
type kind struct {
	name, doc string
	width     int // features of an image, 0: as many as it has numbers
	batch     int
	load      func(st Store) (content, error)
	takes     memory
}

// content is what an extractor is made of.
type content struct {
	network network
	weights weights
	probe   [4]int // a size of images that the network takes
	layers  []byte // of a network that its file declares
	origin  Origin // of weights that a user added
}

// kinds are the extractors in the order of List.
var kinds = []kind{
	{"inception", "Inception v3 of FID, resized as pytorch-fid does; 2,048 features, and logits if its file has them",
		inceptionFeatures, inceptionBatch, added("inception", inceptionFID, fidHint), inceptionTakes},
	{"inception-ttur", "the same network, resized as the original FID code and torch-fidelity do",
		inceptionFeatures, inceptionBatch, added("inception", inceptionTTUR, fidHint), inceptionTakes},
	{"inception-keras", "Keras's InceptionV3 (ImageNet) up to its last pooling layer; 2,048 features",
		inceptionFeatures, inceptionBatch, added("inception-keras", inceptionKeras, kerasHint), inceptionTakes},
	{"small-mnist", "a small classifier of MNIST that starsweep trained", 128, smallBatch, embedded("small-mnist"),
		memory{logits: 10, fixed: 400 << 10, image: 78 << 10}},
	{"small-cifar10", "a small classifier of CIFAR-10 that starsweep trained", 128, smallBatch, embedded("small-cifar10"),
		memory{logits: 10, fixed: 1500 << 10, image: 216 << 10}},
	{"pixels", "the pixels themselves, from 0 to 1", 0, smallBatch, func(Store) (content, error) {
		return content{network: pixels, probe: anySize}, nil
	}, memory{}},
	{"random", "an untrained convolutional network; 256 features", 256, smallBatch, func(Store) (content, error) {
		return content{network: random, weights: randomWeights(1), probe: anySize}, nil
	}, memory{fixed: 1400 << 10, pixel: 440}},
}

const (
	// What an evaluation of one sample costs: 16 images of Inception take 0.8 s on two cores, and no more each than 50 do; 250 of
	// 32 x 32 x 3 take 0.09 s in small-cifar10 and 0.5 s in random.
	inceptionBatch = 16
	smallBatch     = 250

	fidHint = "run: starsweep features get inception; or, for the Inception score too, get pt_inception-2015-12-05-6726825d.pth from " +
		"https://github.com/mseitzer/pytorch-fid/releases/tag/fid_weights and run: starsweep features add FILE"
	kerasHint = "get https://storage.googleapis.com/tensorflow/keras-applications/" +
		"inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels.h5 " +
		"and run: starsweep features add FILE"
)

var (
	inceptionProbe = [4]int{1, inceptionSize, inceptionSize, 3}
	anySize        = [4]int{1, 8, 8, 3}
)

// added is a network whose weights a user added.
func added(name string, n network, hint string) func(Store) (content, error) {
	return func(st Store) (content, error) {
		w, o, err := st.load(name)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("its weights are not here: %s: %w", hint, fs.ErrNotExist)
		}
		return content{network: n, weights: w, probe: inceptionProbe, origin: o}, err
	}
}

//go:embed small/*.safetensors
var files embed.FS

// embedded is a network in the binary.
func embedded(name string) func(Store) (content, error) {
	return func(Store) (content, error) {
		file, err := files.ReadFile("small/" + name + ".safetensors")
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

// Open opens an extractor on a device, by one of the Names. Weights that a user must add first are errors.Is fs.ErrNotExist,
// and the error says where to get them.
func Open(on lower.Device, name string, st Store) (*Extractor, error) {
	e, _, err := open(name, st)
	if err != nil {
		return nil, fmt.Errorf("extractor %s: %w", name, err)
	}
	e.on = on
	return e, nil
}

// Digest is the digest of the extractor that Open would return. It reads the weights.
func Digest(name string, st Store) (string, error) {
	e, _, err := open(name, st)
	if err != nil {
		return "", fmt.Errorf("extractor %s: %w", name, err)
	}
	return e.Digest, nil
}

func open(name string, st Store) (*Extractor, Origin, error) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		return nil, Origin{}, fmt.Errorf("got this name, want one of %s", strings.Join(Names(), ", "))
	}
	c, err := kinds[i].load(st)
	if err != nil {
		return nil, c.origin, err
	}
	e := &Extractor{Name: name, batch: kinds[i].batch, network: c.network, weights: c.weights}
	outs, used, err := e.trace(c.probe)
	if err != nil {
		return nil, c.origin, err
	}
	if len(outs) > 1 {
		e.Logits = outs[1].Shape.Size('c')
	}
	e.weights, e.Digest = used, digest(name, c.layers, used)
	return e, c.origin, nil
}

// Names are the extractors that Open knows, whether or not their weights are here.
func Names() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// Width is how many features an extractor gives of an image of so many numbers, whether or not its weights are here; 0 if
// there is no such extractor.
func Width(name string, numbers int) int {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	switch {
	case i < 0:
		return 0
	case kinds[i].width > 0:
		return kinds[i].width
	}
	return numbers
}

// Info is what List says of an extractor.
type Info struct {
	Name, Doc, Digest string
	Origin            Origin // of weights that a user added
	Err               error  // why it cannot be opened; nil if it can
}

// List tells of every extractor. It reads all weights.
func (st Store) List() (list []Info) {
	for _, k := range kinds {
		i := Info{Name: k.name, Doc: k.doc}
		var e *Extractor
		if e, i.Origin, i.Err = open(k.name, st); i.Err == nil {
			i.Digest = e.Digest
		}
		list = append(list, i)
	}
	return list
}

// digest stands for all that decides an extractor's features. The first line changes when the meaning of a name or of a
// declared layer does.
func digest(name string, layers []byte, w weights) string {
	h := sha256.New()
	fmt.Fprintf(h, "starsweep extractor 1\n%s\n%s\n", name, layers)
	for _, name := range slices.Sorted(maps.Keys(w)) {
		fmt.Fprintf(h, "\n%s %v\n", name, w[name].shape)
		buf, _ := binary.Append(nil, binary.LittleEndian, w[name].data) // floats have a fixed size
		h.Write(buf)
	}
	return hex.EncodeToString(h.Sum(nil))
}
