package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/npy"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/runner/memory"
)

// imageSet is one of the sets that eval compares: images, or features computed elsewhere.
type imageSet struct {
	path   string
	images *data.Set // nil for features
	matrix metric.Features
}

func (s *imageSet) count() int {
	if s.images == nil {
		return s.matrix.N
	}
	return s.images.N
}

// open reads a set from any of the supported files.
func (o evalOptions) open(ctx context.Context, env *Env, path string, p *passes) (*imageSet, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	d := spec.Data{Name: "images", Path: path, Unlabelled: true, Size: o.size, Channels: o.channels}
	switch {
	case info.IsDir():
		if tables, err := filepath.Glob(filepath.Join(path, "*.parquet")); err == nil && len(tables) > 0 {
			d.Name = "parquet"
		}
	case strings.HasSuffix(path, ".npy"):
		return openMatrix(env, path)
	case strings.HasSuffix(path, ".parquet"):
		d.Name = "parquet"
	case !data.IsArchive(path):
		return nil, fmt.Errorf("%s: want a folder, a .zip, .tar or .parquet file of images, or features as .npy", path)
	}
	store := env.store()
	store.Progress = p.watch
	store.Flags = true
	store.Cache = "" // sets of generated images are short-lived
	set, err := store.Open(ctx, d)
	if err == nil {
		for _, note := range set.Notes {
			env.warn(fmt.Errorf("%s: %s", path, note))
		}
	}
	return &imageSet{path: path, images: set}, err
}

func openMatrix(env *Env, path string) (*imageSet, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := env.memory().Check(memory.Need{Kept: int(info.Size())}, false); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s := &imageSet{path: path}
	if s.matrix.N, s.matrix.D, s.matrix.X, err = npy.Matrix(f, info.Size()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// checkComparable reports why two sets cannot be compared. Images of different shapes are not converted without a flag: an extractor
// that resizes would compare an interpolation with an original.
func checkComparable(real, fake *imageSet) error {
	switch a, b := real.images, fake.images; {
	case (a == nil) != (b == nil):
		return fmt.Errorf("got features and images, %s and %s: want two sets of features or two of images", real.path, fake.path)
	case a == nil && real.matrix.D != fake.matrix.D:
		return fmt.Errorf("got %d features per sample in %s and %d in %s: want features of one extractor",
			real.matrix.D, real.path, fake.matrix.D, fake.path)
	case a == nil:
		return nil
	case a.C != b.C:
		return fmt.Errorf("got %d channels in %s and %d in %s: set --channels 1 or 3", a.C, real.path, b.C, fake.path)
	case a.H != b.H || a.W != b.W:
		return fmt.Errorf("got images of %d x %d in %s and %d x %d in %s: set --size to resize both", a.H, a.W, real.path, b.H, b.W, fake.path)
	}
	return nil
}
