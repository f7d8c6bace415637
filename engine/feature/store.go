package feature

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/starsweep/starsweep/internal/safetensors"
)

// Store is a folder of the networks that users added, one safetensors file each, batch norms folded. The zero value holds none. It
// may be used by several processes: files are replaced whole.
type Store struct{ Dir string }

// Added is what a Store says of a network.
type Added struct {
	Name      string // of the extractor
	Source    string // the file that it came from
	SHA256    string // of that file, in hex
	Published string // which published file that is, "" if none that is known: numbers of papers need the published weights
}

const suffix = ".safetensors"

// Metadata of the files of a Store.
const (
	sourceKey    = "starsweep.source"
	sha256Key    = "starsweep.sha256"
	publishedKey = "starsweep.published"
)

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// Add reads the network of a file, checks that every tensor is there and fits, and keeps it, in place of one of the same name.
// It takes pytorch-fid's Inception v3 (.pth), Keras's InceptionV3 (.h5), both also as .safetensors with the same names, and
// .safetensors files with a Description.
func (st Store) Add(path string) (Added, error) {
	n, err := convert(path, filepath.Base(path))
	if err == nil {
		err = st.write(n)
	}
	if err != nil {
		return Added{}, fmt.Errorf("%s: %w", path, err)
	}
	return n.added(), nil
}

func (n *imported) added() Added { return Added{n.name, n.source, n.sha256, n.published} }

func (st Store) write(n *imported) error {
	if st.Dir == "" {
		return errors.New("there is no folder to keep networks in")
	}
	metadata := map[string]string{sourceKey: n.source, sha256Key: n.sha256, publishedKey: n.published}
	if n.description != nil {
		if k, taken := lookup(n.name); taken || !userName.MatchString(n.name) {
			return fmt.Errorf("its network has the name %q (%s): want another, of lower-case letters, digits, - and _", n.name, k.doc)
		}
		text, err := json.Marshal(n.description)
		if err != nil {
			return err
		}
		metadata[DescriptionKey] = string(text)
	}
	var tensors []safetensors.Tensor
	for _, name := range slices.Sorted(maps.Keys(n.weights)) {
		tensors = append(tensors, safetensors.New(name, n.weights[name].shape, n.weights[name].data))
	}
	if err := os.MkdirAll(st.Dir, 0o777); err != nil {
		return err
	}
	f, err := renameio.NewPendingFile(filepath.Join(st.Dir, n.name+suffix), renameio.WithPermissions(0o666))
	if err != nil {
		return err
	}
	if err := safetensors.Write(f, tensors, metadata); err != nil {
		return errors.Join(err, f.Cleanup())
	}
	return f.CloseAtomicallyReplace()
}

// load reads a network that was added.
func (st Store) load(name string) (*imported, error) {
	if st.Dir == "" || !userName.MatchString(name) {
		return nil, fs.ErrNotExist
	}
	path := filepath.Join(st.Dir, name+suffix)
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	n, err := parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; add its file again: starsweep features add FILE", path, err)
	}
	n.name = name
	return n, nil
}

// parse reads a file that write wrote, or one of the embedded ones.
func parse(file []byte) (*imported, error) {
	w, metadata, err := readSafetensors(file)
	if err != nil {
		return nil, err
	}
	n := &imported{source: metadata[sourceKey], sha256: metadata[sha256Key], published: metadata[publishedKey], weights: w}
	if text, ok := metadata[DescriptionKey]; ok {
		d, err := describe(text)
		if err == nil {
			d, n.weights, err = d.fold(w)
		}
		if err != nil {
			return nil, err
		}
		n.name, n.description = d.Name, &d
	}
	return n, nil
}

// names lists the networks in the store.
func (st Store) names() ([]string, error) {
	files, err := os.ReadDir(st.Dir)
	if st.Dir == "" || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), suffix); ok && userName.MatchString(name) {
			names = append(names, name)
		}
	}
	return names, err
}
