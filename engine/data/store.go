// Package data holds real data sets, and a few synthetic ones, as images in memory: MNIST, CIFAR-10, folders of images, DICOM slices or
// NIfTI volumes, Parquet files, points and phantoms. A spec.Data is a request for images; a Store finds, decodes, resizes and caches
// them and returns a Set, whose digest identifies its content. It knows formats (raster, idx, internal/columns, internal/dicom,
// internal/nifti) but no networks: engine/train feeds its sets to them, and package runner passes the Store its folders.
package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/pass"
)

// Store holds the folders of data and caches. It may be used by several goroutines and, on the same folders, by several processes.
type Store struct {
	Dir     string       // of downloads: a folder for each set
	Cache   string       // decoded sets; "" keeps none. It may be deleted at any time
	Client  *http.Client // for Get; nil is http.DefaultClient
	GoProxy string       // for Get: the value of GOPROXY; "" is https://proxy.golang.org
	Memory  int64        // bytes that one set may take in memory; 0 is 128 GiB
	Flags   bool         // messages name arguments as the flags of a command, --size for size
	Warn    func(error)  // called for a cache that cannot be read or written, which only costs time; may be nil

	Progress pass.Observer // of images as they are read and decoded
}

// survey is the source's survey. A published set in the store's own folder must be whole.
func (r row) survey(ctx context.Context, src source, wanted spec.Data) (survey, error) {
	v, err := src.survey(ctx)
	if err != nil || r.known == nil || wanted.Path != "" {
		return v, err
	}
	if want := r.known.survey(wanted.Split).n; v.n != want {
		return v, fmt.Errorf("got %d images of the split %q, want %d; run: starsweep data get %s", v.n, wanted.Split, want, wanted.Name)
	}
	return v, nil
}

// Shape returns the shape of the set that Open would return. It decodes no pixels: it reads headers and labels, and for MNIST and
// CIFAR-10 no files at all, so that a script can be checked without the data.
func (st *Store) Shape(wanted spec.Data) (Shape, error) {
	wanted, r, err := complete(wanted)
	if err != nil {
		return Shape{}, err
	}
	if err := st.fitsDrawn(r, wanted); err != nil {
		return Shape{}, fmt.Errorf("%s: %w", wanted.Name, err)
	}
	v := survey{}
	if r.known != nil && wanted.Path == "" {
		v = r.known.survey(wanted.Split)
	} else {
		src, err := r.find(context.Background(), st, wanted)
		if err == nil {
			v, err = r.survey(context.Background(), src, wanted)
		}
		if err != nil {
			return Shape{}, fmt.Errorf("%s: %w", wanted.Name, err)
		}
	}
	keep, err := v.selection(wanted)
	if err != nil {
		return Shape{}, fmt.Errorf("%s: %w", wanted.Name, err)
	}
	return v.shape(wanted, len(keep)), nil
}

// Open returns all requested images or an error, which names what is missing or corrupt and says how to get it. The error for missing
// files has fs.ErrNotExist in its chain. Images that take time to decode are kept in the cache.
func (st *Store) Open(ctx context.Context, wanted spec.Data) (*Set, error) {
	wanted, r, err := complete(wanted)
	if err != nil {
		return nil, err
	}
	set, err := st.open(ctx, wanted, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", wanted.Name, err)
	}
	return set, nil
}

// complete fills in every default of a request and finds its row, or reports all problems of the request.
func complete(wanted spec.Data) (spec.Data, row, error) {
	r, ok := lookup(wanted.Name)
	if !ok {
		return spec.Data{}, row{}, fmt.Errorf("data set: got %q, want one of %s", wanted.Name, strings.Join(setNames(), ", "))
	}
	wanted = r.Complete(wanted)
	if err := r.Validate(wanted); err != nil {
		var errs []error
		for line := range strings.SplitSeq(err.Error(), "\n") {
			errs = append(errs, fmt.Errorf("%s: %s", r.Name, line))
		}
		return spec.Data{}, row{}, errors.Join(errs...)
	}
	return wanted, r, nil
}

func (st *Store) open(ctx context.Context, wanted spec.Data, r row) (*Set, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := st.fitsDrawn(r, wanted); err != nil {
		return nil, err
	}
	src, err := r.find(ctx, st, wanted)
	if err != nil {
		return nil, err
	}
	identity, err := src.identity()
	if err != nil {
		return nil, err
	}
	if identity == "" {
		return st.build(ctx, r, src, wanted)
	}
	if set := st.readCache(ctx, wanted, identity); set != nil {
		return set, nil
	}
	set, err := st.build(ctx, r, src, wanted)
	if err != nil {
		return nil, err
	}
	if again, err := src.identity(); err != nil || again != identity {
		return nil, cmp.Or(err, errors.New("the files changed while they were read: run again"))
	}
	st.writeCache(wanted, identity, set)
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
