// Package nifti reads NIfTI volumes (.nii, .nii.gz, .hdr with .img): the header, the order of the axes in the patient, and the voxels
// as planes. It imports no package of this module; engine/data makes pictures of what it reads.
//
// The format: https://nifti.nimh.nih.gov, nifti1.h and nifti2.h. Where these leave a choice, it is that of nibabel, with which the tests
// compare: an orientation that a file does not state, headers without a scale, and the voxel axes nearest to the patient's.
package nifti

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// HeaderSize is the bytes at the beginning of a file that hold a header, of either version.
const HeaderSize = 540

const size1, size2 = 348, 540 // of the headers of NIfTI-1 and NIfTI-2

// ErrCut is in the chain of an error about a file that ends too early.
var ErrCut = errors.New("the file is cut")

// Header is what a header says of a volume.
type Header struct {
	Shape       [3]int        // voxels along the axes as stored, the first of which varies fastest
	Affine      [3][4]float64 // from the indices of a voxel to mm right, in front and above the origin (RAS)
	Oriented    bool          // the file states Affine; otherwise its axes are assumed to run left, forward and up
	Size        [3]float64    // of a voxel along the axes as stored, in the unit of the file, mostly mm
	Scale       [2]float64    // slope and intercept: a value is slope * stored + intercept
	Display     [2]float64    // the values that are black and white; equal if the file states none
	Offset      int64         // where the voxels begin in their file
	Pair        bool          // the voxels are in a file of their own, of the same name with the ending .img
	Order       binary.ByteOrder
	voxel       voxel
	orientation Orientation
}

// fields reads the numbers of a header, whose places differ between the versions.
type fields struct {
	b     []byte
	order binary.ByteOrder
	two   bool
}

// place is the offset of a field in either version.
type place struct{ one, two int }

func (f fields) at(p place) []byte {
	if f.two {
		return f.b[p.two:]
	}
	return f.b[p.one:]
}

// short is a field of 16 bits in NIfTI-1, and of 16, 32 or 64 in NIfTI-2.
func (f fields) short(p place, bits int) int64 {
	switch {
	case !f.two || bits == 16:
		return int64(int16(f.order.Uint16(f.at(p))))
	case bits == 32:
		return int64(int32(f.order.Uint32(f.at(p))))
	}
	return int64(f.order.Uint64(f.at(p)))
}

// number is element i of a field of float32 in NIfTI-1, float64 in NIfTI-2.
func (f fields) number(p place, i int) float64 {
	if f.two {
		return math.Float64frombits(f.order.Uint64(f.at(p)[8*i:]))
	}
	return float64(math.Float32frombits(f.order.Uint32(f.at(p)[4*i:])))
}

// Parse reads the header at the beginning of a file.
func Parse(b []byte) (*Header, error) {
	h, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("malformed NIfTI: %w", err)
	}
	return h, nil
}

func parse(b []byte) (*Header, error) {
	f, magic, err := version(b)
	if err != nil {
		return nil, err
	}
	h := &Header{Order: f.order, Pair: magic == "ni1" || magic == "ni2"}
	if err := h.readShape(f); err != nil {
		return nil, err
	}
	code := int(f.short(place{70, 12}, 16))
	var known bool
	if h.voxel, known = voxels[code]; !known || h.voxel.value == nil {
		return nil, fmt.Errorf("got voxels of type %d (%s), want grey: integers or floats of 8 to 64 bits", code, typeName(code))
	}
	if err := h.readOffset(f); err != nil {
		return nil, err
	}
	if err := h.readScale(f); err != nil {
		return nil, err
	}
	if err := h.readAffine(f); err != nil {
		return nil, err
	}
	h.orientation, err = h.orient()
	return h, err
}

// version finds the byte order and the version of a header by its size, and its magic word.
func version(b []byte) (f fields, magic string, err error) {
	if len(b) < size1 {
		return f, "", fmt.Errorf("%w: got %d bytes, want a header of %d", ErrCut, len(b), size1)
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(b) {
		case size1:
			if magic = string(b[344:347]); magic == "n+1" || magic == "ni1" {
				return fields{b[:size1], order, false}, magic, nil
			}
			return f, "", fmt.Errorf("got the magic word %q, want n+1 or ni1: is it Analyze 7.5, which states no orientation?", magic)
		case size2:
			if magic = string(b[4:7]); magic != "n+2" && magic != "ni2" {
				return f, "", fmt.Errorf("got the magic word %q, want n+2 or ni2", magic)
			}
			if len(b) < size2 {
				return f, "", fmt.Errorf("%w: got %d bytes, want a header of %d", ErrCut, len(b), size2)
			}
			return fields{b[:size2], order, true}, magic, nil
		}
	}
	return f, "", fmt.Errorf("got a header of %d bytes, want %d or %d", binary.LittleEndian.Uint32(b), size1, size2)
}

// maxSide bounds the voxels along an axis: NIfTI-1 has 16 bits for them.
const maxSide = 1<<15 - 1

// readShape reads the numbers of voxels: of one volume of two or three dimensions.
func (h *Header) readShape(f fields) error {
	dim := func(i int) int64 {
		width := 2
		if f.two {
			width = 8
		}
		return f.short(place{40 + width*i, 16 + width*i}, 64)
	}
	n := dim(0)
	if n < 1 || n > 7 {
		return fmt.Errorf("got %d dimensions, want 1 to 7", n)
	}
	volumes := int64(1)
	for i := range int64(7) {
		d := int64(1)
		if i < n {
			d = dim(int(i) + 1)
		}
		switch {
		case d < 1 || d > maxSide:
			return fmt.Errorf("got %d voxels in dimension %d, want 1 to %d", d, i+1, maxSide)
		case i < 3:
			h.Shape[i] = int(d)
		case volumes > maxSide:
		default:
			volumes *= d
		}
	}
	if volumes > 1 {
		return fmt.Errorf("got %d volumes of %d x %d x %d (a series in time, or directions): want one; "+
			"split it with fslsplit, or nibabel's four_to_three", volumes, h.Shape[0], h.Shape[1], h.Shape[2])
	}
	return nil
}

// readOffset reads where the voxels begin: after the header, if they are in its file.
func (h *Header) readOffset(f fields) error {
	offset, least := 0.0, 0.0
	if f.two {
		offset = float64(f.short(place{0, 168}, 64))
	} else {
		offset = f.number(place{108, 0}, 0)
	}
	if !h.Pair {
		least = float64(len(f.b) + 4) // the word that says whether extensions follow
		if offset == 0 {
			offset = least
		}
	}
	if offset != math.Trunc(offset) || offset < least || offset > 1<<40 {
		return fmt.Errorf("got voxels from byte %g, want %g or more", offset, least)
	}
	h.Offset = int64(offset)
	return nil
}

// readScale reads how values follow from what is stored. A slope of 0, or one that is no number, means that they are the same.
func (h *Header) readScale(f fields) error {
	slope, inter := f.number(place{112, 176}, 0), f.number(place{116, 184}, 0)
	switch {
	case slope == 0 || !finite(slope):
		slope, inter = 1, 0
	case !finite(inter):
		return fmt.Errorf("got intercept %g for slope %g", inter, slope)
	}
	h.Scale = [2]float64{slope, inter}
	if low, high := f.number(place{128, 200}, 0), f.number(place{124, 192}, 0); finite(low, high) && low < high {
		h.Display = [2]float64{low, high}
	}
	return nil
}

// Bytes is the size of the voxels.
func (h *Header) Bytes() int64 {
	return int64(h.Shape[0]) * int64(h.Shape[1]) * int64(h.Shape[2]) * int64(h.voxel.size) // < 2^49: see maxSide
}

func finite(xs ...float64) bool {
	for _, x := range xs {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}
