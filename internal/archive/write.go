package archive

import (
	"archive/tar"
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/klauspost/compress/gzip"
)

// Writer writes an archive. Equal files in equal order make equal bytes.
type Writer struct {
	root  string
	out   packer
	files []File
	added map[string]bool // by path
}

// packer writes the members of one format.
type packer interface {
	member(name string, size int64) (io.Writer, error)
	io.Closer
}

// NewWriter begins an archive, which will have the name file, on w. It unpacks to a folder with the name root.
func NewWriter(w io.Writer, file, root string) (*Writer, error) {
	k, err := kindOf(file)
	if err != nil {
		return nil, err
	}
	if err := checkName(root); err != nil {
		return nil, fmt.Errorf("%q: %w", root, err)
	}
	a := &Writer{root: root, added: map[string]bool{}}
	if k == zipped {
		a.out = zipPacker{zip.NewWriter(w)}
	} else {
		z := gzip.NewWriter(w)
		a.out = tarPacker{tar.NewWriter(z), z}
	}
	return a, nil
}

// Add adds a file of a known size.
func (a *Writer) Add(name string, size int64, content io.Reader) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	if a.added[name] || name == ManifestName {
		return fmt.Errorf("%s: added twice", name)
	}
	a.added[name] = true
	out, err := a.out.member(path.Join(a.root, name), size)
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), io.LimitReader(content, size))
	if err == nil && n < size {
		err = fmt.Errorf("got %d bytes, want %d: %w", n, size, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	a.files = append(a.files, File{name, size, hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// Close adds the manifest, with what the caller says about the archive, and ends it. It does not close the underlying writer.
func (a *Writer) Close(about any) error {
	text, err := json.MarshalIndent(Manifest{format, about, append([]File{}, a.files...)}, "", "  ")
	if err != nil {
		return err
	}
	out, err := a.out.member(path.Join(a.root, ManifestName), int64(len(text))+1)
	if err != nil {
		return err
	}
	if _, err := out.Write(append(text, '\n')); err != nil {
		return err
	}
	return a.out.Close()
}

type tarPacker struct {
	tar *tar.Writer
	z   *gzip.Writer
}

func (p tarPacker) member(name string, size int64) (io.Writer, error) {
	return p.tar, p.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: modified})
}

func (p tarPacker) Close() error { return errors.Join(p.tar.Close(), p.z.Close()) }

type zipPacker struct{ *zip.Writer }

func (p zipPacker) member(name string, _ int64) (io.Writer, error) {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: modified}
	h.SetMode(0o644)
	return p.CreateHeader(h)
}
