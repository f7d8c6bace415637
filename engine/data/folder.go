package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/data/raster"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/regular"
)

// format is a kind of file that holds one picture.
type format struct {
	name string // in messages: "DICOM files"
	// is decides by the name, or by the file's first bytes if the name is not enough; without begin, by the name alone.
	is     func(name string, begin func() []byte) bool
	header func(b []byte) (header, error) // without decoding the pixels
	decode func(ctx context.Context, b []byte) (picture, error)
	// sift returns which files are pictures, in their order, and notes on them and the others; nil: all files are pictures
	sift func(ctx context.Context, t tree, files []string) (kept, notes []string, err error)
	// whose identifies the patient of a file, "" if that is unknown; nil: there are none
	whose func(t tree, file string) string
}

// pictureTree is the files of one format in a folder or an archive. If they are in sub-folders, the sub-folder names the class.
type pictureTree struct {
	format format
	tree   tree
	arrangement
}

var imageFiles = row{
	DataSet: spec.DataSet{Name: "images", Builtin: "images", Files: true,
		Doc:  "a folder, zip or tar file of PNG, JPEG, GIF, BMP, TIFF or WebP images; sub-folders are classes",
		Args: "path size channels split? limit? classes? labels?"},
	from: ownFiles, find: findImages,
}

func findImages(ctx context.Context, st *Store, wanted spec.Data) (source, error) {
	images := format{
		name:   raster.Formats + " images",
		is:     isImage,
		header: encodedHeader,
		decode: new(decoder).decode,
	}
	if IsArchive(wanted.Path) {
		t, notes, err := openArchive(ctx, st, wanted.Path)
		if err != nil {
			return nil, err
		}
		return findTree(ctx, t, wanted, images, notes...)
	}
	if err := wantFolder(wanted.Path); err != nil {
		return nil, err
	}
	return findTree(ctx, diskTree{wanted.Path}, wanted, images)
}

// isImage decides by the ending, and by the content if there is none.
func isImage(name string, begin func() []byte) bool {
	ext := path.Ext(name)
	if ext == "" && begin != nil {
		return raster.Known(begin())
	}
	return raster.Extension(ext)
}

// wantFolder returns an error unless a path is that of a folder.
func wantFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return err
	}
	if err := regular.Check(info.Mode()); err != nil {
		return fmt.Errorf("%s: %w or a folder", path, err)
	}
	return fmt.Errorf("%s: got a file, want a folder, or a %s file", path, strings.Join(archiveEndings, ", "))
}

// findTree reads the files of a tree: see arrange.
func findTree(ctx context.Context, t tree, wanted spec.Data, format format, notes ...string) (source, error) {
	a, err := arrangeTree(ctx, t, wanted, format, notes...)
	if err != nil {
		return nil, err
	}
	return &pictureTree{format: format, tree: t, arrangement: a}, nil
}

// arrangeTree finds the files of a format that are requested, and their labels. Its notes begin with those given.
func arrangeTree(ctx context.Context, t tree, wanted spec.Data, format format, notes ...string) (arrangement, error) {
	w, err := walk(ctx, t, format)
	if err != nil {
		return arrangement{}, err
	}
	if len(w.files) == 0 {
		return arrangement{}, nothing(format, wanted, append(notes, w.notes(".")...))
	}
	a, err := arrange(w.files, wanted)
	if err != nil {
		return arrangement{}, fmt.Errorf("%s: %w", wanted.Path, err)
	}
	a.notes = slices.Concat(notes, a.notes, w.notes(a.root))
	if format.sift != nil {
		kept, more, err := format.sift(ctx, t, a.files)
		if err != nil {
			return arrangement{}, err
		}
		a.files, a.notes = kept, append(a.notes, more...)
	}
	if len(a.files) == 0 {
		return arrangement{}, nothing(format, wanted, a.notes)
	}
	if format.whose != nil && !wanted.Unlabelled {
		shared, err := sharedPatients(ctx, t, format, a.files, w.files)
		if err != nil {
			return arrangement{}, err
		}
		a.notes = append(a.notes, shared...)
	}
	if !wanted.Unlabelled {
		if err := a.label(); err != nil {
			return arrangement{}, fmt.Errorf("%s: %w", wanted.Path, err)
		}
	}
	return a, nil
}

// nothing is the error of a tree without files of the format.
func nothing(format format, wanted spec.Data, notes []string) error {
	return absent("%s", strings.Join(append([]string{fmt.Sprintf("no %s in %s", format.name, wanted.Path)}, notes...), "; "))
}

func (p *pictureTree) identity() (string, error) { return p.arrangement.identity(p.tree, p.files) }

// identity identifies the content of files, and what was decided about them.
func (a *arrangement) identity(t tree, files []string) (string, error) {
	content, err := t.identity(files)
	if err != nil || content == "" {
		return content, err
	}
	// The omissions, and the classes of other splits, may change while the files do not.
	return fmt.Sprintf("%s\n%q\n%q", content, a.notes, a.names), nil
}

// maxEncoded bounds one file of a picture.
const maxEncoded = math.MaxInt32

func (p *pictureTree) read(i int) ([]byte, error) { return readPicture(p.tree, p.files[i]) }

func readPicture(t tree, file string) ([]byte, error) {
	b, err := t.read(file, maxEncoded+1)
	if err == nil && len(b) > maxEncoded {
		err = fmt.Errorf("got more than %d bytes, want a picture", maxEncoded)
	}
	return b, err
}

func (p *pictureTree) survey(context.Context) (survey, error) {
	b, err := p.read(0)
	if err == nil {
		var first header
		if first, err = p.format.header(b); err == nil {
			return survey{n: len(p.files), first: first, labels: p.labels, classes: len(p.names), classNames: p.names, where: p.where,
				notes: p.notes}, nil
		}
	}
	return survey{}, fileError(p.where(0), err)
}

func (p *pictureTree) where(i int) string { return p.tree.full(p.files[i]) }

func (p *pictureTree) open(ctx context.Context, _ []int) (func(int) (picture, error), error) {
	return func(i int) (picture, error) {
		b, err := p.read(i)
		if err != nil {
			return picture{}, err
		}
		return p.format.decode(ctx, b)
	}, nil
}

// fileError names the file, unless the error does.
func fileError(path string, err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// absent returns an error in whose chain is fs.ErrNotExist, though its text does not say so.
func absent(message string, args ...any) error { return absentError(fmt.Sprintf(message, args...)) }

type absentError string

func (e absentError) Error() string        { return string(e) }
func (e absentError) Is(target error) bool { return target == fs.ErrNotExist }
