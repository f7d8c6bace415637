package generated

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/internal/durable"
)

// encoder encodes samples as PNG files. The bytes of one are valid until the next.
type encoder struct {
	set Set
	png png.Encoder
	out bytes.Buffer
}

func newEncoder(s Set) *encoder { return &encoder{set: s, png: png.Encoder{BufferPool: new(pool)}} }

// pool keeps the one buffer of an encoder, which would otherwise allocate one for every picture.
type pool struct{ buffer *png.EncoderBuffer }

func (p *pool) Get() *png.EncoderBuffer  { return p.buffer }
func (p *pool) Put(b *png.EncoderBuffer) { p.buffer = b }

func (e *encoder) encode(x []float32) ([]byte, error) {
	e.out.Reset()
	err := e.png.Encode(&e.out, data.Image(x, e.set.H, e.set.W, e.set.C))
	return e.out.Bytes(), err
}

// name is the name of a picture. Pictures with labels are in a folder for each class, as torchvision, Hugging Face's imagefolder and
// images(...) of scripts read them. Numbers have leading zeros, so that the order of names is that of numbers.
func (s Set) name(i int) string {
	name := fmt.Sprintf("%0*d.png", max(6, len(fmt.Sprint(s.N-1))), i)
	if s.Classes == 0 {
		return name
	}
	return fmt.Sprintf("%0*d/%s", len(fmt.Sprint(s.Classes-1)), s.Label(i), name)
}

// writeFolder writes into a folder beside the path, which takes its place once it is complete. Pictures can be drawn again, so they are
// not synced one by one.
func writeFolder(ctx context.Context, path string, s Set) (err error) {
	path = filepath.Clean(path)
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	partial, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".*"+durable.TempSuffix)
	if err != nil {
		return durable.StorageError(path, err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(partial) // its error would add nothing
		}
	}()
	if err := os.Chmod(partial, 0o755); err != nil { // MkdirTemp's are private
		return durable.StorageError(path, err)
	}
	e := newEncoder(s)
	folders := map[string]bool{".": true}
	err = s.each(ctx, func(i int, x []float32) error {
		b, err := e.encode(x)
		if err != nil {
			return err
		}
		name := filepath.FromSlash(s.name(i))
		if folder := filepath.Dir(name); !folders[folder] {
			folders[folder] = true
			if err := os.Mkdir(filepath.Join(partial, folder), 0o777); err != nil {
				return durable.StorageError(path, err)
			}
		}
		return durable.StorageError(path, os.WriteFile(filepath.Join(partial, name), b, 0o666))
	})
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) { // an empty folder
		return durable.StorageError(path, err)
	}
	if err := os.Rename(partial, path); err != nil {
		return durable.StorageError(path, err)
	}
	return durable.SyncDir(filepath.Dir(path))
}

// writeZip stores the files that writeFolder writes. They are compressed already, and have no dates.
func writeZip(ctx context.Context, w io.Writer, s Set) error {
	out, e := zip.NewWriter(w), newEncoder(s)
	if err := out.SetComment(s.Source); err != nil {
		return err
	}
	err := s.each(ctx, func(i int, x []float32) error {
		b, err := e.encode(x)
		if err != nil {
			return err
		}
		f, err := out.CreateHeader(&zip.FileHeader{Name: s.name(i), Method: zip.Store})
		if err != nil {
			return err
		}
		_, err = f.Write(b)
		return err
	})
	if err != nil {
		return err
	}
	return out.Close()
}
