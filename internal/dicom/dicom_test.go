package dicom_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/dicom"
)

// files are those of engine/data, whose tests compare what is in them with independent values.
func files(tb testing.TB) [][]byte {
	tb.Helper()
	paths, err := filepath.Glob("../../engine/data/testdata/dicom/*.dcm")
	if err != nil || len(paths) < 20 {
		tb.Fatalf("got %d files, %v", len(paths), err)
	}
	var found [][]byte
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		found = append(found, b)
	}
	return found
}

func TestTheStartOfAFileHasItsAttributesOrIsCut(t *testing.T) {
	for _, file := range files(t) {
		whole, err := dicom.Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		if syntax, _ := whole.Text(dicom.TransferSyntaxUID); syntax == "1.2.840.10008.1.2.1.99" {
			continue // the start of a packed data set is none
		}
		pixels := len(whole.Element(dicom.PixelData).Value)
		for n := range file {
			start, err := dicom.ParseStart(file[:n])
			switch {
			case n > 132 && err != nil && !errors.Is(err, dicom.ErrCut):
				t.Fatalf("%d of %d bytes: %v", n, len(file), err)
			case n >= len(file)-pixels && err != nil:
				t.Fatalf("%d of %d bytes, which end with %d of pixels: %v", n, len(file), pixels, err)
			case err == nil && pixels > 0 && start.Has(dicom.PixelData):
				if a, b := start.Texts(dicom.WindowCenter), whole.Texts(dicom.WindowCenter); len(a) != len(b) {
					t.Fatalf("got windows %q, want %q", a, b)
				}
			}
		}
	}
}

func TestDeepSequencesAreOneShortError(t *testing.T) {
	sequence := "\x40\x00\x00\x01SQ\x00\x00\xff\xff\xff\xff" + "\xfe\xff\x00\xe0\xff\xff\xff\xff" // (0040,0100), and its first item
	meta := "\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"
	group := "\x02\x00\x00\x00UL\x04\x00" + string(rune(len(meta))) + "\x00\x00\x00"
	_, err := dicom.Parse([]byte(strings.Repeat("\x00", 128) + "DICM" + group + meta + strings.Repeat(sequence, 1000)))
	if err == nil || !strings.Contains(err.Error(), "sequences nest deeper than 64") || len(err.Error()) > 100 {
		t.Errorf("got %v, want one line about sequences deeper than 64", err)
	}
}

func TestDamagedFilesAreErrorsOrSets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, file := range files(t) {
		for range 300 {
			b := bytes.Clone(file)
			b[132+r.IntN(len(b)-132)] = byte(r.Uint32())
			use(t, b)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range files(f) {
		f.Add(file)
	}
	f.Fuzz(use)
}

// use reads everything. It must neither panic nor take much memory.
func use(t *testing.T, b []byte) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if set, err := dicom.Parse(b); err == nil {
		values(set)
	}
	_, _ = dicom.ParseStart(b)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 400<<20+500*uint64(len(b)) {
		t.Errorf("%d bytes took %d MB", len(b), took>>20)
	}
}

func values(set dicom.Set) {
	for _, tag := range []dicom.Tag{dicom.Rows, dicom.WindowCenter, dicom.LUTDescriptor, dicom.LUTData, dicom.VOILUTFunction} {
		set.Text(tag)
		_, _ = set.Words(tag)
		_, _ = set.Numbers(tag)
	}
	for _, tag := range []dicom.Tag{dicom.ModalityLUTSequence, dicom.SharedFunctionalGroupsSequence} {
		for _, item := range set.Element(tag).Items {
			values(item)
		}
	}
}
