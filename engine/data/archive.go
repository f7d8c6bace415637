package data

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/data/raster"
)

// archive is a zip or tar file of images. Its encoded images, which are smaller than the decoded ones, are in memory.
type archive struct {
	pictureFolder
	path string
}

// IsArchive tells by the name, as tar does, whether "images" reads a path as an archive.
func IsArchive(path string) bool {
	path = strings.ToLower(path)
	return slices.ContainsFunc([]string{".zip", ".tar", ".tar.gz", ".tgz"}, func(end string) bool { return strings.HasSuffix(path, end) })
}

// findArchive reads the images of an archive, which is laid out as a folder may be: see findFolder.
func findArchive(spec Spec) (source, error) {
	read := readTar
	if strings.HasSuffix(strings.ToLower(spec.Path), ".zip") {
		read = readZip
	}
	members := map[string][]byte{}
	err := read(spec.Path, func(name string, r io.Reader) error {
		// Names are of any origin. They only serve to sort and to label: nothing is written.
		if name = path.Clean("/" + name)[1:]; !isImageName(name) || hidden(name) {
			return nil
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		members[name] = b
		return nil
	})
	if err != nil {
		return nil, fileError(spec.Path, err)
	}
	a := &archive{path: spec.Path}
	a.root = spec.Path
	a.format = format{
		header: func(file string) (header, error) { return encodedHeader(members[a.member(file)]) },
		decode: func(ctx context.Context, file string) (picture, error) {
			return decodePicture(ctx, members[a.member(file)])
		},
	}
	prefix := spec.Split + "/"
	inSplit := func(name string) bool { return strings.HasPrefix(name, prefix) }
	names := slices.Sorted(maps.Keys(members))
	switch {
	case slices.ContainsFunc(names, inSplit):
		names = slices.DeleteFunc(names, func(name string) bool { return !inSplit(name) })
		a.root += "/" + spec.Split
	case spec.Split != "train":
		return nil, fmt.Errorf("no folder %q in %s for the split: %w", spec.Split, spec.Path, fs.ErrNotExist)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no %s images in %s: %w", raster.Formats, spec.Path, fs.ErrNotExist)
	}
	for _, name := range names {
		a.files = append(a.files, spec.Path+"/"+name)
	}
	return a, a.label()
}

// member is the name in the archive of one of files.
func (a *archive) member(file string) string { return strings.TrimPrefix(file, a.path+"/") }

func (a *archive) identity() (string, error) { return filesIdentity([]string{a.path}) }

// hidden tells whether some folder or the file begins with a dot, or is what macOS adds to archives.
func hidden(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.HasPrefix(part, ".") || part == "__MACOSX" })
}

// readZip calls each with every file.
func readZip(path string, each func(name string, r io.Reader) error) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if !f.Mode().IsRegular() {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		err = each(f.Name, r)
		r.Close() // only read
		if err != nil {
			return err
		}
	}
	return nil
}

// readTar calls each with every file, of a tar that may be compressed by gzip.
func readTar(path string, each func(name string, r io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var in io.Reader = f
	if !strings.HasSuffix(strings.ToLower(path), ".tar") {
		if in, err = gzip.NewReader(f); err != nil {
			return err
		}
	}
	return eachInTar(in, each)
}

// eachInTar calls each with every file.
func eachInTar(in io.Reader, each func(name string, r io.Reader) error) error {
	for t := tar.NewReader(in); ; {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := each(h.Name, t); err != nil {
			return err
		}
	}
}
