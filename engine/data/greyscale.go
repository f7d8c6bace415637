package data

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/starsweep/starsweep/internal/dicom"
)

// greySteps are the two steps from stored values to greys in [-1, 1]: modality to physical units (Hounsfield for CT), VOI ("values of
// interest") to greys. PS3.3, C.11.1 and C.11.2.
type greySteps struct {
	modality func(stored int) float64
	voi      func(x float64) float64
}

// greyScale is the steps of a frame, with the requested window instead of the file's unless it is zero.
func greyScale(set dicom.Set, frame int, asked [2]float64) (greySteps, error) {
	modality, whole, err := modalityOf(set, frame)
	if err != nil {
		return greySteps{}, err
	}
	g := greySteps{modality: modality}
	if asked != [2]float64{} {
		g.voi, err = voiFunction("LINEAR", asked[0], asked[1])
		return g, err
	}
	g.voi, err = voiOf(set, frame, whole)
	return g, err
}

// modalityOf is the rescale of a frame, or the table of its file. whole reports whether its values are integers.
func modalityOf(set dicom.Set, frame int) (step func(int) float64, whole bool, err error) {
	a := attributes{set: holder(set, frame, dicom.RescaleSlope, dicom.PixelValueTransformationSequence)}
	slope, intercept := a.number(dicom.RescaleSlope, 1), a.number(dicom.RescaleIntercept, 0)
	tables := set.Element(dicom.ModalityLUTSequence).Items
	switch {
	case a.err != nil:
		return nil, false, a.err
	case slope == 0:
		return nil, false, errors.New("got rescale slope 0")
	case len(tables) > 1 || len(tables) == 1 && a.set.Has(dicom.RescaleSlope):
		return nil, false, errors.New("got more than one of rescale and modality tables")
	case len(tables) == 0:
		whole = slope == math.Trunc(slope) && intercept == math.Trunc(intercept)
		return func(stored int) float64 { return float64(slope*float64(stored)) + intercept }, whole, nil
	}
	t, err := newTable(tables[0], pixelsSigned(set))
	return func(stored int) float64 { return float64(t.at(stored)) }, true, err
}

// voiOf is the window of a frame, or the table of its file if it has no window.
func voiOf(set dicom.Set, frame int, whole bool) (func(float64) float64, error) {
	a := attributes{set: holder(set, frame, dicom.WindowWidth, dicom.FrameVOILUTSequence)}
	tables := set.Element(dicom.VOILUTSequence).Items
	if a.set.Has(dicom.WindowWidth) && len(a.set.Element(dicom.WindowWidth).Value) > 0 {
		centre, width := a.number(dicom.WindowCenter, math.NaN()), a.number(dicom.WindowWidth, 0)
		if a.err != nil {
			return nil, a.err
		}
		function, ok := a.set.Text(dicom.VOILUTFunction)
		if !ok {
			function = "LINEAR"
		}
		return voiFunction(function, centre, width)
	}
	if len(tables) == 0 {
		return nil, errors.New("the file has no window: set window to a centre and a width, such as (-600, 1500) for lungs")
	}
	if !whole {
		return nil, errors.New("got a table of greys for values that are not integers: set window")
	}
	t, err := newTable(tables[0], pixelsSigned(set) || rescaledBelowZero(set))
	if err != nil {
		return nil, err
	}
	most := float64(uint(1)<<t.bits - 1)
	return func(x float64) float64 { return min(2*float64(t.at(int(min(max(x, -1<<31), 1<<31))))/most-1, 1) }, nil
}

// voiFunction is a VOI LUT function of a centre and a width, with the output from -1 to 1: PS3.3, C.11.2.1.2 and C.11.2.1.3. LINEAR has
// no widths below 1, which windows of small units have (PET, apparent diffusion): these go through LINEAR_EXACT.
func voiFunction(function string, centre, width float64) (func(float64) float64, error) {
	if !(width > 0) || !finite(centre) || !finite(width) {
		return nil, fmt.Errorf("got a window of centre %g and width %g, want a width above 0: set window", centre, width)
	}
	switch {
	case function == "SIGMOID":
		return func(x float64) float64 { return 2/(1+math.Exp(-4*(x-centre)/width)) - 1 }, nil
	case function == "LINEAR_EXACT" || function == "LINEAR" && width < 1:
		return func(x float64) float64 { return min(max(2*(x-centre)/width, -1), 1) }, nil
	case function != "LINEAR":
		return nil, fmt.Errorf("got the VOI LUT function %q, want LINEAR, LINEAR_EXACT or SIGMOID: set window", function)
	case width == 1: // a threshold
		return func(x float64) float64 {
			if x <= centre-0.5 {
				return -1
			}
			return 1
		}, nil
	}
	return func(x float64) float64 { return min(max(2*(x-(centre-0.5))/(width-1), -1), 1) }, nil
}

// ownWindow is a text that is equal for two files in whose first frames equal values have equal greys.
func ownWindow(set dicom.Set) string {
	a := attributes{set: holder(set, 0, dicom.WindowWidth, dicom.FrameVOILUTSequence)}
	width, centre := a.number(dicom.WindowWidth, 0), a.number(dicom.WindowCenter, 0)
	function, _ := a.set.Text(dicom.VOILUTFunction)
	switch {
	case width == 0 && set.Has(dicom.VOILUTSequence):
		return "a table"
	case width == 0: // or none that can be read: decoding will return the error
		return "none"
	case function == "LINEAR":
		function = ""
	}
	return strings.TrimSpace(fmt.Sprintf("(%g, %g) %s", centre, width, function))
}

// holder is what holds an attribute of a frame: the file itself, or, in files for many frames, a group of the frame or of all frames
// (PS3.3, C.7.6.16).
func holder(set dicom.Set, frame int, t, sequence dicom.Tag) dicom.Set {
	if set.Has(t) {
		return set
	}
	groups := set.Element(dicom.SharedFunctionalGroupsSequence).Items
	if own := set.Element(dicom.PerFrameFunctionalGroupsSequence).Items; frame < len(own) {
		groups = append([]dicom.Set{own[frame]}, groups...)
	}
	for _, group := range groups {
		for _, inner := range group.Element(sequence).Items {
			if inner.Has(t) {
				return inner
			}
		}
	}
	return set
}

func pixelsSigned(set dicom.Set) bool {
	words, err := set.Words(dicom.PixelRepresentation)
	return err == nil && len(words) > 0 && words[0] == 1
}

func rescaledBelowZero(set dicom.Set) bool {
	numbers, err := set.Numbers(dicom.RescaleIntercept)
	return err == nil && len(numbers) > 0 && numbers[0] < 0
}

// table is a look-up table (PS3.3, C.11.1.1.1 and C.11.2.1.1): values below its first input have its first entry, those above its
// last input its last.
type table struct {
	first   int
	bits    int
	entries []uint16
}

func (t table) at(x int) uint16 { return t.entries[min(max(x-t.first, 0), len(t.entries)-1)] }

// newTable reads a table. signed is the kind of the inputs where the file does not state it.
func newTable(set dicom.Set, signed bool) (table, error) {
	descriptor, err := set.Words(dicom.LUTDescriptor)
	if err != nil || len(descriptor) != 3 {
		return table{}, fmt.Errorf("got a table with %d numbers in its descriptor, want 3", len(descriptor))
	}
	n, t := int(descriptor[0]), table{first: int(descriptor[1]), bits: int(descriptor[2])}
	if n == 0 {
		n = 1 << 16
	}
	if vr := set.Element(dicom.LUTDescriptor).VR; vr == "SS" || vr == "" && signed {
		t.first = int(int16(descriptor[1]))
	}
	if t.bits < 8 || t.bits > 16 {
		return table{}, fmt.Errorf("got a table of %d bits, want 8 to 16", t.bits)
	}
	data := set.Element(dicom.LUTData).Value
	switch {
	case len(data) == 2*n:
		t.entries, err = set.Words(dicom.LUTData)
		return t, err
	case t.bits == 8 && len(data) == n+n%2 && set.Order.Uint16([]byte{1, 0}) == 1: // bytes, packed in little-endian words
		for _, x := range data[:n] {
			t.entries = append(t.entries, uint16(x))
		}
		return t, nil
	}
	return table{}, fmt.Errorf("got a table of %d bytes, want %d entries of %d bits", len(data), n, t.bits)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
