// Package data holds real data sets, and a few synthetic ones, as images in memory: MNIST, CIFAR-10, folders of images or DICOM
// slices, Parquet files, points and phantoms. A Spec says which images are wanted, and a Store finds, decodes, resizes and caches
// them into a Set, whose digest stands for its content. It knows formats (raster, idx, internal/columns, internal/dicom) and no
// networks: engine/train feeds its sets to them, and runner gives the Store its folders.
package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/starsweep/starsweep/internal/pass"
)

// Store knows where data and caches lie. It may be used by several goroutines and, on the same folders, by several processes.
type Store struct {
	Dir     string       // what Get brings: a folder for each set
	Cache   string       // decoded sets; "" keeps none. It may be deleted at any time
	Client  *http.Client // for Get; nil is http.DefaultClient
	GoProxy string       // for Get: the value of GOPROXY; "" is https://proxy.golang.org
	Memory  int64        // bytes that one set may take in memory; 0 is 128 GiB
	Flags   bool         // messages name arguments as the flags of a command, --size for size
	Warn    func(error)  // told of a cache that cannot be read or written, which costs time only; nil: not told

	Progress pass.Observer // of images as they are read and decoded
}

// kind is what one name in Spec.Name stands for.
type kind struct {
	name  string
	find  func(context.Context, *Store, Spec) (source, error)
	known *known // of a set that is the same everywhere
}

// known is what is known of a published set without its files.
type known struct {
	first      header
	classNames []string
	counts     map[string][]int // images of each class, by split
}

// kinds is the sets in the order of List.
var kinds = []kind{
	{name: "mnist", find: findMNIST, known: &mnistKnown},
	{name: "mnist12k", find: findMNIST12k, known: &mnist12kKnown},
	{name: "cifar10", find: findCIFAR10, known: &cifarKnown},
	{name: "images", find: findImages},
	{name: "parquet", find: findParquet},
	{name: "dicom", find: findDICOM},
	{name: "ring", find: findRing},
	{name: "grid", find: findGrid},
	{name: "ellipses", find: findEllipses},
}

var cifarNames = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

var (
	mnistKnown = known{first: header{28, 28, 1}, counts: map[string][]int{
		"train": {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949},
		"test":  {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009},
	}}
	mnist12kKnown = known{first: header{28, 28, 1}, counts: map[string][]int{
		"train": {1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978},
		"test":  {175, 234, 219, 207, 217, 179, 178, 205, 192, 194},
	}}
	cifarKnown = known{first: header{32, 32, 3}, classNames: cifarNames, counts: map[string][]int{
		"train": slices.Repeat([]int{5000}, 10),
		"test":  slices.Repeat([]int{1000}, 10),
	}}
)

func lookup(name string) (kind, bool) {
	for _, k := range kinds {
		if k.name == name {
			return k, true
		}
	}
	return kind{}, false
}

// survey is the survey of a whole published split, its labels in any order.
func (k *known) survey(split string) survey {
	v := survey{first: k.first, classes: 10, classNames: k.classNames}
	for label, count := range k.counts[split] {
		v.labels = append(v.labels, slices.Repeat([]int32{int32(label)}, count)...)
	}
	v.n = len(v.labels)
	return v
}

// survey is the source's survey. A published set in the store's own folder must be whole.
func (k kind) survey(ctx context.Context, src source, spec Spec) (survey, error) {
	v, err := src.survey(ctx)
	if err != nil || k.known == nil || spec.Path != "" {
		return v, err
	}
	if want := k.known.survey(spec.Split).n; v.n != want {
		return v, fmt.Errorf("got %d images of the split %q, want %d; run: starsweep data get %s", v.n, spec.Split, want, spec.Name)
	}
	return v, nil
}

// Shape tells the shape of the set that Open would return. It decodes no pixels: it reads headers and labels, and for MNIST and
// CIFAR-10 no files at all, so that a script can be checked where the data are not.
func (st *Store) Shape(spec Spec) (Shape, error) {
	spec, k, err := resolve(spec)
	if err != nil {
		return Shape{}, err
	}
	if err := st.fitsCount(spec); err != nil {
		return Shape{}, fmt.Errorf("%s: %w", spec.Name, err)
	}
	v := survey{}
	if k.known != nil && spec.Path == "" {
		v = k.known.survey(spec.Split)
	} else {
		src, err := k.find(context.Background(), st, spec)
		if err == nil {
			v, err = k.survey(context.Background(), src, spec)
		}
		if err != nil {
			return Shape{}, fmt.Errorf("%s: %w", spec.Name, err)
		}
	}
	keep, err := v.selection(spec)
	if err != nil {
		return Shape{}, fmt.Errorf("%s: %w", spec.Name, err)
	}
	return v.shape(spec, len(keep)), nil
}

// Open returns the images that spec asks for: all of them or an error, which names what is missing or corrupt and says how to
// get it. Missing files are errors.Is fs.ErrNotExist. What takes time to decode is kept in the cache.
func (st *Store) Open(ctx context.Context, spec Spec) (*Set, error) {
	spec, k, err := resolve(spec)
	if err != nil {
		return nil, err
	}
	set, err := st.open(ctx, spec, k)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Name, err)
	}
	return set, nil
}

func resolve(spec Spec) (Spec, kind, error) {
	if err := spec.Validate(); err != nil {
		return Spec{}, kind{}, err
	}
	spec = spec.WithDefaults()
	k, _ := lookup(spec.Name)
	return spec, k, nil
}

func (st *Store) open(ctx context.Context, spec Spec, k kind) (*Set, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := st.fitsCount(spec); err != nil {
		return nil, err
	}
	src, err := k.find(ctx, st, spec)
	if err != nil {
		return nil, err
	}
	identity, err := src.identity()
	if err != nil {
		return nil, err
	}
	if identity == "" {
		return st.build(ctx, k, src, spec)
	}
	if set := st.readCache(ctx, spec, identity); set != nil {
		return set, nil
	}
	set, err := st.build(ctx, k, src, spec)
	if err != nil {
		return nil, err
	}
	if again, err := src.identity(); err != nil || again != identity {
		return nil, cmp.Or(err, errors.New("the files changed while they were read: run again"))
	}
	st.writeCache(spec, identity, set)
	return set, nil
}

func (st *Store) warn(err error) {
	if st.Warn != nil {
		st.Warn(err)
	}
}

// argument is the name of an argument in messages.
func (st *Store) argument(name string) string {
	if st.Flags {
		return "--" + name
	}
	return name
}
