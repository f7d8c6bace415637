package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/dicom"
	"github.com/starsweep/starsweep/internal/parallel"
)

var dicomFiles = row{
	DataSet: spec.DataSet{Name: "dicom", Builtin: "dicom", Files: true,
		Doc:  "a folder of grey DICOM slices, seen through a window; sub-folders are classes",
		Args: "path size channels window? split? limit? classes? labels?"},
	from: ownFiles, find: findDICOM,
}

// findDICOM reads grey DICOM slices, one frame per file. Stored values go through the rescale or the table of the file (to
// Hounsfield units for CT), then through the requested window, or the window or table of the file, to [-1, 1].
func findDICOM(ctx context.Context, _ *Store, wanted spec.Data) (source, error) {
	return findFolder(ctx, wanted, format{
		name: "DICOM slices",
		is:   isDICOM,
		sift: func(ctx context.Context, t tree, files []string) ([]string, []string, error) {
			return siftDICOM(ctx, t, files, wanted.Window)
		},
		header: dicomHeader,
		decode: func(_ context.Context, b []byte) (picture, error) { return decodeDICOM(b, wanted.Window) },
	})
}

// isDICOM decides by the name or by the magic word, since scanners have no rule for names. A DICOMDIR is an index, not a slice.
func isDICOM(file string, begin func() []byte) bool {
	switch name := strings.ToLower(path.Base(file)); {
	case name == "dicomdir":
		return false
	case strings.HasSuffix(name, ".dcm"):
		return true
	}
	return begin != nil && dicom.Is(begin())
}

// siftDICOM leaves out the objects without pixels that accompany slices: reports, plans, presentation states. It also notes how slices
// differ.
func siftDICOM(ctx context.Context, t tree, files []string, window [2]float64) (kept, notes []string, err error) {
	sets := make([]dicom.Set, len(files))
	err = parallel.For(ctx, len(files), func(i int) error {
		set, err := dicomAttributes(func(limit int64) ([]byte, error) { return t.read(files[i], limit) })
		sets[i] = set
		if err != nil {
			return fileError(t.full(files[i]), err)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	without, windows := map[string]int{}, map[string]bool{}
	stretched := 0
	for i, set := range sets {
		if !set.Has(dicom.Rows) && !set.Has(dicom.PixelData) && !set.Has(dicom.FloatPixelData) && !set.Has(dicom.DoubleFloatPixelData) {
			class, _ := set.Text(dicom.SOPClassUID)
			without[objectName(class)]++
			continue
		}
		kept = append(kept, files[i])
		windows[ownWindow(set)] = true
		if tall, wide := pixelSides(set); tall != wide {
			stretched++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(without)) {
		notes = append(notes, fmt.Sprintf("%d DICOM files have no pixels and are left out: %s", without[name], name))
	}
	if window == [2]float64{} && len(windows) > 1 {
		notes = append(notes, fmt.Sprintf("slices have %d different windows of their own, so that one value is not the same grey in all: "+
			"set window to have one for all", len(windows)))
	}
	if stretched > 0 {
		notes = append(notes, fmt.Sprintf("%d slices have pixels that are not square; they are read as they are stored", stretched))
	}
	return kept, notes, nil
}

// dicomAttributes reads the attributes before the pixels of a file, which are mostly within its first kilobytes.
func dicomAttributes(read func(limit int64) ([]byte, error)) (dicom.Set, error) {
	const usual = 64 << 10
	start, err := read(usual)
	if err != nil {
		return dicom.Set{}, err
	}
	set, err := dicom.ParseStart(start)
	if errors.Is(err, dicom.ErrCut) && len(start) == usual {
		if start, err = read(maxEncoded); err == nil {
			set, err = dicom.ParseStart(start)
		}
	}
	return set.Clone(), err
}

// objectName names an object by its SOP class (PS3.4, B.5).
func objectName(class string) string {
	for _, c := range []struct{ uid, name string }{
		{"1.2.840.10008.5.1.4.1.1.88.", "structured reports"},
		{"1.2.840.10008.5.1.4.1.1.11.", "presentation states"},
		{"1.2.840.10008.5.1.4.1.1.481.3", "RT structure sets"},
		{"1.2.840.10008.5.1.4.1.1.481.", "RT plans and records"},
		{"1.2.840.10008.5.1.4.1.1.104.", "encapsulated documents"},
		{"1.2.840.10008.5.1.4.1.1.9.", "waveforms"},
		{"1.2.840.10008.5.1.4.1.1.66", "raw and spatial data"},
		{"1.2.840.10008.1.3.10", "directories"},
	} {
		if strings.HasPrefix(class, c.uid) {
			return c.name
		}
	}
	return fmt.Sprintf("SOP class %q", class)
}

func dicomHeader(b []byte) (header, error) {
	set, err := dicom.ParseStart(b)
	if err != nil {
		return header{}, err
	}
	s, err := newSlice(set)
	return s.header, err
}

// decodeDICOM reads a slice through a window, or through its own if window is zero.
func decodeDICOM(file []byte, window [2]float64) (picture, error) {
	set, err := dicom.Parse(file)
	if err != nil {
		return picture{}, err
	}
	s, err := newSlice(set)
	if err != nil {
		return picture{}, err
	}
	grey, err := greyScale(set, window)
	if err != nil {
		return picture{}, err
	}
	values, err := s.values()
	if err != nil {
		return picture{}, err
	}
	p := picture{header: s.header, f32: make([]float32, s.size())}
	for i, stored := range values {
		y := grey.voi(grey.modality(stored))
		if s.inverse {
			y = -y
		}
		p.f32[i] = float32(y)
	}
	return p, nil
}

// slice is the attributes of the only frame of a DICOM file. The names are those of the standard (PS3.3, C.7.6.3).
type slice struct {
	header
	set                                dicom.Set
	syntax                             string
	bitsAllocated, bitsStored, highBit int
	signed                             bool // pixel representation 1
	inverse                            bool // MONOCHROME1: the lowest value is white
}

func newSlice(set dicom.Set) (slice, error) {
	a := attributes{set: set}
	s := slice{set: set}
	s.header = header{a.word(dicom.Rows, 0), a.word(dicom.Columns, 0), 1}
	s.bitsAllocated = a.word(dicom.BitsAllocated, 16)
	s.bitsStored = a.word(dicom.BitsStored, s.bitsAllocated)
	s.highBit = a.word(dicom.HighBit, s.bitsStored-1)
	s.signed = a.word(dicom.PixelRepresentation, 0) == 1
	s.syntax, _ = set.Text(dicom.TransferSyntaxUID)
	frames, samples := a.number(dicom.NumberOfFrames, 1), a.word(dicom.SamplesPerPixel, 1)
	photometric, _ := set.Text(dicom.PhotometricInterpretation)
	s.inverse = photometric == "MONOCHROME1"
	switch {
	case a.err != nil:
		return slice{}, a.err
	case s.h < 1 || s.w < 1 || s.h > spec.MaxDataSize || s.w > spec.MaxDataSize:
		return slice{}, fmt.Errorf("got %d x %d pixels, want 1 to %d per side", s.h, s.w, spec.MaxDataSize)
	case frames != 1:
		return slice{}, fmt.Errorf("got %g frames, want one slice per file", frames)
	case samples != 1:
		return slice{}, fmt.Errorf("got %d samples per pixel (%s), want grey", samples, photometric)
	case photometric == "PALETTE COLOR":
		return slice{}, errors.New("got PALETTE COLOR, whose values are indices into a table of colours: want grey (MONOCHROME1 or MONOCHROME2)")
	case photometric != "MONOCHROME1" && photometric != "MONOCHROME2" && photometric != "":
		return slice{}, fmt.Errorf("got %q, want grey (MONOCHROME1 or MONOCHROME2)", photometric)
	case s.bitsAllocated != 8 && s.bitsAllocated != 16, s.bitsStored < 1 || s.bitsStored > s.bitsAllocated:
		return slice{}, fmt.Errorf("got %d bits stored in %d, want up to 8 in 8 or up to 16 in 16", s.bitsStored, s.bitsAllocated)
	case s.highBit < s.bitsStored-1 || s.highBit >= s.bitsAllocated:
		return slice{}, fmt.Errorf("got high bit %d for %d bits stored in %d", s.highBit, s.bitsStored, s.bitsAllocated)
	}
	return s, nil
}

// values is the stored values of the frame: uncompressed, or JPEG with 8 bits.
func (s slice) values() ([]int, error) {
	element := s.set.Element(dicom.PixelData)
	if !s.set.Has(dicom.PixelData) {
		return nil, errors.New("no pixel data")
	}
	if element.Fragments != nil {
		return s.compressed(element.Fragments)
	}
	raw, bytesEach := element.Value, s.bitsAllocated/8
	if len(raw) < s.size()*bytesEach {
		return nil, fmt.Errorf("got %d bytes of pixel data, want %d", len(raw), s.size()*bytesEach)
	}
	if bytesEach == 1 && element.VR == "OW" && s.syntax == dicom.ExplicitBig {
		return nil, errors.New("got bytes as big-endian words: convert with gdcmconv --raw")
	}
	values := make([]int, s.size())
	for i := range values {
		x := uint16(raw[i*bytesEach])
		if bytesEach == 2 {
			x = s.set.Order.Uint16(raw[2*i:])
		}
		x <<= 15 - s.highBit // bits above and below those stored are meaningless
		if s.signed {
			values[i] = int(int16(x) >> (16 - s.bitsStored))
		} else {
			values[i] = int(x >> (16 - s.bitsStored))
		}
	}
	return values, nil
}

// compressed decodes the fragments of the only frame, which follow the table of offsets.
func (s slice) compressed(fragments [][]byte) ([]int, error) {
	var text []byte
	if len(fragments) > 0 {
		text = bytes.Join(fragments[1:], nil)
	}
	p, err := new(decoder).decode(context.Background(), text)
	if err != nil || p.c != 1 || p.u8 == nil || s.bitsStored != 8 || s.highBit != 7 || s.signed {
		return nil, fmt.Errorf("transfer syntax %s: want uncompressed pixels or 8-bit grey JPEG; convert with gdcmconv --raw", s.syntax)
	}
	if p.h != s.h || p.w != s.w {
		return nil, fmt.Errorf("got a frame of %d x %d pixels, want %d x %d", p.h, p.w, s.h, s.w)
	}
	values := make([]int, len(p.u8))
	for i, x := range p.u8 {
		values[i] = int(x)
	}
	return values, nil
}

// attributes reads single values of a data set. It keeps the first error.
type attributes struct {
	set dicom.Set
	err error
}

func (a *attributes) fail(err error) {
	if a.err == nil && err != nil {
		a.err = fmt.Errorf("malformed DICOM: %w", err)
	}
}

// word is a 16-bit number.
func (a *attributes) word(t dicom.Tag, standard int) int {
	words, err := a.set.Words(t)
	a.fail(err)
	if len(words) == 0 {
		return standard
	}
	return int(words[0])
}

// number is the first of decimal numbers.
func (a *attributes) number(t dicom.Tag, standard float64) float64 {
	numbers, err := a.set.Numbers(t)
	a.fail(err)
	if len(numbers) == 0 {
		return standard
	}
	return numbers[0]
}

// pixelSides are the height and the width of a pixel, in any unit; equal if they are not stated.
func pixelSides(set dicom.Set) (tall, wide float64) {
	for _, t := range []dicom.Tag{dicom.PixelAspectRatio, dicom.PixelSpacing} {
		if sides, err := set.Numbers(t); err == nil && len(sides) == 2 {
			return sides[0], sides[1]
		}
	}
	return 1, 1
}
