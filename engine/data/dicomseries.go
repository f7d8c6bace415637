package data

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/dicom"
)

// sliceFile is what is known of a file in its series.
type sliceFile struct {
	file, series           string
	position, row, column  []float64 // in mm, of the patient; nil if the file does not say
	number                 float64   // NaN if the file does not say
	window, modality, unit string    // equal in files that agree
	spacing                string
	inverse, stretched     bool
}

func newSliceFile(file string, set dicom.Set) sliceFile {
	m := sliceFile{file: file, window: ownWindow(set), number: math.NaN()}
	m.series, _ = set.Text(dicom.SeriesInstanceUID)
	m.series = cmp.Or(m.series, path.Dir(file))
	if p, err := set.Numbers(dicom.ImagePositionPatient); err == nil && len(p) == 3 {
		m.position = p
	}
	if o, err := set.Numbers(dicom.ImageOrientationPatient); err == nil && len(o) == 6 {
		m.row, m.column = o[:3], o[3:]
	}
	if n, err := set.Numbers(dicom.InstanceNumber); err == nil && len(n) > 0 {
		m.number = n[0]
	}
	m.modality, _ = set.Text(dicom.Modality)
	m.unit = "without a rescale"
	if held := holder(set, 0, dicom.RescaleSlope, dicom.PixelValueTransformationSequence); held.Has(dicom.RescaleSlope) {
		m.unit = "with a rescale"
	} else if set.Has(dicom.ModalityLUTSequence) {
		m.unit = "with a table"
	}
	photometric, _ := set.Text(dicom.PhotometricInterpretation)
	m.inverse = photometric == "MONOCHROME1"
	tall, wide := pixelSides(set)
	m.spacing, m.stretched = fmt.Sprintf("%.3g x %.3g", tall, wide), tall != wide
	return m
}

// sortSeries returns the files of one series after another, in the order of the first file of each. Within one, slices lie in the order
// of their positions along the normal of their planes, else of their numbers, else of their files.
func sortSeries(all []sliceFile) (files []string) {
	series := map[string][]sliceFile{}
	var order []string
	for _, m := range all {
		if series[m.series] == nil {
			order = append(order, m.series)
		}
		series[m.series] = append(series[m.series], m)
	}
	for _, name := range order {
		members := series[name]
		slices.SortStableFunc(members, func(a, b sliceFile) int { return cmp.Compare(a.number, b.number) })
		if along, ok := normal(members); ok {
			slices.SortStableFunc(members, func(a, b sliceFile) int { return cmp.Compare(dot(a.position, along), dot(b.position, along)) })
		} else if slices.ContainsFunc(members, func(m sliceFile) bool { return math.IsNaN(m.number) }) {
			slices.SortFunc(members, func(a, b sliceFile) int { return byParts(a.file, b.file) })
		}
		for _, m := range members {
			files = append(files, m.file)
		}
	}
	return files
}

// normal is the direction from slice to slice; ok is false unless all members have a position and nearly the same orientation.
func normal(members []sliceFile) (along []float64, ok bool) {
	for _, m := range members {
		if m.position == nil || m.row == nil {
			return nil, false
		}
		own := cross(m.row, m.column)
		if along == nil {
			along = own
		}
		if dot(own, along) < 0.9*math.Sqrt(dot(own, own)*dot(along, along)) {
			return nil, false
		}
	}
	return along, dot(along, along) > 0
}

func dot(a, b []float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func cross(a, b []float64) []float64 {
	return []float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// leftOut notes objects without pixels, by their kind.
func leftOut(without map[string]int) (notes []string) {
	for _, name := range slices.Sorted(maps.Keys(without)) {
		notes = append(notes, fmt.Sprintf("%d DICOM files have no pixels and are left out: %s", without[name], name))
	}
	return notes
}

// differences notes how files differ, with counts.
func differences(all []sliceFile, ownWindows bool) (notes []string) {
	count := func(of func(sliceFile) string) map[string]int {
		n := map[string]int{}
		for _, m := range all {
			n[of(m)]++
		}
		return n
	}
	windows := count(func(m sliceFile) string { return m.window })
	if ownWindows && len(windows) > 1 {
		notes = append(notes, fmt.Sprintf("slices have %d different windows of their own, so that one value is not the same grey in all: "+
			"set window to have one for all; %s", len(windows), mostOf(windows)))
	}
	if kinds := count(func(m sliceFile) string { return cmp.Or(m.modality, "none") }); len(kinds) > 1 {
		notes = append(notes, fmt.Sprintf("slices have %d different modalities, whose values mean different things: %s", len(kinds),
			mostOf(kinds)))
	}
	if units := count(func(m sliceFile) string { return m.unit }); len(units) > 1 {
		notes = append(notes, "slices are in different units: "+mostOf(units))
	}
	inverse, stretched := 0, 0
	for _, m := range all {
		if m.inverse {
			inverse++
		}
		if m.stretched {
			stretched++
		}
	}
	if inverse > 0 && inverse < len(all) {
		notes = append(notes, fmt.Sprintf("%d of %d slices are stored with white as the lowest value (MONOCHROME1); they are turned", inverse,
			len(all)))
	}
	if stretched > 0 {
		notes = append(notes, fmt.Sprintf("%d slices have pixels that are not square; they are read as they are stored", stretched))
	}
	if sizes := count(func(m sliceFile) string { return m.spacing }); len(sizes) > 1 {
		notes = append(notes, fmt.Sprintf("pixels have %d different sizes: %s", len(sizes), mostOf(sizes)))
	}
	return notes
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

// pixelSides are the height and the width of a pixel, in any unit; equal if they are not stated.
func pixelSides(set dicom.Set) (tall, wide float64) {
	for _, t := range []dicom.Tag{dicom.PixelAspectRatio, dicom.PixelSpacing} {
		if sides, err := holder(set, 0, t, dicom.PixelMeasuresSequence).Numbers(t); err == nil && len(sides) == 2 {
			return sides[0], sides[1]
		}
	}
	return 1, 1
}
