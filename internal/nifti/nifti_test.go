package nifti_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/starsweep/starsweep/internal/nifti"
)

// What volumes look like is compared with nibabel by the tests of engine/data.

// header is that of NIfTI-1 or NIfTI-2 for 2 x 3 x 4 bytes, by an sform.
func header(two bool, order binary.ByteOrder, sform [3][4]float64) []byte {
	at, width := 40, 2
	b := make([]byte, 352)
	if two {
		at, width, b = 16, 8, make([]byte, 544)
	}
	order.PutUint32(b, uint32(len(b)-4))
	for i, n := range []uint64{3, 2, 3, 4} {
		if two {
			order.PutUint64(b[at+width*i:], n)
		} else {
			order.PutUint16(b[at+width*i:], uint16(n))
		}
	}
	if two {
		copy(b[4:], "n+2")
		order.PutUint16(b[12:], 2)
		order.PutUint64(b[168:], 544)
		order.PutUint32(b[348:], 1)
		for row, numbers := range sform {
			for col, x := range numbers {
				order.PutUint64(b[400+32*row+8*col:], math.Float64bits(x))
			}
		}
		return b
	}
	copy(b[344:], "n+1")
	order.PutUint16(b[70:], 2)
	order.PutUint16(b[254:], 1)
	for row, numbers := range sform {
		for col, x := range numbers {
			order.PutUint32(b[280+16*row+4*col:], math.Float32bits(float32(x)))
		}
	}
	return b
}

// identity has voxels of 1 x 2 x 3 mm along right, forward and up.
var identity = [3][4]float64{{1, 0, 0, -7}, {0, 2, 0, 5}, {0, 0, 3, 9}}

func TestBothVersionsAndByteOrdersSayTheSame(t *testing.T) {
	for _, two := range []bool{false, true} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			h, err := nifti.Parse(header(two, order, identity))
			if err != nil {
				t.Fatal(err)
			}
			if h.Affine != identity || h.Shape != [3]int{2, 3, 4} || h.Size != [3]float64{1, 2, 3} || h.Scale != [2]float64{1, 0} ||
				h.Bytes() != 24 {
				t.Errorf("two %t, %v: got %+v", two, order, h)
			}
		}
	}
}

func TestPlanesAreDrawnInTheRadiologicalConvention(t *testing.T) {
	h, err := nifti.Parse(header(false, binary.LittleEndian, identity))
	if err != nil {
		t.Fatal(err)
	}
	var voxels []byte
	for i := range 24 {
		voxels = append(voxels, byte(i))
	}
	v, err := nifti.NewVolume(h, voxels)
	if err != nil {
		t.Fatal(err)
	}
	for plane, want := range map[nifti.Plane][]float64{
		nifti.Axial:    {11, 10, 9, 8, 7, 6},                        // at the second height: forward on top, right on the left
		nifti.Coronal:  {21, 20, 15, 14, 9, 8, 3, 2},                // second from the back: up on top, right on the left
		nifti.Sagittal: {23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1}, // second from the left: up on top, forward on the left
	} {
		if got := v.Slice(plane, 1); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", nifti.Planes[plane], got, want)
		}
	}
	if low, high := v.Range(); low != 0 || high != 23 {
		t.Errorf("got the range %g to %g, want 0 to 23", low, high)
	}
	if _, err := nifti.NewVolume(h, voxels[1:]); !errors.Is(err, nifti.ErrCut) {
		t.Errorf("got %v, want a cut file", err)
	}
}

// FuzzParse: any bytes are a header whose planes have all voxels, or an error.
func FuzzParse(f *testing.F) {
	for _, two := range []bool{false, true} {
		f.Add(header(two, binary.LittleEndian, identity))
		f.Add(header(two, binary.BigEndian, [3][4]float64{{0, 0.3, 2, 0}, {-1, 0, 0.1, 0}, {0, 3, 0, 0}}))
	}
	f.Add(bytes.Repeat([]byte{1}, 600))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := nifti.Parse(b)
		if err != nil {
			return
		}
		voxels := h.Shape[0] * h.Shape[1] * h.Shape[2]
		for plane, name := range nifti.Planes {
			if n, height, width := h.Slices(nifti.Plane(plane)); n*height*width != voxels {
				t.Errorf("%s: got %d slices of %d x %d of %v", name, n, height, width, h.Shape)
			}
		}
		if h.Bytes() < int64(voxels) || h.Bytes() > 1<<16 {
			return
		}
		v, err := nifti.NewVolume(h, make([]byte, h.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(len(v.Slice(nifti.Axial, 0))); got == "0" {
			t.Errorf("got no pixels of %v", h.Shape)
		}
	})
}
