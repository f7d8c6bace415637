package data

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/dicom"
	"github.com/starsweep/starsweep/internal/parallel"
)

var dicomFiles = row{
	DataSet: spec.DataSet{Name: "dicom", Builtin: "dicom", Files: true,
		Doc:  "a folder of grey DICOM slices, or a file of several, seen through a window; sub-folders are classes",
		Args: "path size channels window? split? limit? classes? labels?"},
	from: ownFiles, find: findDICOM,
}

// dicomSlices reads grey DICOM slices, one or several frames a file. Stored values go through the rescale or the table of the file (to
// Hounsfield units for CT), then through the requested window, or the window or table of the file, to [-1, 1].
type dicomSlices struct {
	window [2]float64
	files  map[string]slice // after sift: without their sets
}

func findDICOM(ctx context.Context, st *Store, wanted spec.Data) (source, error) {
	t, err := fileOrFolder(wanted.Path, isDICOM, "a DICOM file, or a folder of them")
	if err != nil {
		return nil, err
	}
	d := &dicomSlices{window: wanted.Window, files: map[string]slice{}}
	return findStacks(ctx, st, t, wanted, format{name: "DICOM slices", is: isDICOM, sift: d.sift, whose: dicomPatient}, d)
}

// isDICOM decides by the name or by the magic word, since scanners have no rule for names. A DICOMDIR is an index, not a slice.
func isDICOM(file string, begin func() []byte) bool {
	switch name := strings.ToLower(path.Base(file)); {
	case name == "dicomdir":
		return false
	case strings.HasSuffix(name, ".dcm"):
		return true
	}
	return begin != nil && dicom.Is(begin())
}

// sift leaves out the objects without pixels that accompany slices: reports, plans, presentation states. It sorts the slices of each
// series, and notes how they differ.
func (d *dicomSlices) sift(ctx context.Context, t tree, files []string) (kept, notes []string, err error) {
	sets := make([]dicom.Set, len(files))
	read := make([]slice, len(files))
	err = parallel.For(ctx, len(files), func(i int) error {
		set, err := dicomAttributes(func(limit int64) ([]byte, error) { return t.read(files[i], limit) })
		sets[i] = set
		if err == nil && hasPixels(set) {
			read[i], err = newSlice(set)
		}
		if err != nil {
			return fileError(t.full(files[i]), err)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	without := map[string]int{}
	var all []sliceFile
	for i, set := range sets {
		if !hasPixels(set) {
			class, _ := set.Text(dicom.SOPClassUID)
			without[objectName(class)]++
			continue
		}
		read[i].set = dicom.Set{}
		d.files[files[i]] = read[i]
		all = append(all, newSliceFile(files[i], set))
	}
	return sortSeries(all), append(leftOut(without), differences(all, d.window == [2]float64{})...), nil
}

func hasPixels(set dicom.Set) bool {
	return set.Has(dicom.Rows) || set.Has(dicom.PixelData) || set.Has(dicom.FloatPixelData) || set.Has(dicom.DoubleFloatPixelData)
}

// dicomPatient identifies the examination of a slice, which is of one patient.
func dicomPatient(t tree, file string) string {
	set, err := dicomAttributes(func(limit int64) ([]byte, error) { return t.read(file, limit) })
	if err != nil {
		return "" // of another split: reading that will return the error
	}
	study, ok := set.Text(dicom.StudyInstanceUID)
	if !ok {
		study, _ = set.Text(dicom.SeriesInstanceUID)
	}
	return study
}

func (d *dicomSlices) contents(file string) (pictures int, first header, bytes int64) {
	s := d.files[file]
	return s.frames, s.header, int64(s.frames) * int64(s.size()) * int64(s.bitsAllocated/8)
}

func (d *dicomSlices) parts(string) []string { return nil }

func (d *dicomSlices) open(ctx context.Context, t tree, file string) (func(i int) (picture, error), error) {
	b, err := readPicture(t, file)
	if err != nil {
		return nil, err
	}
	return openDICOM(ctx, b, d.window)
}

// openDICOM reads the slices of a file through a window, or through its own if window is zero.
func openDICOM(ctx context.Context, file []byte, window [2]float64) (func(i int) (picture, error), error) {
	set, err := dicom.Parse(file)
	if err != nil {
		return nil, err
	}
	s, err := newSlice(set)
	if err != nil {
		return nil, err
	}
	stored, err := s.stored(ctx)
	if err != nil {
		return nil, err
	}
	return func(i int) (picture, error) {
		grey, err := greyScale(set, i, window)
		if err != nil {
			return picture{}, err
		}
		words, err := stored(i)
		if err != nil {
			return picture{}, err
		}
		p := picture{header: s.header, f32: make([]float32, s.size())}
		for k, word := range words {
			y := grey.voi(grey.modality(s.value(word)))
			if s.inverse {
				y = -y
			}
			p.f32[k] = float32(y)
		}
		return p, nil
	}, nil
}

// dicomAttributes reads the attributes before the pixels of a file, which are mostly within its first kilobytes.
func dicomAttributes(read func(limit int64) ([]byte, error)) (dicom.Set, error) {
	const usual = 64 << 10
	start, err := read(usual)
	if err != nil {
		return dicom.Set{}, err
	}
	set, err := dicom.ParseStart(start)
	if errors.Is(err, dicom.ErrCut) && len(start) == usual {
		if start, err = read(maxEncoded); err == nil {
			set, err = dicom.ParseStart(start)
		}
	}
	return set.Clone(), err
}
