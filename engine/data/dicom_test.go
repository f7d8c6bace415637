package data

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/frame"
	"github.com/suyashkumar/dicom/pkg/tag"
	"github.com/suyashkumar/dicom/pkg/uid"

	"github.com/starsweep/starsweep/engine/spec"
)

// attribute is one element of a DICOM file.
type attribute struct {
	tag   tag.Tag
	value any
}

// ctSlice is a 2 x 3 slice as CT scanners write it: 12 bits in 16, values 1024 above Hounsfield units.
func ctSlice(values []uint16, more ...attribute) []attribute {
	raw := make([]byte, 0, 2*len(values))
	for _, x := range values {
		raw = binary.LittleEndian.AppendUint16(raw, x)
	}
	return append([]attribute{
		{tag.MediaStorageSOPClassUID, []string{"1.2.840.10008.5.1.4.1.1.2"}},
		{tag.MediaStorageSOPInstanceUID, []string{"1.2.3"}},
		{tag.TransferSyntaxUID, []string{uid.ExplicitVRLittleEndian}},
		{tag.Rows, []int{2}}, {tag.Columns, []int{3}}, {tag.SamplesPerPixel, []int{1}},
		{tag.PhotometricInterpretation, []string{"MONOCHROME2"}},
		{tag.BitsAllocated, []int{16}}, {tag.BitsStored, []int{12}}, {tag.HighBit, []int{11}}, {tag.PixelRepresentation, []int{0}},
		{tag.RescaleIntercept, []string{"-1024"}}, {tag.RescaleSlope, []string{"1 "}},
		{tag.WindowCenter, []string{"40", "-600"}}, {tag.WindowWidth, []string{"401", "1500"}},
		{tag.PixelData, dicom.PixelDataInfo{IntentionallyUnprocessed: true, UnprocessedValueData: raw}},
	}, more...)
}

// dicomFile is the file of these attributes; the last of a tag counts, a nil leaves it out.
func dicomFile(t testing.TB, attributes []attribute) []byte {
	t.Helper()
	var set dicom.Dataset
	last := map[tag.Tag]any{}
	for _, a := range attributes {
		last[a.tag] = a.value
	}
	for _, a := range attributes {
		if value, ok := last[a.tag]; ok && value != nil {
			element, err := dicom.NewElement(a.tag, value)
			if err != nil {
				t.Fatal(err)
			}
			if _, compressed := value.(dicom.PixelDataInfo); compressed && value.(dicom.PixelDataInfo).IsEncapsulated {
				element.ValueLength = tag.VLUndefinedLength
			}
			set.Elements = append(set.Elements, element)
		}
		delete(last, a.tag)
	}
	slices.SortStableFunc(set.Elements, func(a, b *dicom.Element) int { // as the standard wants
		return cmp.Or(cmp.Compare(a.Tag.Group, b.Tag.Group), cmp.Compare(a.Tag.Element, b.Tag.Element))
	})
	var text bytes.Buffer
	if err := dicom.Write(&text, set); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// window is the pseudocode of PS3.3, C.11.2.1.2.1, with the output from -1 to 1.
func window(x, c, w float64) float64 {
	switch {
	case x <= c-0.5-(w-1)/2:
		return -1
	case x > c-0.5+(w-1)/2:
		return 1
	}
	return ((x-(c-0.5))/(w-1)+0.5)*2 - 1
}

func TestDICOMSlicesGoThroughTheWindow(t *testing.T) {
	stored := []uint16{0, 864, 1024, 1063, 1300, 4095} // -1024, -160, 0, 39, 276, 3071 HU
	hounsfield := []float64{-1024, -160, 0, 39, 276, 3071}
	for _, c := range []struct {
		name  string
		more  []attribute
		asked [2]float64
		want  func(i int) float64
	}{
		{"of the file, the first of several", nil, [2]float64{}, func(i int) float64 { return window(hounsfield[i], 40, 401) }},
		{"of the spec", nil, [2]float64{-600, 1500}, func(i int) float64 { return window(hounsfield[i], -600, 1500) }},
		{"as a threshold", nil, [2]float64{40, 1}, func(i int) float64 { return window(hounsfield[i], 40, 1) }},
		{"inverse", []attribute{{tag.PhotometricInterpretation, []string{"MONOCHROME1"}}}, [2]float64{},
			func(i int) float64 { return -window(hounsfield[i], 40, 401) }},
		{"without a rescale", []attribute{{tag.RescaleIntercept, nil}, {tag.RescaleSlope, nil}}, [2]float64{1000, 500},
			func(i int) float64 { return window(float64(stored[i]), 1000, 500) }},
		{"signed", []attribute{{tag.PixelRepresentation, []int{1}}, {tag.RescaleIntercept, nil}}, [2]float64{1000, 3000},
			func(i int) float64 { return window([]float64{0, 864, 1024, 1063, 1300, -1}[i], 1000, 3000) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "slice", dicomFile(t, ctSlice(stored, c.more...)))
			s := open(t, store(t), spec.Data{Name: "dicom", Path: dir, Window: c.asked})
			if want := (Shape{1, 2, 3, 1, 0}); s.Shape() != want {
				t.Fatalf("got %v, want %v", s.Shape(), want)
			}
			for i, x := range s.F32 {
				if math.Abs(float64(x)-c.want(i)) > 1e-6 {
					t.Errorf("pixel %d: got %g, want %g", i, x, c.want(i))
				}
			}
		})
	}
}

func TestDICOMFoldersHaveClassesAndAreResized(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"healthy/IM1.dcm", "healthy/IM2.DCM", "ill/1.2.840.7"} {
		x := uint16(864 + 100*i)
		write(t, dir, name, dicomFile(t, ctSlice([]uint16{x, x, x, x, x, x})))
	}
	write(t, dir, "DICOMDIR", dicomFile(t, ctSlice(make([]uint16, 6))))
	write(t, dir, "healthy/README", []byte("not DICOM"))
	s := open(t, store(t), spec.Data{Name: "dicom", Path: dir, Size: 4, Channels: 3})
	if want := (Shape{3, 4, 4, 3, 2}); s.Shape() != want || s.Labels[1] != 0 || s.Labels[2] != 1 {
		t.Fatalf("got %v, labels %v, want %v", s.Shape(), s.Labels, want)
	}
	for i, x := range s.F32 {
		if want := window(float64(-160+100*(i/48)), 40, 401); math.Abs(float64(x)-want) > 1e-6 {
			t.Fatalf("value %d: got %g, want %g", i, x, want)
		}
	}
}

func TestDICOMWithJPEGInsideIsDecoded(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 16, 8))
	for i := range img.Pix {
		img.Pix[i] = 140
	}
	var text bytes.Buffer
	if err := jpeg.Encode(&text, img, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	inside := func(content []byte) []attribute {
		return ctSlice(nil, attribute{tag.TransferSyntaxUID, []string{"1.2.840.10008.1.2.4.50"}}, attribute{tag.Rows, []int{8}},
			attribute{tag.Columns, []int{16}}, attribute{tag.BitsAllocated, []int{8}}, attribute{tag.BitsStored, []int{8}},
			attribute{tag.HighBit, []int{7}}, attribute{tag.PixelData, dicom.PixelDataInfo{IsEncapsulated: true,
				Frames: []*frame.Frame{{Encapsulated: true, EncapsulatedData: frame.EncapsulatedFrame{Data: content}}}}})
	}
	dir := t.TempDir()
	write(t, dir, "1.dcm", dicomFile(t, inside(text.Bytes())))
	s := open(t, store(t), spec.Data{Name: "dicom", Path: dir, Window: [2]float64{-900, 256}})
	if want := window(140-1024, -900, 256); math.Abs(float64(s.F32[0])-want) > 1e-6 {
		t.Errorf("got %g, want %g", s.F32[0], want)
	}
	write(t, dir, "1.dcm", dicomFile(t, inside([]byte("\xff\xd8\xff\xc3"))))
	_, err := store(t).Open(context.Background(), spec.Data{Name: "dicom", Path: dir})
	wantError(t, err, "1.dcm: transfer syntax 1.2.840.10008.1.2.4.50 (JPEG): want 8-bit grey JPEG: convert with gdcmconv --raw IN OUT")
}

func TestErrorsOfDICOMFilesNameTheFile(t *testing.T) {
	six := make([]uint16, 6)
	whole := dicomFile(t, ctSlice(six))
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"not DICOM":      {[]byte("hello"), "malformed DICOM: "},
		"truncated":      {whole[:len(whole)-5], "malformed DICOM: "},
		"no window":      {dicomFile(t, ctSlice(six, attribute{tag.WindowWidth, nil})), "the file has no window: set window"},
		"several frames": {dicomFile(t, ctSlice(six, attribute{tag.NumberOfFrames, []string{"2"}})), "got 12 bytes of pixel data, want 24"},
		"no frames":      {dicomFile(t, ctSlice(six, attribute{tag.NumberOfFrames, []string{"0"}})), "got 0 frames, want 1 to 65536"},
		"colour": {dicomFile(t, ctSlice(six, attribute{tag.SamplesPerPixel, []int{3}})),
			"got 3 samples per pixel (MONOCHROME2), want grey"},
		"few pixels": {dicomFile(t, ctSlice(six[:5])), "got 10 bytes of pixel data, want 12"},
		"no pixels":  {dicomFile(t, ctSlice(six, attribute{tag.PixelData, nil})), "no pixel data"},
		"no size":    {dicomFile(t, ctSlice(six, attribute{tag.Rows, nil})), "got 0 x 3 pixels"},
		"deep":       {dicomFile(t, ctSlice(six, attribute{tag.BitsAllocated, []int{32}})), "got 12 bits stored in 32"},
		"bad slope":  {dicomFile(t, ctSlice(six, attribute{tag.RescaleSlope, []string{"steep"}})), `got "steep", want a number`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a/0.dcm", whole)
			write(t, dir, "a/1.dcm", c.file)
			_, err := store(t).Open(context.Background(), spec.Data{Name: "dicom", Path: dir})
			wantError(t, err, "dicom: ", filepath.Join("a", "1.dcm")+": ", c.want)
		})
	}
}

// Damaged files must be errors, even where the libraries that read them panic or loop.
func TestDamagedFilesNeverPanic(t *testing.T) {
	dir := t.TempDir()
	img := image.NewNRGBA(image.Rect(0, 0, 9, 9))
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, img, nil); err != nil {
		t.Fatal(err)
	}
	writeParquet(t, filepath.Join(dir, "x.parquet"), hfRows(tile(t, 2, 2, 1), tile(t, 2, 2, 2), tile(t, 2, 2, 3)))
	table, err := os.ReadFile(filepath.Join(dir, "x.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		wanted spec.Data
		file   string
		whole  []byte
	}{
		{spec.Data{Name: "dicom", Path: filepath.Join(dir, "d")}, "d/1.dcm", dicomFile(t, ctSlice(make([]uint16, 6)))},
		{spec.Data{Name: "parquet", Path: filepath.Join(dir, "p.parquet")}, "p.parquet", table},
		{spec.Data{Name: "images", Path: filepath.Join(dir, "j")}, "j/1.jpg", photo.Bytes()},
	} {
		for range 100 {
			text := bytes.Clone(c.whole)
			for range 1 + r.IntN(3) {
				text[r.IntN(len(text))] = byte(r.Uint32())
			}
			write(t, dir, c.file, text)
			st := &Store{}
			if set, err := st.Open(context.Background(), c.wanted); err == nil && len(set.Digest) != 64 {
				t.Errorf("%s: got neither a set nor an error", c.file)
			}
		}
	}
}
