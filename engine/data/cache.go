package data

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// A cache file holds one decoded set: a line of JSON, labels and pixels as Set.writeContent writes them, and the SHA-256 of these.
// Several processes may write the same file. It is verified when it is read.

// cacheVersion changes with the layout, and with every change of decoding that changes pixels.
const cacheVersion = 5

// cacheHeader is the line of JSON: the set without its content, and the form of the content.
type cacheHeader struct {
	Version    int      `json:"version"`
	Name       string   `json:"name"`
	Shape      Shape    `json:"shape"`
	Bytes      bool     `json:"bytes"` // pixels are bytes, not float32
	Labels     bool     `json:"labels"`
	ClassNames []string `json:"class_names"`
	Digest     string   `json:"digest"`
	Notes      []string `json:"notes,omitempty"`
}

// cachePath is the cache file of a request for a source of this identity. Its name is a digest of everything that decides a pixel: the
// files, the request, and the code, which is cacheVersion, Go (whose JPEG decoder changed with 1.26) and the modules that decode.
func (st *Store) cachePath(wanted spec.Data, identity string) string {
	key := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n%s\n", cacheVersion, decoders(), wanted, identity))
	return filepath.Join(st.Cache, fmt.Sprintf("%s-%x.images", wanted.Name, key[:16]))
}

// decoders is the versions of the code that decodes images.
func decoders() string {
	versions := runtime.Version()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains([]string{"golang.org/x/image", "github.com/parquet-go/parquet-go"}, m.Path) {
				versions += " " + m.Path + "@" + m.Version
			}
		}
	}
	return versions
}

// readCache returns the set from the cache, or nil. A file that is damaged or cannot be read only causes a warning.
func (st *Store) readCache(ctx context.Context, wanted spec.Data, identity string) *Set {
	if st.Cache == "" {
		return nil
	}
	set, err := readCacheFile(ctx, st.cachePath(wanted, identity))
	if err == nil {
		return set
	}
	if ctx.Err() == nil && !errors.Is(err, fs.ErrNotExist) {
		st.warn(fmt.Errorf("cached images are decoded again: %w", err))
	}
	return nil
}

// writeCache writes the set to the cache. A failure only causes a warning.
func (st *Store) writeCache(wanted spec.Data, identity string, set *Set) {
	if st.Cache == "" {
		return
	}
	path := st.cachePath(wanted, identity)
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		os.RemoveAll(path) // it is not ours; if it cannot be removed, writing fails
	}
	if err := writeCacheFile(path, set); err != nil {
		st.warn(fmt.Errorf("images are not cached: %w", err))
	}
}

func writeCacheFile(path string, s *Set) error {
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	line, err := json.Marshal(cacheHeader{
		Version: cacheVersion, Name: s.Name, Shape: s.Shape(), Bytes: s.U8 != nil, Labels: s.Labels != nil,
		ClassNames: s.ClassNames, Digest: s.Digest, Notes: s.Notes,
	})
	if err != nil {
		return err
	}
	return durable.WriteShared(path, func(f io.Writer) error {
		h := sha256.New()
		w := io.MultiWriter(f, h)
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
		if err := s.writeContent(w); err != nil {
			return err
		}
		_, err := f.Write(h.Sum(nil))
		return err
	})
}

func readCacheFile(ctx context.Context, path string) (*Set, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s, err := readCached(bufio.NewReaderSize(contextReader{ctx, f}, 1<<16), info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// readCached reads a cache file of this size.
func readCached(in *bufio.Reader, size int64) (*Set, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var head cacheHeader
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, err
	}
	d := head.Shape
	s := &Set{Name: head.Name, N: d.N, H: d.H, W: d.W, C: d.C, Classes: d.Classes, ClassNames: head.ClassNames, Digest: head.Digest,
		Notes: head.Notes}
	if min(d.N, d.H, d.W, d.C) < 1 || float64(d.N)*float64(d.H)*float64(d.W)*float64(d.C) > float64(size) {
		return nil, fmt.Errorf("got shape %v in %d bytes", d, size)
	}
	pixels, content := d.N*d.H*d.W*d.C, 0
	if head.Bytes {
		content += pixels
	} else {
		content += 4 * pixels
	}
	if head.Labels {
		content += 4 * d.N
	}
	if want := int64(len(line) + content + sha256.Size); size != want { // before memory is allocated as the header says
		return nil, fmt.Errorf("got %d bytes, want %d", size, want)
	}
	if head.Labels {
		s.Labels = make([]int32, d.N)
	}
	if head.Bytes {
		s.U8 = make([]uint8, pixels)
	} else {
		s.F32 = make([]float32, pixels)
	}
	h := sha256.New()
	h.Write(line)
	if err := s.readContent(io.TeeReader(in, h)); err != nil {
		return nil, err
	}
	return s, checkSum(in, h)
}

// checkSum compares what was hashed with the digest that follows.
func checkSum(in io.Reader, h hash.Hash) error {
	want := make([]byte, sha256.Size)
	if _, err := io.ReadFull(in, want); err != nil {
		return err
	}
	if got := h.Sum(nil); !bytes.Equal(got, want) {
		return fmt.Errorf("got SHA-256 %x, want %x", got, want)
	}
	return nil
}

// contextReader is a reader that ends with its context.
type contextReader struct {
	ctx context.Context
	in  io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.in.Read(p)
}
