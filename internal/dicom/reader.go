package dicom

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// reader walks a data set.
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

// group2 reads the elements of group 2, which describe how the others are written.
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

// set reads elements up to a place, or to the end of the item if that is not known: end is then the end of the file.
func (r *reader) set(end, depth int, known bool) (Set, error) {
	set := Set{r.order, map[Tag]Element{}}
	if depth > maxDepth {
		return set, errDepth
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
			return set, fmt.Errorf("attribute %s occurs twice", t)
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
	case vr == "UN" && length == undefinedLength: // a sequence in the implicit form, even among explicit elements
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
	if err != nil && !errors.Is(err, errDepth) { // which would name as many attributes as it counts
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
