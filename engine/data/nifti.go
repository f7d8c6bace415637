package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/nifti"
	"github.com/starsweep/starsweep/internal/parallel"
	"github.com/starsweep/starsweep/internal/regular"
)

var niftiFiles = row{
	DataSet: spec.DataSet{Name: "nifti", Builtin: "nifti", Files: true,
		Doc:     "a folder of NIfTI volumes, or one, slice by slice, seen through a window; sub-folders are classes",
		Args:    "path size channels plane? window? slices? split? limit? classes? labels?",
		Default: spec.Data{Plane: nifti.Planes[nifti.Axial]},
		Check:   checkNIfTI},
	from: ownFiles, find: findNIfTI,
}

func checkNIfTI(d spec.Data) error {
	var errs []error
	if !slices.Contains(nifti.Planes, d.Plane) {
		errs = append(errs, fmt.Errorf("plane: got %q, want one of %s", d.Plane, strings.Join(nifti.Planes, ", ")))
	}
	if s := d.Slices; s != [2]float64{} && !(0 <= s[0] && s[0] < s[1] && s[1] <= 1) {
		errs = append(errs, fmt.Errorf("slices: got %g to %g, want a part of 0 to 1, such as (0.2, 0.8)", s[0], s[1]))
	}
	return errors.Join(errs...)
}

// volumes reads the slices of NIfTI volumes: stored values go through the scale of the header, then through the requested window, or
// the range that the header wants shown, or that of the volume, to [-1, 1].
type volumes struct {
	wanted  spec.Data
	plane   nifti.Plane
	headers map[string]*nifti.Header // by file, after sift
}

func findNIfTI(ctx context.Context, st *Store, wanted spec.Data) (source, error) {
	v := &volumes{wanted: wanted, plane: nifti.Plane(slices.Index(nifti.Planes, wanted.Plane)), headers: map[string]*nifti.Header{}}
	t, err := fileOrFolder(wanted.Path, isNIfTI, ".nii, .nii.gz, .hdr, or a folder of them")
	if err != nil {
		return nil, err
	}
	return findStacks(ctx, st, t, wanted, format{name: "NIfTI volumes", is: isNIfTI, sift: v.sift, whose: niftiPatient}, v)
}

// isNIfTI decides by the name. A file .img holds the voxels of a file .hdr.
func isNIfTI(file string, _ func() []byte) bool {
	return slices.Contains([]string{".nii", ".hdr", voxelEnding}, niftiEnding(file))
}

const voxelEnding = ".img"

// niftiEnding is the ending of a file before .gz, in small letters.
func niftiEnding(file string) string {
	return path.Ext(strings.TrimSuffix(strings.ToLower(file), ".gz"))
}

// voxelFile is the file of the voxels of a header without any: of the same name with the ending .img.
func voxelFile(file string) string {
	bare, zipped := strings.CutSuffix(file, ".gz")
	ending := map[bool]string{false: ".img", true: ".IMG"}[strings.HasSuffix(bare, ".HDR")]
	file = bare[:len(bare)-len(path.Ext(bare))] + ending
	if zipped {
		file += ".gz"
	}
	return file
}

// niftiPatient identifies the patient by the entity sub- of the names of BIDS.
func niftiPatient(_ tree, file string) string {
	for _, part := range strings.FieldsFunc(file, func(r rune) bool { return r == '/' || r == '_' }) {
		if strings.HasPrefix(part, "sub-") {
			return part
		}
	}
	return ""
}

// sift reads the headers, and notes how volumes differ.
func (v *volumes) sift(ctx context.Context, t tree, files []string) (kept, notes []string, err error) {
	kept = slices.DeleteFunc(slices.Clone(files), func(file string) bool { return niftiEnding(file) == voxelEnding })
	headers := make([]*nifti.Header, len(kept))
	err = parallel.For(ctx, len(kept), func(i int) error {
		h, err := readHeader(t, kept[i])
		if err != nil {
			return fileError(t.full(kept[i]), err)
		}
		headers[i] = h
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	pairs := 0
	for i, file := range kept {
		v.headers[file] = headers[i]
		pairs += len(v.parts(file))
	}
	if alone := len(files) - len(kept) - pairs; alone > 0 {
		notes = append(notes, fmt.Sprintf("left out %d files .img without a file .hdr of the same name", alone))
	}
	return kept, append(notes, v.notes(headers)...), nil
}

// notes notes how volumes differ.
func (v *volumes) notes(headers []*nifti.Header) (notes []string) {
	var lost, own, stretched int
	ranges, sizes := map[[2]float64]int{}, map[string]int{}
	for _, h := range headers {
		if !h.Oriented {
			lost++
		}
		if h.Display == [2]float64{} {
			own++
		} else {
			ranges[h.Display]++
		}
		tall, wide := h.Pixel(v.plane)
		if math.Abs(tall-wide) > 1e-3*max(tall, wide) {
			stretched++
		}
		sizes[fmt.Sprintf("%.3g x %.3g", tall, wide)]++
	}
	if lost > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d volumes state no orientation: their axes are taken to run left, forward and up", lost,
			len(headers)))
	}
	if v.wanted.Window == [2]float64{} {
		if own > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d volumes state no range of values to show and are shown from their least value to their "+
				"greatest, so that one value is not the same grey in all: set window to have one for all", own, len(headers)))
		}
		if len(ranges) > 1 {
			notes = append(notes, fmt.Sprintf("volumes state %d different ranges of values to show, so that one value is not the same grey in all: "+
				"set window to have one for all", len(ranges)))
		}
	}
	if stretched > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d volumes have slices whose pixels are not square; they are read as they are stored", stretched,
			len(headers)))
	}
	if len(sizes) > 1 {
		notes = append(notes, fmt.Sprintf("pixels have %d different sizes: %s", len(sizes), mostOf(sizes)))
	}
	return notes
}

// mostOf is "a in 5, b in 3, ...", most first.
func mostOf(counts map[string]int) string {
	return byCount(counts, 3, func(what string, n int) string { return fmt.Sprintf("%s in %d", what, n) })
}

// readHeader reads the header at the beginning of a file.
func readHeader(t tree, file string) (*nifti.Header, error) {
	f, err := openVoxels(t.full(file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, nifti.HeaderSize)
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	h, err := nifti.Parse(b[:n])
	if err == nil && !h.Pair {
		err = f.holds(h)
	}
	return h, err
}

// voxelReader reads a file, unpacked if it is packed.
type voxelReader struct {
	io.Reader
	file *os.File
	most int64 // more bytes than this are not in the file
}

func (r voxelReader) Close() error { return r.file.Close() }

// holds returns an error if a file has not the size that its header implies, before memory is allocated for it.
func (r voxelReader) holds(h *nifti.Header) error {
	if r.most < h.Offset+h.Bytes() {
		return fmt.Errorf("%w: got at most %d bytes, want %d of voxels from byte %d", nifti.ErrCut, r.most, h.Bytes(), h.Offset)
	}
	return nil
}

// maxPacking is the bytes that deflate can make of one.
const maxPacking = 1032

func openVoxels(file string) (voxelReader, error) {
	f, err := regular.Open(file)
	if err != nil {
		return voxelReader{}, err
	}
	r, err := unpacked(f)
	if err != nil {
		f.Close()
	}
	return r, err
}

func unpacked(f *os.File) (voxelReader, error) {
	info, err := f.Stat()
	if err != nil {
		return voxelReader{}, err
	}
	magic := make([]byte, 2)
	if n, err := f.ReadAt(magic, 0); err != nil && n < 2 {
		return voxelReader{}, fmt.Errorf("%w: got %d bytes", nifti.ErrCut, n)
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return voxelReader{f, f, info.Size()}, nil
	}
	z, err := gzip.NewReader(f)
	return voxelReader{z, f, maxPacking * info.Size()}, err
}

// part is the slices of a volume that are requested.
func (v *volumes) part(file string) (from, n int) {
	n, _, _ = v.headers[file].Slices(v.plane)
	if s := v.wanted.Slices; s != [2]float64{} {
		from = min(int(math.Round(s[0]*float64(n))), n-1)
		n = max(int(math.Round(s[1]*float64(n)))-from, 1)
	}
	return from, n
}

func (v *volumes) contents(file string) (pictures int, first header, size int64) {
	h := v.headers[file]
	_, n := v.part(file)
	_, tall, wide := h.Slices(v.plane)
	return n, header{tall, wide, 1}, h.Bytes()
}

func (v *volumes) parts(file string) []string {
	if v.headers[file].Pair {
		return []string{voxelFile(file)}
	}
	return nil
}

func (v *volumes) open(_ context.Context, t tree, file string) (func(i int) (picture, error), error) {
	h, voxels := v.headers[file], file
	if h.Pair {
		voxels = voxelFile(file)
	}
	volume, err := readVoxels(h, t.full(voxels))
	if err != nil {
		return nil, err
	}
	grey, err := v.grey(volume)
	if err != nil {
		return nil, err
	}
	from, _ := v.part(file)
	_, first, _ := v.contents(file)
	return func(i int) (picture, error) {
		p := picture{header: first, f32: make([]float32, 0, first.size())}
		for _, x := range volume.Slice(v.plane, from+i) {
			y := -1.0 // a value that is no number, which marks what is outside
			if !math.IsNaN(x) {
				y = grey(x)
			}
			p.f32 = append(p.f32, float32(y))
		}
		return p, nil
	}, nil
}

// readVoxels reads the voxels of a file.
func readVoxels(h *nifti.Header, file string) (nifti.Volume, error) {
	f, err := openVoxels(file)
	if err != nil {
		return nifti.Volume{}, err
	}
	defer f.Close()
	if err := f.holds(h); err != nil {
		return nifti.Volume{}, err
	}
	if _, err := io.CopyN(io.Discard, f, h.Offset); err != nil {
		return nifti.Volume{}, cutShort(err)
	}
	b := make([]byte, h.Bytes())
	if _, err := io.ReadFull(f, b); err != nil {
		return nifti.Volume{}, cutShort(err)
	}
	if _, err := f.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) { // at the end, the checksum of what was unpacked
		return nifti.Volume{}, cutShort(err)
	}
	return nifti.NewVolume(h, b)
}

// cutShort is the error of a file whose end is missing, or of one that cannot be read.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nifti.ErrCut
	}
	return err
}

// grey is the window of a volume.
func (v *volumes) grey(volume nifti.Volume) (func(float64) float64, error) {
	if w := v.wanted.Window; w != [2]float64{} {
		return voiFunction("LINEAR", w[0], w[1])
	}
	low, high := volume.Display[0], volume.Display[1]
	if low == high {
		if low, high = volume.Range(); low == high {
			return func(float64) float64 { return -1 }, nil
		}
	}
	return voiFunction("LINEAR_EXACT", low+(high-low)/2, high-low)
}
