package data

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/starsweep/starsweep/engine/spec"
)

// marked is a slice whose pixels are all a number, seen through marks.
func marked(t testing.TB, number int, more ...attribute) []byte {
	x := uint16(1024 + number)
	return dicomFile(t, ctSlice([]uint16{x, x, x, x, x, x}, more...))
}

// marks are the numbers of the slices of a folder, in order.
func marks(t *testing.T, wanted spec.Data) (s *Set, numbers []int) {
	t.Helper()
	wanted.Name, wanted.Window = "dicom", [2]float64{128.5, 257}
	s = open(t, store(t), wanted)
	for i := range s.N {
		numbers = append(numbers, int((s.F32[6*i]+1)*128+0.5))
	}
	return s, numbers
}

func TestSlicesOfASeriesAreInTheOrderOfTheirPositions(t *testing.T) {
	at := func(series string, z float64, more ...attribute) []attribute {
		return append([]attribute{{tag.SeriesInstanceUID, []string{series}},
			{tag.ImagePositionPatient, []string{"-10", "0", fmt.Sprint(z)}},
			{tag.ImageOrientationPatient, []string{"1", "0", "0", "0", "1", "0"}}}, more...)
	}
	number := func(n int) attribute { return attribute{tag.InstanceNumber, []string{fmt.Sprint(n)}} }
	coronal := attribute{tag.ImageOrientationPatient, []string{"1", "0", "0", "0", "0", "-1"}}
	for name, c := range map[string]struct {
		slices [][]attribute // of files a, b, c and so on, each marked with its number here
		want   []int
	}{
		"by position, whatever their numbers": {[][]attribute{at("1", 5, number(1)), at("1", -2.5, number(2)), at("1", 0, number(0))},
			[]int{1, 2, 0}},
		"two series":                                    {[][]attribute{at("2", 9), at("1", 5), at("2", 8), at("1", 4)}, []int{2, 0, 3, 1}},
		"at one position, by number":                    {[][]attribute{at("1", 5, number(2)), at("1", 5, number(1))}, []int{1, 0}},
		"of two orientations, by number":                {[][]attribute{at("1", 5, number(10)), at("1", 4, number(9), coronal)}, []int{1, 0}},
		"of two orientations, without numbers, by file": {[][]attribute{at("1", 5), at("1", 4, coronal), at("1", 3, number(1))}, []int{0, 1, 2}},
		"along the normal of their planes": {[][]attribute{at("1", 0, coronal, attribute{tag.ImagePositionPatient, []string{"0", "3", "0"}}),
			at("1", 0, coronal, attribute{tag.ImagePositionPatient, []string{"0", "-4", "0"}})}, []int{1, 0}},
		"that is none": {[][]attribute{{number(3)}, {number(1)}, {number(2)}}, []int{1, 2, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, more := range c.slices {
				write(t, dir, fmt.Sprintf("%c.dcm", 'a'+i), marked(t, i, more...))
			}
			if _, got := marks(t, spec.Data{Path: dir}); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got the files in the order %v, want %v", got, c.want)
			}
		})
	}
}

func TestDifferencesOfSlicesAreNotedWithCounts(t *testing.T) {
	dir := t.TempDir()
	window := []attribute{{tag.WindowCenter, []string{"-600"}}, {tag.WindowWidth, []string{"1500"}}}
	for i := range 4 {
		write(t, dir, fmt.Sprintf("%d.dcm", i), marked(t, i, window...))
	}
	write(t, dir, "4.dcm", marked(t, 4, attribute{tag.WindowCenter, []string{"-600.0"}}, attribute{tag.WindowWidth, []string{"1.5e3"}},
		attribute{tag.VOILUTFunction, []string{"LINEAR"}})) // the same
	write(t, dir, "a.dcm", marked(t, 8, attribute{tag.Modality, []string{"CT"}},
		attribute{tag.PhotometricInterpretation, []string{"MONOCHROME1"}}))
	write(t, dir, "b.dcm", marked(t, 9, attribute{tag.RescaleSlope, nil}, attribute{tag.RescaleIntercept, nil},
		attribute{tag.PixelSpacing, []string{"0.7", "0.7"}}))
	s := open(t, store(t), spec.Data{Name: "dicom", Path: dir})
	different := []string{
		"slices have 2 different modalities, whose values mean different things: none in 6, CT in 1",
		"slices are in different units: with a rescale in 6, without a rescale in 1",
		"1 of 7 slices are stored with white as the lowest value (MONOCHROME1); they are turned",
		"pixels have 2 different sizes: 1 x 1 in 6, 0.7 x 0.7 in 1",
		"7 of 7 slices are of one grey"}
	wantNotes(t, s, append([]string{"slices have 2 different windows of their own, so that one value is not the same grey in all: " +
		"set window to have one for all; (-600, 1500) in 5, (40, 401) in 2"}, different...)...)
	wantNotes(t, open(t, store(t), spec.Data{Name: "dicom", Path: dir, Window: [2]float64{40, 400}}), different...)
}

func TestPatientsOfTwoSplitsAreNoted(t *testing.T) {
	dir := t.TempDir()
	study := func(uid string) attribute { return attribute{tag.StudyInstanceUID, []string{uid}} }
	write(t, dir, "train/1.dcm", marked(t, 1, study("1.1")))
	write(t, dir, "train/2.dcm", marked(t, 2, study("1.2")))
	write(t, dir, "train/3.dcm", marked(t, 3))
	write(t, dir, "test/4.dcm", marked(t, 4, study("1.2")))
	write(t, dir, "test/5.dcm", marked(t, 5, study("1.2")))
	write(t, dir, "test/6.dcm", marked(t, 6))
	const want = "patients of this split who are in another as well, so that a test is not one of new patients: 1, with "
	if s, _ := marks(t, spec.Data{Path: dir}); !strings.HasPrefix(s.Notes[0], want+filepath.Join("test", "4.dcm")) {
		t.Errorf("got notes %q", s.Notes)
	}
	if s, _ := marks(t, spec.Data{Path: dir, Split: "test"}); !strings.HasPrefix(s.Notes[0], want+filepath.Join("train", "2.dcm")) {
		t.Errorf("got notes %q", s.Notes)
	}
	dir = t.TempDir()
	for _, name := range []string{"train/sub-01_T1w.nii", "train/sub-02/anat/T1w.nii", "test/sub-02_ses-2_T1w.nii", "test/sub-03_T1w.nii"} {
		write(t, dir, name, volume(2, 2, 2, nil))
	}
	wanted := spec.Data{Name: "nifti", Path: dir, Window: [2]float64{3, 8}, Split: "test"}
	wantNotes(t, open(t, store(t), wanted), want+"train/sub-02/anat/T1w.nii")
}
