package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/frame"
	"github.com/suyashkumar/dicom/pkg/tag"
	"github.com/suyashkumar/dicom/pkg/uid"
)

// findDICOM takes grey DICOM slices, one frame a file. Stored values go through the rescale of the file (to Hounsfield units for
// CT), then through the window of the spec or of the file, to [-1, 1].
func findDICOM(_ context.Context, _ *Store, spec Spec) (source, error) {
	return findFolder(spec, format{
		name:   "DICOM files",
		is:     isDICOM,
		header: dicomHeader,
		decode: func(_ context.Context, path string) (picture, error) { return decodeDICOM(path, spec.Window) },
	})
}

// isDICOM goes by the name or by the magic word, since scanners name files as they like. A DICOMDIR is an index, not a slice.
func isDICOM(path string) bool {
	name := strings.ToLower(filepath.Base(path))
	if name == "dicomdir" {
		return false
	}
	if strings.HasSuffix(name, ".dcm") {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var preamble [132]byte
	_, err = io.ReadFull(f, preamble[:])
	return err == nil && string(preamble[128:]) == "DICM"
}

func dicomHeader(path string) (header, error) {
	s, err := parseDICOM(path, dicom.SkipPixelData())
	return s.header, err
}

// slice is what a DICOM file says of its one frame. The names are those of the standard (PS3.3, sections C.7.6.3, C.11.1, C.11.2).
type slice struct {
	header
	set                       dicom.Dataset
	bitsAllocated, bitsStored int
	signed                    bool    // pixel representation 1
	inverse                   bool    // MONOCHROME1: the lowest value is white
	bigEndian                 bool    // transfer syntax
	slope, intercept          float64 // rescale
	centre, width             float64 // window; width 0: the file has none
}

// parseDICOM reads a file without taking its pixels apart.
func parseDICOM(path string, option dicom.ParseOption) (s slice, err error) {
	defer rescue("malformed DICOM", &err)
	text, err := os.ReadFile(path)
	if err != nil {
		return slice{}, err
	}
	set, err := dicom.Parse(bytes.NewReader(text), int64(len(text)), nil, option)
	if err != nil {
		return slice{}, fmt.Errorf("malformed DICOM: %w", err)
	}
	a := attributes{set: set}
	s = slice{
		header:        header{a.integer(tag.Rows, 0), a.integer(tag.Columns, 0), 1},
		set:           set,
		bitsAllocated: a.integer(tag.BitsAllocated, 16),
		bitsStored:    a.integer(tag.BitsStored, a.integer(tag.BitsAllocated, 16)),
		signed:        a.integer(tag.PixelRepresentation, 0) == 1,
		inverse:       a.text(tag.PhotometricInterpretation) == "MONOCHROME1",
		bigEndian:     a.text(tag.TransferSyntaxUID) == uid.ExplicitVRBigEndian,
		slope:         a.number(tag.RescaleSlope, 1),
		intercept:     a.number(tag.RescaleIntercept, 0),
		centre:        a.number(tag.WindowCenter, 0),
		width:         a.number(tag.WindowWidth, 0),
	}
	frames, samples := a.integer(tag.NumberOfFrames, 1), a.integer(tag.SamplesPerPixel, 1)
	switch {
	case a.err != nil:
		return slice{}, a.err
	case s.h < 1 || s.w < 1 || s.h > maxSize || s.w > maxSize:
		return slice{}, fmt.Errorf("got %d x %d pixels, want 1 to %d a side", s.h, s.w, maxSize)
	case frames != 1:
		return slice{}, fmt.Errorf("got %d frames, want one slice a file", frames)
	case samples != 1:
		return slice{}, fmt.Errorf("got %d samples a pixel (%s), want grey", samples, a.text(tag.PhotometricInterpretation))
	case s.bitsAllocated != 8 && s.bitsAllocated != 16, s.bitsStored < 1 || s.bitsStored > s.bitsAllocated:
		return slice{}, fmt.Errorf("got %d bits stored in %d, want up to 8 in 8 or up to 16 in 16", s.bitsStored, s.bitsAllocated)
	}
	return s, nil
}

// decodeDICOM reads a slice through a window, or through its own where window is zero.
func decodeDICOM(path string, window [2]float64) (picture, error) {
	s, err := parseDICOM(path, dicom.SkipProcessingPixelDataValue())
	if err != nil {
		return picture{}, err
	}
	if window != [2]float64{} {
		s.centre, s.width = window[0], window[1]
	}
	if s.width < 1 {
		return picture{}, errors.New("the file has no window: set window to a centre and a width, (-600, 1500) for lungs, say")
	}
	values, err := s.values()
	if err != nil {
		return picture{}, err
	}
	p := picture{header: s.header, f32: make([]float32, s.size())}
	for i, stored := range values {
		y := s.throughWindow(float64(s.slope*float64(stored)) + s.intercept)
		if s.inverse {
			y = -y
		}
		p.f32[i] = float32(y)
	}
	return p, nil
}

// throughWindow is the linear function of PS3.3, C.11.2.1.2.1, with the output from -1 to 1.
func (s slice) throughWindow(x float64) float64 {
	if s.width == 1 { // a threshold
		if x <= s.centre-0.5 {
			return -1
		}
		return 1
	}
	return min(max(2*(x-(s.centre-0.5))/(s.width-1), -1), 1)
}

// values is the stored values of the frame: uncompressed, or JPEG with 8 bits.
func (s slice) values() ([]int, error) {
	element, err := s.set.FindElementByTag(tag.PixelData)
	if err != nil {
		return nil, errors.New("no pixel data")
	}
	info, ok := element.Value.GetValue().(dicom.PixelDataInfo)
	if !ok {
		return nil, errors.New("malformed DICOM: pixel data of another kind")
	}
	if info.IsEncapsulated {
		return s.compressed(info.Frames)
	}
	raw, bytesEach := info.UnprocessedValueData, s.bitsAllocated/8
	if len(raw) < s.size()*bytesEach {
		return nil, fmt.Errorf("got %d bytes of pixel data, want %d", len(raw), s.size()*bytesEach)
	}
	values := make([]int, s.size())
	for i := range values {
		x := uint16(raw[i*bytesEach])
		if bytesEach == 2 {
			x = binary.LittleEndian.Uint16(raw[2*i:])
			if s.bigEndian {
				x = binary.BigEndian.Uint16(raw[2*i:])
			}
		}
		x <<= 16 - s.bitsStored // bits above those stored mean nothing
		if s.signed {
			values[i] = int(int16(x) >> (16 - s.bitsStored))
		} else {
			values[i] = int(x >> (16 - s.bitsStored))
		}
	}
	return values, nil
}

// compressed decodes the fragments of the one frame.
func (s slice) compressed(fragments []*frame.Frame) ([]int, error) {
	var text []byte
	for _, f := range fragments {
		text = append(text, f.EncapsulatedData.Data...)
	}
	p, err := decodePicture(context.Background(), text)
	if err != nil || p.c != 1 {
		a := attributes{set: s.set}
		return nil, fmt.Errorf("transfer syntax %s: want uncompressed pixels or 8-bit grey JPEG; convert with gdcmconv --raw",
			a.text(tag.TransferSyntaxUID))
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

// attributes reads values of a data set, whatever type the parser gave them. It keeps the first error.
type attributes struct {
	set dicom.Dataset
	err error
}

// text is the first value as text; "" if there is none.
func (a *attributes) text(t tag.Tag) string {
	element, err := a.set.FindElementByTag(t)
	if err != nil {
		return ""
	}
	switch values := element.Value.GetValue().(type) {
	case []string:
		if len(values) > 0 {
			return strings.TrimRight(strings.TrimSpace(values[0]), "\x00")
		}
	case []int:
		if len(values) > 0 {
			return strconv.Itoa(values[0])
		}
	case []float64:
		if len(values) > 0 {
			return strconv.FormatFloat(values[0], 'g', -1, 64)
		}
	}
	return ""
}

func (a *attributes) number(t tag.Tag, standard float64) float64 {
	text := a.text(t)
	if text == "" {
		return standard
	}
	x, err := strconv.ParseFloat(text, 64)
	if (err != nil || !finite(x)) && a.err == nil {
		a.err = fmt.Errorf("malformed DICOM: attribute %v: got %q, want a number", t, text)
	}
	return x
}

func (a *attributes) integer(t tag.Tag, standard int) int {
	return int(a.number(t, float64(standard)))
}
