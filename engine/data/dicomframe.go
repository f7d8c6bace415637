package data

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/dicom"
	"github.com/starsweep/starsweep/internal/losslessjpeg"
)

// maxFrames bounds the frames of a file.
const maxFrames = 1 << 16

// slice is the attributes of the frames of a DICOM file. The names are those of the standard (PS3.3, C.7.6.3).
type slice struct {
	header
	set                                dicom.Set
	syntax                             string
	frames                             int
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
	case frames != math.Trunc(frames) || frames < 1 || frames > maxFrames:
		return slice{}, fmt.Errorf("got %g frames, want 1 to %d", frames, maxFrames)
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
	s.frames = int(frames)
	return s, nil
}

// value is the number that a stored word holds.
func (s slice) value(word uint16) int {
	word <<= 15 - s.highBit // bits above and below those stored are meaningless
	if s.signed {
		return int(int16(word) >> (16 - s.bitsStored))
	}
	return int(word >> (16 - s.bitsStored))
}

// stored returns a function of the words that frame i stores; it may be called by several goroutines at once.
func (s slice) stored(ctx context.Context) (func(i int) ([]uint16, error), error) {
	element := s.set.Element(dicom.PixelData)
	if !s.set.Has(dicom.PixelData) {
		return nil, errors.New("no pixel data")
	}
	if element.Fragments != nil {
		return s.compressed(ctx)
	}
	raw, size := element.Value, s.size()*s.bitsAllocated/8
	if int64(len(raw)) < int64(s.frames)*int64(size) {
		return nil, fmt.Errorf("got %d bytes of pixel data, want %d", len(raw), int64(s.frames)*int64(size))
	}
	if s.bitsAllocated == 8 && element.VR == "OW" && s.syntax == dicom.ExplicitBig {
		return nil, errors.New("got bytes as big-endian words: convert with gdcmconv --raw")
	}
	return func(i int) ([]uint16, error) { return s.words(raw[i*size:][:size]), nil }, nil
}

// words are the words of a frame's bytes, in the byte order of the file.
func (s slice) words(raw []byte) []uint16 {
	words := make([]uint16, s.size())
	for i := range words {
		if s.bitsAllocated == 8 {
			words[i] = uint16(raw[i])
		} else {
			words[i] = s.set.Order.Uint16(raw[2*i:])
		}
	}
	return words
}

// compression is a transfer syntax with compressed pixels: its name, and how a frame is decoded; nil if it is not.
type compression struct {
	name   string
	decode func(s slice, ctx context.Context, frame []byte) ([]uint16, error)
}

// compressions are the transfer syntaxes of PS3.6, table A-1, that grey slices have.
var compressions = map[string]compression{
	"1.2.840.10008.1.2.5":     {"RLE", slice.runLengths},
	"1.2.840.10008.1.2.4.50":  {"JPEG", slice.jpeg},
	"1.2.840.10008.1.2.4.51":  {"JPEG of 12 bits", slice.jpeg}, // which may hold 8
	"1.2.840.10008.1.2.4.57":  {"lossless JPEG", slice.losslessJPEG},
	"1.2.840.10008.1.2.4.70":  {"lossless JPEG, first-order prediction", slice.losslessJPEG},
	"1.2.840.10008.1.2.4.80":  {name: "lossless JPEG-LS"},
	"1.2.840.10008.1.2.4.81":  {name: "JPEG-LS"},
	"1.2.840.10008.1.2.4.90":  {name: "lossless JPEG 2000"},
	"1.2.840.10008.1.2.4.91":  {name: "JPEG 2000"},
	"1.2.840.10008.1.2.4.110": {name: "JPEG XL, lossless"},
	"1.2.840.10008.1.2.4.112": {name: "JPEG XL"},
	"1.2.840.10008.1.2.4.201": {name: "lossless high-throughput JPEG 2000"},
	"1.2.840.10008.1.2.4.202": {name: "lossless high-throughput JPEG 2000"},
	"1.2.840.10008.1.2.4.203": {name: "high-throughput JPEG 2000"},
}

// compressed decodes frames, each of which is one or several fragments.
func (s slice) compressed(ctx context.Context) (func(i int) ([]uint16, error), error) {
	c := compressions[s.syntax]
	if c.decode == nil {
		name := c.name
		if name == "" {
			name = "unknown"
		}
		return nil, fmt.Errorf("got transfer syntax %s (%s), want uncompressed pixels, RLE, lossless JPEG or 8-bit JPEG: "+
			"convert with gdcmconv --raw IN OUT", s.syntax, name)
	}
	frames, err := s.set.Frames(s.frames)
	if err != nil {
		return nil, err
	}
	return func(i int) ([]uint16, error) {
		words, err := c.decode(s, ctx, frames[i])
		if err != nil {
			return nil, fmt.Errorf("transfer syntax %s (%s): %w", s.syntax, c.name, err)
		}
		return words, nil
	}, nil
}

func (s slice) runLengths(_ context.Context, frame []byte) ([]uint16, error) {
	raw, err := dicom.UnpackRLE(frame, s.size(), s.bitsAllocated/8)
	if err != nil {
		return nil, err
	}
	return s.words(raw), nil
}

func (s slice) losslessJPEG(_ context.Context, frame []byte) ([]uint16, error) {
	p, err := losslessjpeg.Decode(frame)
	if err != nil {
		return nil, err
	}
	if p.Bits < s.bitsStored || p.Bits > s.bitsAllocated {
		return nil, fmt.Errorf("got samples of %d bits, want %d", p.Bits, s.bitsStored)
	}
	return p.Samples, s.sized(p.Height, p.Width)
}

// jpeg decodes the lossy processes of 8 bits.
func (s slice) jpeg(ctx context.Context, frame []byte) ([]uint16, error) {
	p, err := new(decoder).decode(ctx, frame)
	if err != nil || p.c != 1 || p.u8 == nil || s.bitsStored != 8 || s.highBit != 7 || s.signed {
		return nil, errors.New("want 8-bit grey JPEG: convert with gdcmconv --raw IN OUT")
	}
	words := make([]uint16, len(p.u8))
	for i, x := range p.u8 {
		words[i] = uint16(x)
	}
	return words, s.sized(p.h, p.w)
}

// sized returns an error if a decoded frame has another size than the file says.
func (s slice) sized(h, w int) error {
	if h != s.h || w != s.w {
		return fmt.Errorf("got a frame of %d x %d pixels, want %d x %d", h, w, s.h, s.w)
	}
	return nil
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
