package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/regular"
)

// Problem is something wrong with a file of an archive, or with the archive itself if the path is empty.
type Problem struct{ Path, What string }

// unpacker unpacks an archive.
type unpacker struct {
	ctx   context.Context
	to    *os.Root
	left  int64                  // bytes that it may still unpack to
	root  string                 // the folder of all its files
	taken map[string]fs.FileMode // names of files and of the folders above them, in lower case
	found map[string]File        // unpacked, by path
	list  []byte                 // the manifest

	problems []Problem
}

// Unpack unpacks the archive in a file into an empty folder and compares it with its manifest. Files that are linked, special, or
// outside the archive's own folder are problems and not unpacked. An archive without a readable manifest has at least one problem. Errors
// are those of the disk and of ctx, and those of opening file.
func Unpack(ctx context.Context, file string, to *os.Root) ([]Problem, error) {
	return unpack(ctx, file, to, minUnpackLimit)
}

// unpack is Unpack with a number of bytes to which any archive may unpack.
func unpack(ctx context.Context, file string, to *os.Root, least int64) ([]Problem, error) {
	k, err := kindOf(file)
	if err != nil {
		return nil, err
	}
	f, err := regular.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	u := &unpacker{ctx: ctx, to: to, taken: map[string]fs.FileMode{}, found: map[string]File{}}
	u.left = max(least, min(info.Size(), math.MaxInt64/maxUnpackRatio)*maxUnpackRatio)
	if k == zipped {
		err = u.zip(f, info.Size())
	} else {
		err = u.tar(f)
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, durable.ErrStorage):
		return nil, err
	case err != nil:
		u.problem("", "%v", err)
	}
	u.compare()
	return u.problems, nil
}

func (u *unpacker) problem(name, format string, a ...any) {
	u.problems = append(u.problems, Problem{name, fmt.Sprintf(format, a...)})
}

// tar reads a .tar.gz. It counts the bytes of the stream, so that headers and holes are bounded like files.
func (u *unpacker) tar(f io.Reader) error {
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	limit := u.left
	stream := &bounded{in: z, left: limit}
	for t := tar.NewReader(stream); ; {
		h, err := t.Next()
		if err == io.EOF {
			_, err := io.Copy(io.Discard, stream) // to the end, where gzip has its checksum
			return err
		}
		if err != nil {
			return err
		}
		kind := h.FileInfo().Mode().Type()
		if h.Typeflag == tar.TypeLink {
			kind = fs.ModeSymlink
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := u.member(strings.TrimSuffix(h.Name, "/"), kind, t); err != nil {
			return err
		}
	}
}

// zip reads a .zip.
func (u *unpacker) zip(f io.ReaderAt, size int64) error {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return err
	}
	for _, m := range z.File {
		name := strings.TrimSuffix(m.Name, "/")
		if !m.Mode().IsRegular() {
			if err := u.member(name, m.Mode().Type(), nil); err != nil {
				return err
			}
			continue
		}
		r, err := m.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		err = u.member(name, 0, r)
		r.Close() // only read
		if err != nil {
			return err
		}
	}
	return nil
}

// member unpacks a file, or notes why not.
func (u *unpacker) member(name string, kind fs.FileMode, content io.Reader) error {
	if err := u.ctx.Err(); err != nil {
		return err
	}
	if len(u.taken) >= maxFiles {
		return fmt.Errorf("more than %d files", maxFiles)
	}
	if err := checkName(name); err != nil {
		u.problem(name, "%v: not unpacked", err)
		return nil
	}
	if kind == fs.ModeDir {
		return nil
	}
	if err := regular.Check(kind); err != nil || kind&fs.ModeSymlink != 0 {
		u.problem(name, "got a link or a special file, want a file: not unpacked")
		return nil
	}
	top, below, inside := strings.Cut(name, "/")
	if u.root == "" {
		u.root = top
	}
	switch {
	case !inside || top != u.root:
		u.problem(name, "outside the folder of the archive: not unpacked")
		return nil
	case !u.take(below):
		u.problem(below, "a second file or folder with this name: not unpacked")
		return nil
	}
	return u.unpack(below, content)
}

// take notes the name of a file, and reports whether it is free. File systems may not distinguish upper and lower case.
func (u *unpacker) take(name string) bool {
	name = strings.ToLower(name)
	if _, taken := u.taken[name]; taken {
		return false
	}
	for i, r := range name {
		if r == '/' {
			if kind, taken := u.taken[name[:i]]; taken && kind != fs.ModeDir {
				return false
			}
			u.taken[name[:i]] = fs.ModeDir
		}
	}
	u.taken[name] = 0
	return true
}

// unpack writes a file. Its content is synced by nobody: it is checked and removed.
func (u *unpacker) unpack(name string, content io.Reader) error {
	local := filepath.FromSlash(name)
	if err := u.to.MkdirAll(filepath.Dir(local), 0o777); err != nil {
		return durable.StorageError(name, err)
	}
	out, err := u.to.OpenFile(local, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return durable.StorageError(name, err)
	}
	defer out.Close()
	var list bytes.Buffer
	sum, disk := sha256.New(), &diskWriter{out, nil}
	sinks := []io.Writer{disk, sum}
	if name == ManifestName {
		sinks = append(sinks, &list)
		content = &bounded{in: content, left: maxManifest}
	}
	in := &bounded{in: content, left: u.left}
	n, err := io.Copy(io.MultiWriter(sinks...), contextReader{u.ctx, in})
	u.left -= n
	if disk.err != nil {
		return durable.StorageError(name, disk.err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if name == ManifestName {
		u.list = list.Bytes()
		return durable.StorageError(name, out.Close())
	}
	u.found[name] = File{name, n, hex.EncodeToString(sum.Sum(nil))}
	return durable.StorageError(name, out.Close())
}

// compare compares the files with the manifest.
func (u *unpacker) compare() {
	if u.list == nil {
		u.problem(ManifestName, "missing: the archive is incomplete, or not one of starsweep archive")
		return
	}
	var m Manifest
	if err := json.Unmarshal(u.list, &m); err != nil {
		u.problem(ManifestName, "%v", err)
		return
	}
	if m.Format != format {
		u.problem(ManifestName, "got format %d, want %d: the archive is of another version of starsweep", m.Format, format)
		return
	}
	listed := map[string]bool{}
	for _, want := range m.Files {
		got, there := u.found[want.Path]
		switch {
		case listed[want.Path]:
			u.problem(ManifestName, "%s: listed twice", want.Path)
		case !there:
			u.problem(want.Path, "missing")
		case got.Bytes != want.Bytes:
			u.problem(want.Path, "got %d bytes, want %d", got.Bytes, want.Bytes)
		case got != want:
			u.problem(want.Path, "got sha256 %s, want %s", got.SHA256, want.SHA256)
		}
		listed[want.Path] = true
	}
	for _, name := range slices.Sorted(maps.Keys(u.found)) {
		if !listed[name] {
			u.problem(name, "not in the manifest")
		}
	}
}

// diskWriter remembers the error of the disk, which would otherwise look like one of the archive.
type diskWriter struct {
	to  io.Writer
	err error
}

func (w *diskWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	in  io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}

var errTooLarge = fmt.Errorf("it unpacks to more than %d times its size", maxUnpackRatio)

// bounded returns an error if there are more bytes than allowed.
type bounded struct {
	in   io.Reader
	left int64
}

func (r *bounded) Read(p []byte) (int, error) {
	n, err := r.in.Read(p[:min(int64(len(p)), max(r.left, 0)+1)])
	if r.left -= int64(n); r.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
