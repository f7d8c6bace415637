package data

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/require"
)

// expectedFrames compares every pixel of every frame of the files of a folder with what pydicom, GDCM and numpy make of them.
func expectedFrames(t *testing.T, dir string, least int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Window [2]float64
		Files  map[string]struct {
			Shape  [3]int
			Values []float32
		}
	}
	if err := json.Unmarshal(text, &expected); err != nil || len(expected.Files) < least {
		t.Fatalf("got %d files, %v, want %d", len(expected.Files), err, least)
	}
	for name, want := range expected.Files {
		s := open(t, &Store{}, spec.Data{Name: "dicom", Path: filepath.Join(dir, name), Window: expected.Window})
		if got := [3]int{s.N, s.H, s.W}; got != want.Shape || s.C != 1 {
			t.Errorf("%s: got %v, want %v", name, got, want.Shape)
			continue
		}
		for i, x := range s.F32 {
			if !(math.Abs(float64(x-want.Values[i])) <= 1e-6) {
				t.Errorf("%s: pixel %d: got %g, want %g", name, i, x, want.Values[i])
				break
			}
		}
	}
}

// RLE and lossless JPEG with every predictor, of 8, 12 and 16 bits, signed or not, one frame or several, in one fragment or several.
func TestCompressedFramesAreThoseOfPydicom(t *testing.T) {
	expectedFrames(t, unzipped(t, "dicom/compressed"), 63)
}

// The same of other numbers, by the pydicom and GDCM that are installed, and the files of scanners that pydicom has for its tests.
func TestNewAndRealFramesAreThoseOfPydicom(t *testing.T) {
	python, dir := require.Tool(t, "STARSWEEP_PYTHON", "python"), t.TempDir()
	c := exec.Command(python, "testdata/dicom/compressed.py", dir, "31", "5", "real")
	c.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	expectedFrames(t, dir, 34+40)
}

func TestOtherCompressionsAreRefusedByNameWithTheRemedy(t *testing.T) {
	dir := unzipped(t, "dicom/compressed")
	for name, want := range map[string]string{
		"refused_jpegls":   "got transfer syntax 1.2.840.10008.1.2.4.80 (lossless JPEG-LS), want ",
		"refused_jpeg2000": "got transfer syntax 1.2.840.10008.1.2.4.90 (lossless JPEG 2000), want ",
	} {
		b, err := os.ReadFile(filepath.Join(dir, name+".dcm"))
		if err != nil {
			t.Fatal(err)
		}
		alone := t.TempDir()
		write(t, alone, name+".dcm", b)
		_, err = store(t).Open(context.Background(), spec.Data{Name: "dicom", Path: alone})
		wantError(t, err, name+".dcm: ", want, "convert with gdcmconv --raw IN OUT")
		b = bytes.ReplaceAll(b, []byte("1.2.840.10008.1.2.4.80"), []byte("1.2.840.10008.1.2.4.99"))
		write(t, alone, name+".dcm", b)
		if _, err = store(t).Open(context.Background(), spec.Data{Name: "dicom", Path: alone}); name == "refused_jpegls" {
			wantError(t, err, "got transfer syntax 1.2.840.10008.1.2.4.99 (unknown), want ")
		}
	}
}
