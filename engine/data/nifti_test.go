package data

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/nifti"
	"github.com/starsweep/starsweep/internal/parallel"
	"github.com/starsweep/starsweep/internal/require"
)

// expectedSlices compares every pixel of every plane of the volumes of a folder with what nibabel and numpy make of them.
func expectedSlices(t *testing.T, dir string, least int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Window  [2]float64
		Volumes map[string]map[string]struct {
			Shape  [3]int
			Values []float32
		}
	}
	if err := json.Unmarshal(text, &expected); err != nil || len(expected.Volumes) < least {
		t.Fatalf("got %d volumes, %v, want %d", len(expected.Volumes), err, least)
	}
	for name, planes := range expected.Volumes {
		if len(planes) != len(nifti.Planes) {
			t.Fatalf("%s: got %d planes", name, len(planes))
		}
		for plane, want := range planes {
			s := open(t, &Store{}, spec.Data{Name: "nifti", Path: filepath.Join(dir, name), Plane: plane, Window: expected.Window})
			if got := [3]int{s.N, s.H, s.W}; got != want.Shape || s.C != 1 {
				t.Errorf("%s: %s: got %v, want %v", name, plane, got, want.Shape)
				continue
			}
			for i, x := range s.F32 {
				if !(math.Abs(float64(x-want.Values[i])) <= 1e-6) {
					t.Errorf("%s: %s: pixel %d: got %g, want %g", name, plane, i, x, want.Values[i])
					break
				}
			}
		}
	}
}

// In all 48 orders and directions of the axes, oblique and sheared, by sform, qform and neither, of every type in both byte orders and
// versions, scaled or not.
func TestSlicesOfVolumesAreThoseOfNibabel(t *testing.T) {
	expectedSlices(t, unzipped(t, "nifti/volumes"), 114)
}

// The same of other shapes and numbers, by the nibabel that is installed, and of the scans that it has for its tests.
func TestSlicesOfNewAndRealVolumesAreThoseOfNibabel(t *testing.T) {
	python, dir := require.Tool(t, "STARSWEEP_PYTHON", "python"), t.TempDir()
	if out, err := exec.Command(python, "testdata/nifti/write.py", dir, "17", "7", "real").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	expectedSlices(t, dir, 114+4)
}

// volume is a NIfTI-1 file of int16 voxels along right, forward and up, each the index of its place.
func volume(nx, ny, nz int, change func(h []byte)) []byte {
	h := make([]byte, 352)
	put := binary.LittleEndian
	put.PutUint32(h, 348)
	for i, d := range []int{3, nx, ny, nz} {
		put.PutUint16(h[40+2*i:], uint16(d))
	}
	put.PutUint16(h[70:], 4)
	put.PutUint16(h[72:], 16)
	for i := range 4 {
		put.PutUint32(h[76+4*i:], math.Float32bits(1))
	}
	put.PutUint32(h[108:], math.Float32bits(352))
	put.PutUint16(h[254:], 1)
	for i := range 3 {
		put.PutUint32(h[280+20*i:], math.Float32bits(1))
	}
	copy(h[344:], "n+1")
	for i := range nx * ny * nz {
		h = put.AppendUint16(h, uint16(i))
	}
	if change != nil {
		change(h)
	}
	return h
}

func packed(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFoldersOfVolumesHaveSplitsClassesAndParts(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"train/ill/a.nii", "train/ill/b.NII", "train/well/c.nii", "test/ill/d.nii"} {
		write(t, dir, name, volume(4, 5, 10, nil))
	}
	write(t, dir, "train/well/e.nii.gz", packed(t, volume(4, 5, 10, nil)))
	write(t, dir, "train/well/notes.txt", nil)
	s := open(t, store(t), spec.Data{Name: "nifti", Path: dir, Size: 8, Slices: [2]float64{0.2, 0.5}, Window: [2]float64{100, 201}})
	if want := (Shape{12, 8, 8, 1, 2}); s.Shape() != want || s.Labels[5] != 0 || s.Labels[6] != 1 {
		t.Fatalf("got %v, labels %v, want %v", s.Shape(), s.Labels, want)
	}
	s = open(t, store(t), spec.Data{Name: "nifti", Path: dir, Split: "test", Slices: [2]float64{0.2, 0.5}, Window: [2]float64{100, 201}})
	if want := (Shape{3, 5, 4, 1, 2}); s.Shape() != want {
		t.Fatalf("got %v, want %v", s.Shape(), want)
	}
	for i := range s.F32 { // right is on the left, and the back at the bottom
		z, y, x := 2+i/20, 4-i%20/4, 3-i%4
		if want := window(float64(20*z+4*y+x), 100, 201); math.Abs(float64(s.F32[i])-want) > 1e-6 {
			t.Fatalf("pixel %d: got %g, want %g", i, s.F32[i], want)
		}
	}
}

func TestVolumesWithoutAWindowAreShownInTheirOwnRange(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.nii", volume(2, 2, 2, nil)) // 0 to 7
	write(t, dir, "b.nii", volume(2, 2, 2, func(h []byte) {
		binary.LittleEndian.PutUint32(h[124:], math.Float32bits(5))
		binary.LittleEndian.PutUint32(h[128:], math.Float32bits(1))
	}))
	write(t, dir, "c.nii", volume(2, 2, 2, func(h []byte) { copy(h[352:], make([]byte, 16)) }))
	s := open(t, store(t), spec.Data{Name: "nifti", Path: dir})
	for k, want := range [][2]float64{{0, 7}, {1, 5}} {
		for i := range 8 {
			value := float64(4*(i/4) + 2*(1-i%4/2) + 1 - i%2)
			if y := min(max(2*(value-want[0])/(want[1]-want[0])-1, -1), 1); math.Abs(float64(s.F32[8*k+i])-y) > 1e-6 {
				t.Errorf("volume %d: pixel %d: got %g, want %g", k, i, s.F32[8*k+i], y)
			}
		}
	}
	wantNotes(t, s, "2 of 3 volumes state no range of values to show", "2 of 6 slices are of one grey")
	s = open(t, store(t), spec.Data{Name: "nifti", Path: dir, Window: [2]float64{3, 8}})
	wantNotes(t, s, "2 of 6 slices are of one grey")
}

func TestDifferencesOfVolumesAreNoted(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.nii", volume(2, 2, 2, nil))
	write(t, dir, "b.nii", volume(2, 2, 2, func(h []byte) { binary.LittleEndian.PutUint32(h[320:], math.Float32bits(5)) }))
	write(t, dir, "c.nii", volume(2, 2, 2, func(h []byte) { h[254] = 0 }))
	write(t, dir, "d.img", nil)
	wanted := spec.Data{Name: "nifti", Path: dir, Plane: "sagittal", Window: [2]float64{3, 8}}
	wantNotes(t, open(t, store(t), wanted), "left out 1 files .img without a file .hdr",
		"1 of 3 volumes state no orientation: their axes are taken to run left, forward and up",
		"1 of 3 volumes have slices whose pixels are not square", "pixels have 2 different sizes: 1 x 1 in 2, 5 x 1 in 1")
	wanted.Plane = "axial"
	wantNotes(t, open(t, store(t), wanted), "left out 1 files", "1 of 3 volumes state no orientation")
}

// wantNotes compares the notes of a set by their beginnings.
func wantNotes(t *testing.T, s *Set, want ...string) {
	t.Helper()
	ok := len(s.Notes) == len(want)
	for i := range min(len(s.Notes), len(want)) {
		ok = ok && strings.HasPrefix(s.Notes[i], want[i])
	}
	if !ok {
		t.Errorf("got notes %q, want %q", s.Notes, want)
	}
}

func TestErrorsOfVolumesNameTheFile(t *testing.T) {
	whole := volume(3, 4, 5, nil)
	put := func(at int, b ...byte) []byte { return volume(3, 4, 5, func(h []byte) { copy(h[at:], b) }) }
	tight := packed(t, whole)
	wrong := bytes.Clone(tight)
	wrong[len(wrong)-6] ^= 1
	for name, c := range map[string]struct {
		file, want string
		content    []byte
	}{
		"empty":            {"1.nii", "the file is cut", nil},
		"not NIfTI":        {"1.nii", "got a header of 1819043176 bytes, want 348 or 540", append([]byte("hello"), make([]byte, 400)...)},
		"cut":              {"1.nii", "the file is cut: got at most 471 bytes, want 120 of voxels from byte 352", whole[:len(whole)-1]},
		"a cut header":     {"1.nii", "the file is cut: got 300 bytes, want a header of 348", whole[:300]},
		"packed and cut":   {"1.nii.gz", "the file is cut", tight[:len(tight)-30]},
		"wrong checksum":   {"1.nii.gz", "gzip: invalid checksum", wrong},
		"not packed":       {"1.nii.gz", "gzip: invalid", append([]byte{0x1f, 0x8b}, make([]byte, 400)...)},
		"a series":         {"1.nii", "got 7 volumes of 3 x 4 x 5", put(40, 4, 0, 3, 0, 4, 0, 5, 0, 7)},
		"no dimensions":    {"1.nii", "got 0 dimensions, want 1 to 7", put(40, 0)},
		"negative":         {"1.nii", "got -1 voxels in dimension 2", put(44, 0xff, 0xff)},
		"huge":             {"1.nii", "the file is cut", put(42, 0xff, 0x7f, 0xff, 0x7f, 0xff, 0x7f)},
		"huge, packed":     {"1.nii.gz", "the file is cut", packed(t, put(42, 0xff, 0x7f, 0xff, 0x7f, 0xff, 0x7f))},
		"colour":           {"1.nii", "got voxels of type 128 (RGB colour), want grey", put(70, 128)},
		"complex":          {"1.nii", "got voxels of type 32 (complex), want grey", put(70, 32)},
		"an unknown type":  {"1.nii", "got voxels of type 77 (unknown)", put(70, 77)},
		"Analyze":          {"1.nii", `got the magic word "\x00+1", want n+1 or ni1: is it Analyze 7.5`, put(344, 0)},
		"singular":         {"1.nii", "the orientation is singular", put(280, 0, 0, 0, 0)},
		"no orientation":   {"1.nii", "got the orientation [[NaN", put(280, 0, 0, 0xc0, 0x7f)},
		"voxels in header": {"1.nii", "got voxels from byte 1, want 352 or more", put(108, 0, 0, 0x80, 0x3f)},
		"intercept":        {"1.nii", "got intercept NaN for slope 1", put(112, 0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f)},
		"a lone header":    {"1.hdr", "1.img: no such file", put(344, 'n', 'i')},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "0.nii", whole)
			write(t, dir, c.file, c.content)
			_, err := store(t).Open(context.Background(), spec.Data{Name: "nifti", Path: dir})
			wantError(t, err, "nifti: ", c.want)
			if !strings.Contains(err.Error(), filepath.Join(dir, "1.")) {
				t.Errorf("got %v, want the name of the file", err)
			}
		})
	}
	_, err := store(t).Open(context.Background(), spec.Data{Name: "nifti", Path: write(t, t.TempDir(), "x.mha", nil)})
	wantError(t, err, "x.mha: got another file, want .nii, .nii.gz, .hdr, or a folder of them")
	_, err = store(t).Open(context.Background(), spec.Data{Name: "dicom", Path: write(t, t.TempDir(), "x.png", nil)})
	wantError(t, err, "x.png: got another file, want a DICOM file, or a folder of them")
}

func TestVolumesThatNoMemoryHoldsAreRefused(t *testing.T) {
	path := write(t, t.TempDir(), "a.nii", volume(10, 10, 10, nil))
	_, err := (&Store{Memory: 1000}).Open(context.Background(), spec.Data{Name: "nifti", Path: path, Slices: [2]float64{0, 0.1}})
	wantError(t, err, "the pixels of ", "a.nii need 2.0 kB of memory, and one set may take 1.0 kB: crop it")
}

// A file is opened once for all its slices, or twice if a goroutine was late.
func TestVolumesAreSeldomReadTwice(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		write(t, dir, fmt.Sprintf("%02d.nii", i), volume(2, 3, 7, nil))
	}
	st := store(t)
	wanted, r, err := complete(spec.Data{Name: "nifti", Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	src, err := r.find(t.Context(), st, wanted)
	if err != nil {
		t.Fatal(err)
	}
	s := src.(*stacks)
	count := &counted{stackFormat: s.of}
	s.of, s.room = count, 2*2*3*7*2
	at, err := s.open(t.Context(), []int{0})
	if err != nil {
		t.Fatal(err)
	}
	err = parallel.For(t.Context(), 140, func(i int) error {
		p, err := at(i)
		if err == nil && p.size() != 6 {
			err = fmt.Errorf("got %v", p.header)
		}
		return err
	})
	if n := count.opened.Load(); err != nil || n < 20 || n > 30 {
		t.Errorf("opened files %d times, %v, want 20 of 140 slices", n, err)
	}
}

// counted counts the files that are opened.
type counted struct {
	stackFormat
	opened atomic.Int64
}

func (c *counted) open(ctx context.Context, t tree, file string) (func(int) (picture, error), error) {
	c.opened.Add(1)
	return c.stackFormat.open(ctx, t, file)
}

// FuzzNIfTI: any bytes are pictures or an error, in memory in proportion to their size.
func FuzzNIfTI(f *testing.F) {
	dir := unzipped(f, "nifti/volumes")
	for _, name := range []string{"RAS_012.nii", "oblique_s0.nii.gz", "f4_big_2.nii", "nan.nii", "scaled.nii", "qfac_negative.nii"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 0.0, 0.0)
		f.Add(b, 40.0, 400.0)
	}
	f.Fuzz(func(t *testing.T, b []byte, centre, width float64) {
		if width < 0 || math.IsNaN(width+centre) || math.IsInf(width+centre, 0) || width == 0 && centre != 0 {
			return
		}
		path := write(t, t.TempDir(), "x.nii", b)
		var s *Set
		var err error
		if n := took(func() {
			s, err = (&Store{Memory: 1 << 30}).Open(context.Background(), spec.Data{Name: "nifti", Path: path, Window: [2]float64{centre, width}})
		}); n > 64<<20+50*maxPacking*uint64(len(b)) {
			t.Errorf("%d bytes took %d MB: %v", len(b), n>>20, err)
		}
		if err != nil {
			return
		}
		for i, x := range s.F32 {
			if !(x >= -1 && x <= 1) {
				t.Fatalf("value %d: got %g, want -1 to 1", i, x)
			}
		}
	})
}
