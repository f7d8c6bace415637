package data

import (
	"archive/tar"
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/starsweep/starsweep/engine/data/raster"
	"github.com/starsweep/starsweep/internal/regular"
)

// An archive may unpack to this many times its size, and in any case to this many bytes: pictures are already compressed and barely
// shrink in an archive. One that unpacks to more was most likely crafted to fill the memory.
const (
	maxUnpackRatio = 100
	minUnpackLimit = 1 << 30
)

// unpacker reads the members of an archive.
type unpacker struct {
	ctx     context.Context
	tree    archiveTree
	limit   int64
	used    int64    // bytes of pictures so far
	doubled []string // names that occurred again
}

// openArchive reads the pictures of an archive into memory, encoded, and notes what it left out.
func openArchive(ctx context.Context, st *Store, file string) (tree, []string, error) {
	f, err := regular.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	u := &unpacker{ctx: ctx, tree: archiveTree{file, newFolder(".", nil)}}
	u.limit = min(max(minUnpackLimit, min(info.Size(), math.MaxInt64/maxUnpackRatio)*maxUnpackRatio), st.memory())
	if strings.HasSuffix(strings.ToLower(file), ".zip") {
		err = u.zip(f, info.Size())
	} else {
		err = u.tar(f, !strings.HasSuffix(strings.ToLower(file), ".tar"))
	}
	if err != nil {
		return nil, nil, fileError(file, err)
	}
	if len(u.doubled) > 0 {
		return u.tree, []string{"read only the last of " + some(u.doubled, "name that appears twice", "names that appear twice")}, nil
	}
	return u.tree, nil, nil
}

var errTooLarge = errors.New("too large")

func (u *unpacker) tooLarge() error {
	return fmt.Errorf("%w: it unpacks to more than %s, at most %d times the size of an archive and no more than the memory: "+
		"unpack it, and set path to the folder",
		errTooLarge, bytesText(float64(u.limit)), maxUnpackRatio)
}

// zip reads a zip file.
func (u *unpacker) zip(f *os.File, size int64) error {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return err
	}
	for _, m := range z.File {
		if u.ctx.Err() != nil {
			return context.Cause(u.ctx)
		}
		name := m.Name
		if !strings.Contains(name, "/") { // some programs on Windows write the wrong separator
			name = strings.ReplaceAll(name, "\\", "/")
		}
		if err := u.zipMember(m, name); err != nil {
			return fmt.Errorf("%s: %w", printable(name), err)
		}
	}
	return nil
}

func (u *unpacker) zipMember(m *zip.File, name string) error {
	n, err := u.put(name, m.Mode())
	if err != nil || !m.Mode().IsRegular() && m.Mode()&fs.ModeSymlink == 0 {
		return err
	}
	if m.Flags&1 != 0 {
		return errors.New("encrypted: unpack the archive with its password, and set path to the folder")
	}
	r, err := m.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return fmt.Errorf("%w %d: unpack the archive, and set path to the folder", err, m.Method)
	}
	if err != nil {
		return err
	}
	defer r.Close() // only read
	return u.fill(n, r, int64(min(m.UncompressedSize64, math.MaxInt64)))
}

// tar reads a tar file, which may be compressed.
func (u *unpacker) tar(f *os.File, compressed bool) error {
	var in io.Reader = f
	if compressed {
		z, err := gzip.NewReader(contextReader{u.ctx, f})
		if err != nil {
			return err
		}
		in = &boundedReader{in: z, left: u.limit, err: u.tooLarge()}
	}
	for t := tar.NewReader(in); ; {
		if u.ctx.Err() != nil {
			return context.Cause(u.ctx)
		}
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := u.tarMember(h, t); err != nil {
			return fmt.Errorf("%s: %w", printable(h.Name), err)
		}
	}
}

func (u *unpacker) tarMember(h *tar.Header, r io.Reader) error {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		n, err := u.put(h.Name, 0)
		if err != nil {
			return err
		}
		return u.fill(n, r, h.Size)
	case tar.TypeDir:
		_, err := u.put(h.Name, fs.ModeDir)
		return err
	case tar.TypeSymlink:
		n, err := u.put(h.Name, fs.ModeSymlink)
		if err == nil {
			n.target = h.Linkname
		}
		return err
	case tar.TypeLink: // to an earlier member
		before, err := u.tree.find(path.Clean("/" + h.Linkname))
		if err != nil || !before.mode.IsRegular() {
			before = &node{mode: fs.ModeSymlink, target: "/" + h.Linkname} // leads nowhere
		}
		n, err := u.put(h.Name, before.mode)
		if err == nil {
			n.content, n.target = before.content, before.target
		}
		return err
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		_, err := u.put(h.Name, h.FileInfo().Mode().Type())
		return err
	}
	return nil // headers of the format itself
}

// put adds a node and notes whether its name occurred before.
func (u *unpacker) put(name string, mode fs.FileMode) (*node, error) {
	n, doubled, err := u.tree.put(name, mode)
	if doubled {
		u.doubled = append(u.doubled, printable(name))
	}
	return n, err
}

// fill reads the content of a member if it is a picture, or the target of a link.
func (u *unpacker) fill(n *node, r io.Reader, size int64) error {
	if n.mode&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(r, 4096))
		n.target = string(target)
		return err
	}
	begin, err := io.ReadAll(io.LimitReader(r, raster.MagicSize))
	if err != nil {
		return err
	}
	if !raster.Known(begin) {
		n.content = begin // enough for the decoder's error
		return nil
	}
	if size > u.limit-u.used {
		return u.tooLarge()
	}
	n.content = make([]byte, max(size, int64(len(begin)))) // at most the limit, which was checked
	copy(n.content, begin)
	u.used += int64(len(n.content))
	if _, err = io.ReadFull(contextReader{u.ctx, r}, n.content[len(begin):]); err != nil {
		return err
	}
	switch _, err := io.ReadFull(r, begin[:1]); err { // a zip file's checksum is compared at the end
	case io.EOF:
		return nil
	case nil:
		return fmt.Errorf("got more than the %d bytes that the archive says", size)
	default:
		return err
	}
}

// boundedReader returns an error if there are more bytes than allowed.
type boundedReader struct {
	in   io.Reader
	left int64
	err  error
}

func (r *boundedReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p[:min(int64(len(p)), max(r.left, 0)+1)])
	if r.left -= int64(n); r.left < 0 {
		return 0, r.err
	}
	return n, err
}
