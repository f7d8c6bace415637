package data

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Spec says which images a script asks for. It is plain data, part of a trial's identity: two specs ask for the same images
// exactly if their String is the same. The zero value of a field means its default.
type Spec struct {
	// Name is "mnist", "mnist12k", "cifar10", "images", "parquet", "dicom", "ring", "grid" or "ellipses" (see List).
	Name string
	// Path is the folder or file of images, parquet and dicom. For mnist and cifar10 it replaces the folder in Store.Dir, so that
	// other sets in the same layout (Fashion-MNIST, say) can be read.
	Path string
	// Subset asks mnist for the embedded 10,000 + 2,000 images, which are always there: the same as the name "mnist12k".
	Subset bool
	// Split is "train" (the default), "test", or for files any other name that their folder or file names begin with.
	Split string
	// Size is the height and the width after a bilinear resize; 0 leaves images as stored. A resize does not keep the aspect ratio.
	Size int
	// Channels is 1 (colour is made grey), 3 (grey is repeated) or 0 (as stored).
	Channels int
	// Classes keeps only images with these labels; nil keeps all. Labels keep their numbers.
	Classes []int
	// Limit keeps the first images only, after Classes; 0 keeps all.
	Limit int
	// Column holds the images of a Parquet file, LabelColumn their labels. The defaults are the only column of images, and "label".
	Column, LabelColumn string
	// Window is a DICOM window's centre and width, in units after the rescale (Hounsfield for CT); zero takes each file's own.
	Window [2]float64
	// Modes, Count, Radius, Sigma and Seed shape the toy sets: see List.
	Modes, Count  int
	Radius, Sigma float64
	Seed          uint64
}

// String is the canonical form: defaults filled in, then the fields that differ from zero, in a fixed order.
func (s Spec) String() string {
	s = s.withDefaults()
	var b strings.Builder
	b.WriteString(s.Name + "(")
	sep := ""
	field := func(set bool, name, value string) {
		if set {
			b.WriteString(sep + name + "=" + value)
			sep = ", "
		}
	}
	field(s.Path != "", "path", strconv.Quote(s.Path))
	field(s.Split != "", "split", strconv.Quote(s.Split))
	field(s.Size != 0, "size", strconv.Itoa(s.Size))
	field(s.Channels != 0, "channels", strconv.Itoa(s.Channels))
	field(s.Classes != nil, "classes", strings.ReplaceAll(fmt.Sprint(s.Classes), " ", ","))
	field(s.Limit != 0, "limit", strconv.Itoa(s.Limit))
	field(s.Column != "", "column", strconv.Quote(s.Column))
	field(s.LabelColumn != "", "label_column", strconv.Quote(s.LabelColumn))
	field(s.Window != [2]float64{}, "window", "("+number(s.Window[0])+","+number(s.Window[1])+")")
	field(s.Modes != 0, "modes", strconv.Itoa(s.Modes))
	field(s.Count != 0, "count", strconv.Itoa(s.Count))
	field(s.Radius != 0, "radius", number(s.Radius))
	field(s.Sigma != 0, "sigma", number(s.Sigma))
	field(s.Seed != 0, "seed", strconv.FormatUint(s.Seed, 10))
	b.WriteString(")")
	return b.String()
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// withDefaults is the spec that s abbreviates.
func (s Spec) withDefaults() Spec {
	if s.Name == "mnist" && s.Subset {
		s.Name = "mnist12k"
	}
	s.Subset = false
	s.Split = or(s.Split, "train")
	if len(s.Classes) > 0 {
		s.Classes = slices.Compact(slices.Sorted(slices.Values(s.Classes)))
	}
	switch s.Name {
	case "ring": // Metz et al. 2017, Unrolled GANs, appendix A
		s.Modes, s.Count, s.Radius, s.Sigma = or(s.Modes, 8), or(s.Count, toyCount), or(s.Radius, 2), or(s.Sigma, 0.02)
	case "grid": // Srivastava et al. 2017, VEEGAN, section 5.1
		s.Modes, s.Count, s.Radius, s.Sigma = or(s.Modes, 25), or(s.Count, toyCount), or(s.Radius, 4), or(s.Sigma, 0.05)
	case "ellipses":
		s.Size, s.Count = or(s.Size, 64), or(s.Count, toyCount)
	}
	return s
}

// or is value, or the default where value is zero.
func or[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// maxSize bounds Spec.Size and the sides of stored images, so that a corrupt header cannot ask for terabytes.
const maxSize = 16384

// Validate tells all faults that can be seen without looking at any file.
func (s Spec) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	s = s.withDefaults()
	row, known := lookup(s.Name)
	if !known {
		return fmt.Errorf("data set: got %q, want one of %s", s.Name, strings.Join(names(), ", "))
	}
	check(!row.needsPath || s.Path != "", "path: got none, want a folder or a file")
	check(s.Split == "train" || s.Split == "test" || row.needsPath, "split: got %q, want \"train\" or \"test\"", s.Split)
	check(s.Size >= 0 && s.Size <= maxSize, "size: got %d, want 1 to %d, or 0 for as stored", s.Size, maxSize)
	check(s.Channels == 0 || s.Channels == 1 || s.Channels == 3, "channels: got %d, want 1, 3, or 0 for as stored", s.Channels)
	check(s.Limit >= 0, "limit: got %d, want a positive number, or 0 for all", s.Limit)
	check(s.Classes == nil || len(s.Classes) > 0, "classes: got an empty list, want labels")
	check(len(s.Classes) == 0 || s.Classes[0] >= 0, "classes: got %v, want labels of 0 or more", s.Classes)
	check(s.Window == [2]float64{} || s.Window[1] >= 1 && finite(s.Window[0], s.Window[1]),
		"window: got centre %g and width %g, want a width of 1 or more", s.Window[0], s.Window[1])
	check(s.Modes >= 0, "modes: got %d, want a positive number", s.Modes)
	check(s.Count >= 0, "count: got %d, want a positive number", s.Count)
	check(s.Radius >= 0 && finite(s.Radius), "radius: got %g, want a positive number", s.Radius)
	check(s.Sigma >= 0 && finite(s.Sigma), "sigma: got %g, want a positive number", s.Sigma)
	if s.Name == "ring" || s.Name == "grid" {
		check(s.Size == 0 && s.Channels == 0, "size and channels: got %d and %d, want none: the set holds points", s.Size, s.Channels)
	}
	if s.Name == "grid" {
		side := int(math.Round(math.Sqrt(float64(s.Modes))))
		check(side*side == s.Modes, "modes: got %d, want a square such as 9, 16 or 25", s.Modes)
	}
	for i, err := range errs {
		errs[i] = fmt.Errorf("%s: %w", s.Name, err)
	}
	return errors.Join(errs...)
}

func finite(xs ...float64) bool {
	for _, x := range xs {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}
