package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/data/raster"
)

// format is a kind of file that holds one picture.
type format struct {
	name   string                            // in errors: raster.Formats + " images"
	is     func(path string) bool            // by name, or by content where names say little
	header func(path string) (header, error) // without decoding the pixels
	decode func(ctx context.Context, path string) (picture, error)
	// sift says which files are pictures at all, and what is to be known of the others; nil: all are
	sift func(files []string) (kept, notes []string, err error)
}

// pictureFolder is the files of one format under a folder. Where they lie in sub-folders, the sub-folder names the class.
type pictureFolder struct {
	format format
	root   string
	files  []string // with the root, in alphabetic order
	labels []int32  // nil where the files lie in the root itself
	names  []string
	notes  []string
}

func findImages(_ context.Context, _ *Store, spec Spec) (source, error) {
	if IsArchive(spec.Path) {
		return findArchive(spec)
	}
	return findFolder(spec, format{
		name:   raster.Formats + " images",
		is:     isImageName,
		header: imageHeader,
		decode: decodeImageFile,
	})
}

func isImageName(path string) bool { return raster.Extension(filepath.Ext(path)) }

func imageHeader(path string) (header, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return header{}, err
	}
	return encodedHeader(b)
}

func decodeImageFile(ctx context.Context, path string) (picture, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return picture{}, err
	}
	return decodePicture(ctx, b)
}

// findFolder walks the folder, or its sub-folder with the split's name if there is one. It follows links to files, not to folders.
func findFolder(spec Spec, format format) (source, error) {
	root, err := splitFolder(spec)
	if err != nil {
		return nil, err
	}
	f := &pictureFolder{format: format, root: root}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != root && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && format.is(path):
			f.files = append(f.files, path)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if format.sift != nil {
		if f.files, f.notes, err = format.sift(f.files); err != nil {
			return nil, err
		}
	}
	if len(f.files) == 0 {
		reason := fmt.Errorf("no %s in %s: %w", format.name, root, fs.ErrNotExist)
		for _, note := range f.notes {
			reason = fmt.Errorf("%w; %s", reason, note)
		}
		return nil, reason
	}
	return f, f.label()
}

// splitFolder is where the split lies: in a sub-folder of its name, or for the training split in the folder itself.
func splitFolder(spec Spec) (string, error) {
	// WalkDir would not follow a link.
	root, err := filepath.EvalSymlinks(spec.Path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(root)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s: got a file, want a folder", spec.Path)
	}
	if sub := filepath.Join(root, spec.Split); exists(sub) {
		return filepath.EvalSymlinks(sub)
	}
	if spec.Split != "train" {
		return "", fmt.Errorf("no folder %q in %s for the split: %w", spec.Split, spec.Path, fs.ErrNotExist)
	}
	return root, nil
}

// label takes the first folder under the root as the class of a file.
func (f *pictureFolder) label() error {
	classes := make([]string, len(f.files))
	loose := 0
	for i, file := range f.files {
		rel, err := filepath.Rel(f.root, file)
		if err != nil {
			return err
		}
		class, _, inFolder := strings.Cut(filepath.ToSlash(rel), "/")
		if !inFolder {
			loose++
			continue
		}
		classes[i] = class
	}
	if loose == len(f.files) {
		return nil
	}
	if loose > 0 {
		return fmt.Errorf("%s: got %d files beside the class folders, want all files in class folders or none", f.root, loose)
	}
	f.names = slices.Compact(slices.Sorted(slices.Values(classes)))
	f.labels = make([]int32, len(classes))
	for i, class := range classes {
		label, _ := slices.BinarySearch(f.names, class)
		f.labels[i] = int32(label)
	}
	return nil
}

func (f *pictureFolder) identity() (string, error) { return filesIdentity(f.files) }

func (f *pictureFolder) survey() (survey, error) {
	first, err := f.format.header(f.files[0])
	if err != nil {
		return survey{}, fileError(f.files[0], err)
	}
	return survey{n: len(f.files), first: first, labels: f.labels, classes: len(f.names), classNames: f.names,
		where: func(i int) string { return f.files[i] }, notes: f.notes}, nil
}

func (f *pictureFolder) open(ctx context.Context, _ []int) (func(int) (picture, error), error) {
	return func(i int) (picture, error) { return f.format.decode(ctx, f.files[i]) }, nil
}

// fileError names the file, unless the error does.
func fileError(path string, err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}
