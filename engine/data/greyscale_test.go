package data

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"
	"github.com/suyashkumar/dicom/pkg/uid"

	"github.com/starsweep/starsweep/engine/spec"
)

// The files and what numpy makes of them by the formulas of PS3.3 are those of testdata/dicom/write.py.
func TestDICOMPixelsAreThoseOfTheStandardsFormulas(t *testing.T) {
	text, err := os.ReadFile("testdata/dicom/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string][]float64
	if err := json.Unmarshal(text, &expected); err != nil || len(expected) < 20 {
		t.Fatalf("got %d cases, %v", len(expected), err)
	}
	for name, want := range expected {
		s := open(t, store(t), spec.Data{Name: "dicom", Path: folderOf(t, name)})
		if len(s.F32) != len(want) {
			t.Errorf("%s: got %d pixels, want %d", name, len(s.F32), len(want))
			continue
		}
		for i, x := range s.F32 {
			if math.Abs(float64(x)-want[i]) > 1e-6 {
				t.Errorf("%s: pixel %d: got %g, want %g", name, i, x, want[i])
				break
			}
		}
	}
}

func TestDICOMThatWouldBeReadWronglyIsRefusedByName(t *testing.T) {
	for name, want := range map[string]string{
		"palette":            "PALETTE COLOR",
		"function":           `VOI LUT function "CUBIC"`,
		"negative_width":     "width -5, want a width above 0",
		"slope":              "rescale slope 0",
		"fraction_voi_table": "values that are not integers",
		"two_modalities":     "more than one of rescale and modality tables",
		"high_bit":           "high bit 7 for 12 bits stored in 16",
	} {
		_, err := store(t).Open(context.Background(), spec.Data{Name: "dicom", Path: folderOf(t, "refused_"+name)})
		wantError(t, err, "refused_"+name+".dcm: ", want)
	}
}

func TestAWindowBelowOneIsLinearExact(t *testing.T) {
	s := open(t, store(t), spec.Data{Name: "dicom", Path: folderOf(t, "small_window"), Window: [2]float64{0.1, 0.05}})
	for i, stored := range []float64{0, 1, 500, 1000, 1023, 1024, 1025, 2000} {
		if want := min(max(2*(stored*1e-4-0.1)/0.05, -1), 1); math.Abs(float64(s.F32[i])-want) > 1e-6 {
			t.Errorf("pixel %d: got %g, want %g", i, s.F32[i], want)
		}
	}
}

func TestDICOMObjectsWithoutPixelsAreLeftOutAndCounted(t *testing.T) {
	dir := folderOf(t, "explicit", "without_pixels", "sigmoid")
	s := open(t, store(t), spec.Data{Name: "dicom", Path: dir})
	if want := "1 DICOM files have no pixels and are left out: RT plans and records"; s.N != 2 || !slices.Contains(s.Notes, want) {
		t.Errorf("got %d slices, notes %q, want 2 and %q", s.N, s.Notes, want)
	}
	const want = "slices have 2 different windows of their own"
	if !slices.ContainsFunc(s.Notes, func(note string) bool { return strings.HasPrefix(note, want) }) {
		t.Errorf("got notes %q, want one with %q", s.Notes, want)
	}
	if s := open(t, store(t), spec.Data{Name: "dicom", Path: dir, Window: [2]float64{0, 100}}); len(s.Notes) != 1 {
		t.Errorf("with one window for all: got notes %q, want one of the plan", s.Notes)
	}
	_, err := store(t).Open(context.Background(), spec.Data{Name: "dicom", Path: folderOf(t, "without_pixels")})
	wantError(t, err, "no DICOM slices in ", "RT plans and records")
}

func TestDICOMPixelsThatAreNotSquareAreNoted(t *testing.T) {
	s := open(t, store(t), spec.Data{Name: "dicom", Path: folderOf(t, "not_square")})
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "1 slices have pixels that are not square") {
		t.Errorf("got notes %q", s.Notes)
	}
}

// A sequence in a sequence in a sequence ...: 200,000 of them took gigabytes.
func TestDeepDICOMTakesLittleMemory(t *testing.T) {
	for name, undefined := range map[string]bool{"lengths": false, "delimiters": true} {
		file := dicomFile(t, []attribute{
			{tag.MediaStorageSOPClassUID, []string{"1.2.840.10008.5.1.4.1.1.2"}}, {tag.MediaStorageSOPInstanceUID, []string{"1.2.3"}},
			{tag.TransferSyntaxUID, []string{uid.ImplicitVRLittleEndian}},
		})
		const levels = 200_000
		for i := range levels {
			sequence, item := uint32(0xffffffff), uint32(0xffffffff)
			if !undefined {
				sequence, item = uint32(16*(levels-i)-8), uint32(16*(levels-i)-16)
			}
			file = append(file, 0x40, 0, 0x75, 2) // (0040,0275), request attributes
			file = binary.LittleEndian.AppendUint32(file, sequence)
			file = append(file, 0xfe, 0xff, 0, 0xe0)
			file = binary.LittleEndian.AppendUint32(file, item)
		}
		dir := t.TempDir()
		write(t, dir, "1.dcm", file)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := store(t).Open(context.Background(), spec.Data{Name: "dicom", Path: dir})
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > 64<<20 {
			t.Errorf("%s: got error %v, took %d MB", name, err, took>>20)
		}
		if undefined {
			wantError(t, err, "sequences nest deeper than 64")
		}
	}
}

// folderOf is a folder with some of the files of testdata/dicom.
func folderOf(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join("testdata", "dicom", name+".dcm"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name+".dcm", b)
	}
	return dir
}
