package runner_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"
	"github.com/suyashkumar/dicom/pkg/uid"
)

const (
	scanSide     = 48
	scanSlices   = 48
	scanPatients = 2
)

// scans writes the synthetic scans of writeScans.
func scans(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(writeScans(ts.MkAbs("."))) }

// writeScans writes the CT slices of two patients in three forms: DICOM files (ct), NIfTI volumes (volumes) and pictures in a Parquet
// file (ct.parquet).
func writeScans(dir string) error {
	type row struct {
		Image []byte `parquet:"image"`
	}
	var rows []row
	for patient := range scanPatients {
		name := fmt.Sprintf("patient%d", patient)
		var voxels []byte
		for slice := range scanSlices {
			values := hounsfield(patient, slice)
			if err := writeSlice(filepath.Join(dir, "ct", name), patient, slice, values); err != nil {
				return err
			}
			grey := image.NewGray(image.Rect(0, 0, scanSide, scanSide))
			for i, x := range values {
				grey.Pix[i] = uint8(min(max((float64(x)+1350)/1500, 0), 1) * 255)
			}
			var picture bytes.Buffer
			if err := png.Encode(&picture, grey); err != nil {
				return err
			}
			rows = append(rows, row{picture.Bytes()})
			for _, x := range values {
				voxels = binary.LittleEndian.AppendUint16(voxels, uint16(x))
			}
		}
		if err := writeVolume(filepath.Join(dir, "volumes", name), voxels); err != nil {
			return err
		}
	}
	return parquet.WriteFile(filepath.Join(dir, "ct.parquet"), rows)
}

// hounsfield is a slice: a body of water with two lungs of air, which grow and shrink from slice to slice.
func hounsfield(patient, slice int) (values []int16) {
	width := 0.18 + 0.05*math.Sin(float64(scanPatients*slice+patient))
	for y := range scanSide {
		for x := range scanSide {
			u, v := float64(x)/scanSide-0.5, float64(y)/scanSide-0.5
			value := -1000
			if math.Hypot(u, 1.3*v) < 0.45 {
				value = 40
				if math.Hypot((math.Abs(u)-0.2)/width, v/0.25) < 0.8 {
					value = -850
				}
			}
			values = append(values, int16(value))
		}
	}
	return values
}

// writeSlice writes a slice as a scanner does: 12 bits in 16, and names that say nothing of the place of a slice.
func writeSlice(dir string, patient, slice int, values []int16) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var raw []byte
	for _, x := range values {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(x+1024))
	}
	var set dicom.Dataset
	for _, a := range []struct {
		tag   tag.Tag
		value any
	}{
		{tag.MediaStorageSOPClassUID, []string{"1.2.840.10008.5.1.4.1.1.2"}},
		{tag.MediaStorageSOPInstanceUID, []string{fmt.Sprintf("1.2.3.%d.%d", patient, slice)}},
		{tag.TransferSyntaxUID, []string{uid.ExplicitVRLittleEndian}},
		{tag.StudyInstanceUID, []string{fmt.Sprintf("1.2.4.%d", patient)}},
		{tag.SeriesInstanceUID, []string{fmt.Sprintf("1.2.5.%d", patient)}},
		{tag.ImagePositionPatient, []string{"-24", "-24", fmt.Sprint(5 * slice)}},
		{tag.ImageOrientationPatient, []string{"1", "0", "0", "0", "1", "0"}},
		{tag.SamplesPerPixel, []int{1}}, {tag.PhotometricInterpretation, []string{"MONOCHROME2"}},
		{tag.Rows, []int{scanSide}}, {tag.Columns, []int{scanSide}},
		{tag.BitsAllocated, []int{16}}, {tag.BitsStored, []int{12}}, {tag.HighBit, []int{11}}, {tag.PixelRepresentation, []int{0}},
		{tag.RescaleIntercept, []string{"-1024"}}, {tag.RescaleSlope, []string{"1"}},
		{tag.PixelData, dicom.PixelDataInfo{IntentionallyUnprocessed: true, UnprocessedValueData: raw}},
	} {
		element, err := dicom.NewElement(a.tag, a.value)
		if err != nil {
			return err
		}
		set.Elements = append(set.Elements, element)
	}
	var file bytes.Buffer
	if err := dicom.Write(&file, set); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, fmt.Sprintf("IM%04d.dcm", slice*31%scanSlices)), file.Bytes(), 0o666)
}

// writeVolume writes voxels whose axes run left, back and up, in the order of the pixels of DICOM slices.
func writeVolume(dir string, voxels []byte) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	header, put := make([]byte, 352), binary.LittleEndian
	put.PutUint32(header, 348)
	for i, n := range []uint16{3, scanSide, scanSide, scanSlices} {
		put.PutUint16(header[40+2*i:], n)
	}
	put.PutUint16(header[70:], 4) // int16
	put.PutUint16(header[254:], 1)
	for i, size := range []float32{-1, -1, 5} {
		put.PutUint32(header[280+20*i:], math.Float32bits(size))
	}
	copy(header[344:], "n+1")
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	if _, err := z.Write(append(header, voxels...)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "ct.nii.gz"), file.Bytes(), 0o666)
}
