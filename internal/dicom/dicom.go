// Package dicom reads the attributes of DICOM files that describe their pixels. It keeps these few and skips the rest, so that
// reading takes no memory beyond that of the file, however deeply its sequences nest. It imports no package of this module;
// engine/data turns what it reads into pictures.
//
// The format: PS3.5, section 7 (data sets), annex A (transfer syntaxes), and PS3.10, section 7 (files).
package dicom

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Tag is the group and the number of an attribute.
type Tag uint32

// The attributes that are kept, by their names in PS3.6.
const (
	TransferSyntaxUID                      Tag = 0x00020010
	SOPClassUID                            Tag = 0x00080016
	Modality                               Tag = 0x00080060
	StudyInstanceUID                       Tag = 0x0020000d
	SeriesInstanceUID                      Tag = 0x0020000e
	InstanceNumber                         Tag = 0x00200013
	ImagePositionPatient                   Tag = 0x00200032
	ImageOrientationPatient                Tag = 0x00200037
	SamplesPerPixel                        Tag = 0x00280002
	PhotometricInterpretation              Tag = 0x00280004
	NumberOfFrames                         Tag = 0x00280008
	Rows                                   Tag = 0x00280010
	Columns                                Tag = 0x00280011
	PixelSpacing                           Tag = 0x00280030
	PixelAspectRatio                       Tag = 0x00280034
	BitsAllocated                          Tag = 0x00280100
	BitsStored                             Tag = 0x00280101
	HighBit                                Tag = 0x00280102
	PixelRepresentation                    Tag = 0x00280103
	WindowCenter                           Tag = 0x00281050
	WindowWidth                            Tag = 0x00281051
	RescaleIntercept                       Tag = 0x00281052
	RescaleSlope                           Tag = 0x00281053
	VOILUTFunction                         Tag = 0x00281056
	ModalityLUTSequence                    Tag = 0x00283000
	LUTDescriptor                          Tag = 0x00283002
	LUTData                                Tag = 0x00283006
	VOILUTSequence                         Tag = 0x00283010
	FrameVOILUTSequence                    Tag = 0x00289132
	PixelMeasuresSequence                  Tag = 0x00289110
	PixelValueTransformationSequence       Tag = 0x00289145
	SharedFunctionalGroupsSequence         Tag = 0x52009229
	PerFrameFunctionalGroupsSequence       Tag = 0x52009230
	ExtendedOffsetTable                    Tag = 0x7fe00001
	FloatPixelData                         Tag = 0x7fe00008
	DoubleFloatPixelData                   Tag = 0x7fe00009
	PixelData                              Tag = 0x7fe00010
	item, itemDelimiter, sequenceDelimiter Tag = 0xfffee000, 0xfffee00d, 0xfffee0dd
)

var (
	kept = []Tag{
		TransferSyntaxUID, SOPClassUID, Modality, StudyInstanceUID, SeriesInstanceUID, InstanceNumber, ImagePositionPatient,
		ImageOrientationPatient, SamplesPerPixel, PhotometricInterpretation, NumberOfFrames, Rows, Columns, PixelSpacing, PixelAspectRatio,
		BitsAllocated, BitsStored, HighBit, PixelRepresentation, WindowCenter, WindowWidth, RescaleIntercept, RescaleSlope, VOILUTFunction,
		ModalityLUTSequence, LUTDescriptor, LUTData, VOILUTSequence, FrameVOILUTSequence, PixelMeasuresSequence,
		PixelValueTransformationSequence, SharedFunctionalGroupsSequence, PerFrameFunctionalGroupsSequence, ExtendedOffsetTable, FloatPixelData,
		DoubleFloatPixelData, PixelData,
	}
	sequences = []Tag{
		ModalityLUTSequence, VOILUTSequence, FrameVOILUTSequence, PixelMeasuresSequence, PixelValueTransformationSequence,
		SharedFunctionalGroupsSequence, PerFrameFunctionalGroupsSequence,
	}
	// longVRs are the value representations whose length takes 4 bytes (PS3.5, 7.1.2).
	longVRs = []string{"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
)

// Transfer syntaxes whose data sets have a special form. All others are explicit and little-endian.
const (
	implicitLittle   = "1.2.840.10008.1.2"
	ExplicitBig      = "1.2.840.10008.1.2.2"
	deflated         = "1.2.840.10008.1.2.1.99"
	undefinedLength  = 0xffffffff
	maxDepth         = 64
	preamble, prefix = 128, "DICM"
)

// ErrCut is in the chain of an error about a file that ends too early.
var ErrCut = errors.New("the file is cut")

// errDepth is the error of endlessly nested sequences.
var errDepth = fmt.Errorf("sequences nest deeper than %d", maxDepth)

// Element is the value of an attribute: bytes, or the items of a sequence, or the fragments of compressed pixels.
type Element struct {
	VR        string // "" if the transfer syntax has none
	Value     []byte
	Items     []Set
	Fragments [][]byte // nil where the pixels are not compressed; the first is the table of offsets
}

// Set is the attributes of a file or of an item of a sequence. Its values are slices of the file.
type Set struct {
	Order    binary.ByteOrder
	elements map[Tag]Element
}

// Is reports whether a file that begins with start is a DICOM file.
func Is(start []byte) bool {
	return len(start) >= preamble+len(prefix) && string(start[preamble:preamble+len(prefix)]) == prefix
}

// Parse reads a file.
func Parse(file []byte) (Set, error) { return checked(parse(file, false)) }

// ParseStart reads the attributes before the pixels, from a file that may end there.
func ParseStart(start []byte) (Set, error) { return checked(parse(start, true)) }

func checked(s Set, err error) (Set, error) {
	if err != nil {
		return Set{}, fmt.Errorf("malformed DICOM: %w", err)
	}
	return s, nil
}

func parse(file []byte, startOnly bool) (Set, error) {
	if !Is(file) {
		return Set{}, fmt.Errorf("the word %s is not at byte %d", prefix, preamble)
	}
	meta := reader{b: file, at: preamble + len(prefix), order: binary.LittleEndian, explicit: true}
	head, err := meta.group2()
	if err != nil {
		return Set{}, err
	}
	syntax, _ := head.Text(TransferSyntaxUID)
	body := reader{b: file[meta.at:], order: binary.LittleEndian, explicit: syntax != implicitLittle, startOnly: startOnly}
	switch syntax {
	case ExplicitBig:
		body.order = binary.BigEndian
	case deflated:
		if body.b, err = inflate(body.b); err != nil {
			return Set{}, err
		}
	}
	set, err := body.set(len(body.b), 0, true)
	if err == nil {
		set.elements[TransferSyntaxUID] = head.elements[TransferSyntaxUID]
	}
	return set, err
}

// inflate unpacks a deflated data set, up to a bound.
func inflate(b []byte) ([]byte, error) {
	limit := int64(64<<20) + 64*int64(len(b))
	out, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(out)) > limit {
		return nil, fmt.Errorf("%d bytes unpack to more than %d", len(b), limit)
	}
	return out, nil
}

// Clone is a copy that does not keep the file in memory.
func (s Set) Clone() Set {
	c := Set{s.Order, map[Tag]Element{}}
	for t, e := range s.elements {
		items := slices.Clone(e.Items)
		for i := range items {
			items[i] = items[i].Clone()
		}
		c.elements[t] = Element{VR: e.VR, Value: bytes.Clone(e.Value), Items: items, Fragments: e.Fragments}
	}
	return c
}

// Has reports whether there is an attribute, which may be empty.
func (s Set) Has(t Tag) bool { _, ok := s.elements[t]; return ok }

// Element returns an attribute, the zero value if there is none.
func (s Set) Element(t Tag) Element { return s.elements[t] }

// Text returns the first value of an attribute of text; ok is false if there is none.
func (s Set) Text(t Tag) (text string, ok bool) {
	texts := s.Texts(t)
	if len(texts) == 0 {
		return "", false
	}
	return texts[0], texts[0] != ""
}

// Texts returns the values of an attribute of text.
func (s Set) Texts(t Tag) []string {
	value := strings.TrimRight(string(s.elements[t].Value), "\x00 ")
	if value == "" {
		return nil
	}
	values := strings.Split(value, "\\")
	for i := range values {
		values[i] = strings.Trim(values[i], " \x00")
	}
	return values
}

// Numbers returns the values of an attribute of decimal text.
func (s Set) Numbers(t Tag) ([]float64, error) {
	var xs []float64
	for _, text := range s.Texts(t) {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || x-x != 0 {
			return nil, fmt.Errorf("attribute %s: got %q, want a number", t, text)
		}
		xs = append(xs, x)
	}
	return xs, nil
}

// Words returns the values of an attribute of 16-bit numbers.
func (s Set) Words(t Tag) ([]uint16, error) {
	value := s.elements[t].Value
	if len(value)%2 != 0 {
		return nil, fmt.Errorf("attribute %s: got %d bytes, want numbers of 2 each", t, len(value))
	}
	words := make([]uint16, len(value)/2)
	for i := range words {
		words[i] = s.Order.Uint16(value[2*i:])
	}
	return words, nil
}

func (t Tag) String() string { return fmt.Sprintf("(%04x,%04x)", uint32(t)>>16, uint32(t)&0xffff) }
