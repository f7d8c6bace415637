package nifti

import (
	"fmt"
	"math"
)

// Plane is one of the patient's planes.
type Plane int

const (
	Axial Plane = iota
	Coronal
	Sagittal
)

// Planes are the names of the planes.
var Planes = []string{"axial", "coronal", "sagittal"}

// layout says how a plane is drawn: the direction from slice to slice, from row to row, and from column to column, each an index of
// the directions right, forward and up, and whether it runs against it. It is the radiological convention, in which a reader faces the
// patient, or looks from the feet: the patient's right is on the left.
type layout struct {
	slice, row, column        int
	rowAgainst, columnAgainst bool
}

var layouts = []layout{
	Axial:    {slice: 2, row: 1, rowAgainst: true, column: 0, columnAgainst: true}, // up; back at the bottom, left on the right
	Coronal:  {slice: 1, row: 2, rowAgainst: true, column: 0, columnAgainst: true}, // forward; feet at the bottom, left on the right
	Sagittal: {slice: 0, row: 2, rowAgainst: true, column: 1, columnAgainst: true}, // right; feet at the bottom, back on the right
}

// Slices is the number, the height and the width of the slices of a plane.
func (h *Header) Slices(p Plane) (n, height, width int) {
	l := layouts[p]
	side := func(direction int) int { return h.Shape[h.orientation[direction].Axis] }
	return side(l.slice), side(l.row), side(l.column)
}

// Pixel is the height and the width of a pixel of a plane.
func (h *Header) Pixel(p Plane) (tall, wide float64) {
	l := layouts[p]
	return h.Size[h.orientation[l.row].Axis], h.Size[h.orientation[l.column].Axis]
}

// Volume is the voxels of a header, as stored.
type Volume struct {
	*Header
	Voxels []byte
}

// NewVolume takes voxels that have the size that the header says.
func NewVolume(h *Header, voxels []byte) (Volume, error) {
	if int64(len(voxels)) != h.Bytes() {
		return Volume{}, fmt.Errorf("%w: got %d bytes of voxels, want %d", ErrCut, len(voxels), h.Bytes())
	}
	return Volume{h, voxels}, nil
}

// walk is where a direction begins in the voxels, and the step to the next voxel along it.
func (v Volume) walk(direction int, against bool) (start, step int) {
	o := v.orientation[direction]
	step = 1
	for i := range o.Axis {
		step *= v.Shape[i]
	}
	if o.Against != against {
		return step * (v.Shape[o.Axis] - 1), -step
	}
	return 0, step
}

// Slice returns the values of slice i of a plane, row by row.
func (v Volume) Slice(p Plane, i int) []float64 {
	l := layouts[p]
	_, h, w := v.Slices(p)
	from, by := v.walk(l.slice, false)
	top, down := v.walk(l.row, l.rowAgainst)
	left, right := v.walk(l.column, l.columnAgainst)
	values := make([]float64, 0, h*w)
	for y := range h {
		at := from + i*by + top + y*down + left
		for range w {
			values = append(values, v.value(at))
			at += right
		}
	}
	return values
}

// Range is the least and the greatest value that is a number and finite; both 0 if there is none.
func (v Volume) Range() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for i := range len(v.Voxels) / v.voxel.size {
		if x := v.value(i); finite(x) {
			low, high = min(low, x), max(high, x)
		}
	}
	if low > high {
		return 0, 0
	}
	return low, high
}

// value is the value of voxel i. The conversion rounds the product: see engine/data's luma.
func (v Volume) value(i int) float64 {
	return float64(v.Scale[0]*v.voxel.value(v.Order, v.Voxels[i*v.voxel.size:])) + v.Scale[1]
}
