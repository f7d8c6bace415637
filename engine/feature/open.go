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

	"github.com/gomlx/compute"
	"github.com/klauspost/compress/zstd"

	"github.com/starsweep/starsweep/engine/expr"
)

// kind is an extractor by its name.
type kind struct {
	name, doc string
	network   network // nil: what the weights' description says
	weights   func(st Store) (imported, error)
	batch     int
}

// kinds are the extractors in the order of List. Others are what users added with a Description.
var kinds = []kind{
	{"inception", "Inception v3 of FID, resized as pytorch-fid does; 2,048 features", inceptionFID, added("inception", fidHint), inceptionBatch},
	{"inception-ttur", "the same network, resized as the original FID code and torch-fidelity do", inceptionTTUR, added("inception", fidHint), inceptionBatch},
	{"inception-keras", "Keras's InceptionV3 (ImageNet), last pooling layer; 2,048 features", inceptionKeras, added("inception-keras", kerasHint), inceptionBatch},
	{"small-mnist", "a small classifier of MNIST that starsweep trained", nil, embedded("small-mnist"), smallBatch},
	{"small-cifar10", "a small classifier of CIFAR-10 that starsweep trained", nil, embedded("small-cifar10"), smallBatch},
	{"pixels", "the pixels themselves, from 0 to 1", pixels, func(Store) (imported, error) { return imported{}, nil }, smallBatch},
	{"random", "an untrained convolutional network; 256 features", random.network, func(Store) (imported, error) {
		return imported{description: &random, weights: randomWeights(1)}, nil
	}, smallBatch},
}

const (
	inceptionBatch = 50 // pytorch-fid's
	smallBatch     = 250

	fidHint   = "get pt_inception-2015-12-05-6726825d.pth from https://github.com/mseitzer/pytorch-fid/releases/tag/fid_weights"
	kerasHint = "get inception_v3_weights_tf_dim_ordering_tf_kernels.h5 from https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
)

func lookup(name string) (kind, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// added finds the weights of a network in the store.
func added(file, hint string) func(Store) (imported, error) {
	return func(st Store) (imported, error) {
		n, err := st.load(file)
		if errors.Is(err, fs.ErrNotExist) {
			return imported{}, fmt.Errorf("its weights are not here: %s, and run: starsweep features add FILE: %w", hint, fs.ErrNotExist)
		} else if err != nil {
			return imported{}, err
		}
		return *n, nil
	}
}

//go:embed small
var small embed.FS

// embedded finds the weights of a network in the binary.
func embedded(name string) func(Store) (imported, error) {
	return func(Store) (imported, error) {
		packed, err := small.ReadFile("small/" + name + ".safetensors.zst")
		if err != nil {
			return imported{}, err
		}
		r, err := zstd.NewReader(nil)
		if err != nil {
			return imported{}, err
		}
		defer r.Close()
		file, err := r.DecodeAll(packed, nil)
		if err != nil {
			return imported{}, err
		}
		n, err := parse(file)
		if err != nil {
			return imported{}, err
		}
		return *n, nil
	}
}

// Open opens an extractor on a backend. Weights that are not here are errors.Is fs.ErrNotExist, and the error says how to get them.
func Open(b compute.Backend, name string, st Store) (*Extractor, error) {
	k, n, err := find(name, st)
	if err != nil {
		return nil, fmt.Errorf("extractor %s: %w", name, err)
	}
	e := &Extractor{Name: name, Batch: k.batch, backend: b, network: k.network, weights: n.weights}
	outs, used, err := e.trace(n.probe())
	if err != nil {
		return nil, fmt.Errorf("extractor %s: %w", name, err)
	}
	if len(outs) > 1 {
		e.Logits = outs[1].Shape.Size('c')
	}
	e.weights = used
	e.Digest = digest(name, n.description, used)
	return e, nil
}

// find gives the kind of an extractor, with its network, and its weights.
func find(name string, st Store) (kind, imported, error) {
	k, known := lookup(name)
	if !known {
		k = kind{name: name, weights: added(name, "no extractor has this name"), batch: smallBatch}
		if names, err := st.names(); err != nil || !slices.Contains(names, name) {
			return k, imported{}, errors.Join(err, fmt.Errorf("got the name %q, want one of %s", name, strings.Join(Names(st), ", ")))
		}
	}
	n, err := k.weights(st)
	if err == nil && k.network == nil {
		if n.description == nil {
			return k, n, fmt.Errorf("its file says nothing of its layers (metadata %s)", DescriptionKey)
		}
		k.network = n.description.network
	}
	return k, n, err
}

// Names are the extractors that Open knows, whether or not their weights are here.
func Names(st Store) (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	more, _ := st.names() // List has the error
	for _, name := range more {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Info is what List says of an extractor.
type Info struct {
	Name, Doc, Digest string
	Added             Added // where the weights came from, if a user added them
	Err               error // why it cannot be opened; nil if it can
}

// List tells of every extractor. It reads all weights.
func (st Store) List() ([]Info, error) {
	_, err := st.names()
	var list []Info
	for _, name := range Names(st) {
		k, n, err := find(name, st)
		i := Info{Name: name, Doc: k.doc, Err: err}
		if err == nil {
			e := &Extractor{network: k.network, weights: n.weights}
			var used weights
			if _, used, i.Err = e.trace(n.probe()); i.Err == nil {
				i.Digest, i.Added = digest(name, n.description, used), n.added()
			}
		}
		list = append(list, i)
	}
	return list, err
}

var inceptionProbe = [4]int{1, inceptionSize, inceptionSize, 3}

// probe is the size of an image that the network takes: batch, h, w, c.
func (n imported) probe() [4]int {
	d := n.description
	switch {
	case d == nil:
		return inceptionProbe
	case d.Input[0] == 0:
		return [4]int{1, 32, 32, d.Input[2]}
	}
	return [4]int{1, d.Input[0], d.Input[1], d.Input[2]}
}

// check builds the network, which finds the tensors that are missing or have a wrong shape.
func (n imported) check(net network) error {
	b := &builder{g: expr.New(), weights: n.weights}
	_, _, err := b.build(net, n.probe())
	return err
}

// digest stands for all that decides an extractor's features. The first line changes when the meaning of a name does.
func digest(name string, d *Description, w weights) string {
	h := sha256.New()
	fmt.Fprintf(h, "starsweep extractor 1\n%s\n", name)
	if d != nil {
		text, err := json.Marshal(d)
		if err != nil {
			panic(err) // strings and finite numbers: describe read them from JSON
		}
		h.Write(text)
	}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		fmt.Fprintf(h, "\n%s %v\n", name, w[name].shape)
		buf := make([]byte, 0, 4*len(w[name].data))
		buf, _ = binary.Append(buf, binary.LittleEndian, w[name].data) // floats have a fixed size
		h.Write(buf)
	}
	return hex.EncodeToString(h.Sum(nil))
}
