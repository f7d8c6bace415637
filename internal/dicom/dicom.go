// Package dicom reads the attributes of DICOM files that say what their pixels are. It keeps these few and walks over the rest, so
// that a file takes memory for itself only, however deep its sequences nest. It imports nothing of ours; engine/data makes pictures of
// what it reads.
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

// The attributes that are kept, by PS3.6's names.
const (
	TransferSyntaxUID                      Tag = 0x00020010
	SOPClassUID                            Tag = 0x00080016
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
	PixelValueTransformationSequence       Tag = 0x00289145
	SharedFunctionalGroupsSequence         Tag = 0x52009229
	PerFrameFunctionalGroupsSequence       Tag = 0x52009230
	FloatPixelData                         Tag = 0x7fe00008
	DoubleFloatPixelData                   Tag = 0x7fe00009
	PixelData                              Tag = 0x7fe00010
	item, itemDelimiter, sequenceDelimiter Tag = 0xfffee000, 0xfffee00d, 0xfffee0dd
)

var (
	kept = []Tag{
		TransferSyntaxUID, SOPClassUID, SamplesPerPixel, PhotometricInterpretation, NumberOfFrames, Rows, Columns, PixelSpacing, PixelAspectRatio,
		BitsAllocated, BitsStored, HighBit, PixelRepresentation, WindowCenter, WindowWidth, RescaleIntercept, RescaleSlope, VOILUTFunction,
		ModalityLUTSequence, LUTDescriptor, LUTData, VOILUTSequence, FrameVOILUTSequence, PixelValueTransformationSequence,
		SharedFunctionalGroupsSequence, PerFrameFunctionalGroupsSequence, FloatPixelData, DoubleFloatPixelData, PixelData,
	}
	sequences = []Tag{
		ModalityLUTSequence, VOILUTSequence, FrameVOILUTSequence, PixelValueTransformationSequence, SharedFunctionalGroupsSequence,
		PerFrameFunctionalGroupsSequence,
	}
	// longVRs are the value representations whose length takes 4 bytes (PS3.5, 7.1.2).
	longVRs = []string{"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
)

// Transfer syntaxes whose data sets have a form of their own. All others are as explicit, little-endian ones.
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

// Element is the value of an attribute: bytes, or the items of a sequence, or the fragments of compressed pixels.
type Element struct {
	VR        string // "" where the transfer syntax has none
	Value     []byte
	Items     []Set
	Fragments [][]byte // nil where the pixels are not compressed; the first is the table of offsets
}

// Set is the attributes of a file, or of an item of a sequence. Its values are slices of the file.
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

// ParseStart reads the attributes that come before the pixels, in a file that may end with these.
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

// Clone is a copy that does not hold on to the file.
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

// Has reports whether there is an attribute, though it may be empty.
func (s Set) Has(t Tag) bool { _, ok := s.elements[t]; return ok }

// Element is an attribute; the zero value if there is none.
func (s Set) Element(t Tag) Element { return s.elements[t] }

// Text is the first value of an attribute of text; ok is false if there is none.
func (s Set) Text(t Tag) (text string, ok bool) {
	texts := s.Texts(t)
	if len(texts) == 0 {
		return "", false
	}
	return texts[0], texts[0] != ""
}

// Texts are the values of an attribute of text.
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

// Numbers are the values of an attribute of decimal text.
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

// Words are the values of an attribute of 16-bit numbers.
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

// reader walks over a data set.
type reader struct {
	b        []byte
	at       int
	order    binary.ByteOrder
	explicit bool
	// startOnly ends at the pixels, whose element then has no value.
	startOnly bool
}

func (r *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b)-r.at {
		return nil, fmt.Errorf("%w: want %d bytes at %d of %d", ErrCut, n, r.at, len(r.b))
	}
	b := r.b[r.at : r.at+n]
	r.at += n
	return b, nil
}

// header is the tag, the value representation and the length of the next element.
func (r *reader) header() (t Tag, vr string, length uint32, err error) {
	b, err := r.take(8)
	if err != nil {
		return 0, "", 0, err
	}
	t = Tag(r.order.Uint16(b))<<16 | Tag(r.order.Uint16(b[2:]))
	if !r.explicit || t>>16 == item>>16 { // items have none
		return t, "", r.order.Uint32(b[4:]), nil
	}
	vr = string(b[4:6])
	if vr[0] < 'A' || vr[0] > 'Z' || vr[1] < 'A' || vr[1] > 'Z' {
		return 0, "", 0, fmt.Errorf("attribute %s: got %q for a value representation", t, vr)
	}
	if !slices.Contains(longVRs, vr) {
		return t, vr, uint32(r.order.Uint16(b[6:])), nil
	}
	if b, err = r.take(4); err != nil {
		return 0, "", 0, err
	}
	return t, vr, r.order.Uint32(b), nil
}

// group2 reads the elements of group 2, which say how the others are written.
func (r *reader) group2() (Set, error) {
	set := Set{r.order, map[Tag]Element{}}
	for len(r.b)-r.at >= 2 && r.order.Uint16(r.b[r.at:]) == 2 {
		t, vr, length, err := r.header()
		if err != nil {
			return set, err
		}
		if length == undefinedLength {
			return set, fmt.Errorf("attribute %s has no length", t)
		}
		value, err := r.take(int(length))
		if err != nil {
			return set, err
		}
		if t == TransferSyntaxUID {
			set.elements[t] = Element{VR: vr, Value: value}
		}
	}
	if !set.Has(TransferSyntaxUID) {
		if len(r.b)-r.at < 2 {
			return set, fmt.Errorf("%w before attribute %s", ErrCut, TransferSyntaxUID)
		}
		return set, fmt.Errorf("attribute %s is missing", TransferSyntaxUID)
	}
	return set, nil
}

// set reads elements up to a place, or to the end of the item where that is not known: end is then that of the file.
func (r *reader) set(end, depth int, known bool) (Set, error) {
	set := Set{r.order, map[Tag]Element{}}
	if depth > maxDepth {
		return set, fmt.Errorf("sequences nest deeper than %d", maxDepth)
	}
	for r.at < end {
		t, vr, length, err := r.header()
		if err != nil {
			return set, err
		}
		if t == itemDelimiter && !known {
			return set, nil
		}
		if t>>16 == item>>16 {
			return set, fmt.Errorf("got %s among attributes", t)
		}
		if r.startOnly && depth == 0 && (t == PixelData || t == FloatPixelData || t == DoubleFloatPixelData) {
			set.elements[t] = Element{VR: vr}
			return set, nil
		}
		e, err := r.value(t, vr, length, depth)
		if err != nil {
			return set, err
		}
		if r.at > end {
			return set, fmt.Errorf("attribute %s is longer than its item", t)
		}
		if !slices.Contains(kept, t) {
			continue
		}
		if set.Has(t) {
			return set, fmt.Errorf("attribute %s is there twice", t)
		}
		set.elements[t] = e
	}
	if !known {
		return set, fmt.Errorf("%w: an item has no end", ErrCut)
	}
	return set, nil
}

// value reads the value of an element.
func (r *reader) value(t Tag, vr string, length uint32, depth int) (e Element, err error) {
	e.VR = vr
	switch {
	case t == PixelData && length == undefinedLength:
		e.Fragments, err = r.fragments()
	case vr == "UN" && length == undefinedLength: // a sequence in the implicit form, whatever the form of the rest
		inner := reader{b: r.b, at: r.at, order: binary.LittleEndian}
		e.Items, err = inner.items(len(r.b), depth, false, false)
		r.at = inner.at
	case length == undefinedLength:
		e.Items, err = r.items(len(r.b), depth, false, slices.Contains(sequences, t))
	case slices.Contains(sequences, t):
		if uint64(length) > uint64(len(r.b)-r.at) {
			return e, fmt.Errorf("attribute %s: %w", t, ErrCut)
		}
		e.Items, err = r.items(r.at+int(length), depth, true, true)
	default:
		e.Value, err = r.take(int(length))
	}
	if err != nil {
		err = fmt.Errorf("attribute %s: %w", t, err)
	}
	return e, err
}

// items reads the items of a sequence up to a place, or to its delimiter.
func (r *reader) items(end, depth int, known, keep bool) (items []Set, err error) {
	for r.at < end {
		t, _, length, err := r.header()
		switch {
		case err != nil:
			return nil, err
		case t == sequenceDelimiter && !known:
			return items, nil
		case t != item:
			return nil, fmt.Errorf("got %s, want an item", t)
		}
		var set Set
		switch {
		case length == undefinedLength:
			set, err = r.set(len(r.b), depth+1, false)
		case uint64(length) > uint64(len(r.b)-r.at):
			err = ErrCut
		case keep:
			set, err = r.set(r.at+int(length), depth+1, true)
		default:
			r.at += int(length)
		}
		if err != nil {
			return nil, err
		}
		if keep {
			items = append(items, set)
		}
	}
	if !known {
		return nil, fmt.Errorf("%w: a sequence has no end", ErrCut)
	}
	return items, nil
}

// fragments reads compressed pixels (PS3.5, A.4).
func (r *reader) fragments() (fragments [][]byte, err error) {
	for {
		t, _, length, err := r.header()
		switch {
		case err != nil:
			return nil, err
		case t == sequenceDelimiter:
			return fragments, nil
		case t != item || length == undefinedLength:
			return nil, fmt.Errorf("got %s, want a fragment of pixels", t)
		}
		fragment, err := r.take(int(length))
		if err != nil {
			return nil, err
		}
		fragments = append(fragments, fragment)
	}
}
