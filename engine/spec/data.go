package spec

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// DataSets are the names of all data sets.
var DataSets = []string{"mnist", "mnist12k", "cifar10", "images", "parquet", "dicom", "ring", "grid", "ellipses"}

// Data says which images a script asks for. It is plain data, part of a trial's identity: two specs ask for the same images
// exactly if their String is the same. The zero value of a field means its default.
type Data struct {
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
	// Limit keeps so many images only, after Classes; 0 keeps all. See Drawn for which.
	Limit int
	// Unlabelled takes every image below Path, whatever its folder: no split and no classes. Parquet files are all read, without labels.
	Unlabelled bool
	// Column holds the images of a Parquet file, LabelColumn their labels. The defaults are the only column of images, and "label".
	Column, LabelColumn string
	// Window is a DICOM window's centre and width, in units after the rescale (Hounsfield for CT); zero takes each file's own.
	Window [2]float64
	// Modes, Count, Radius, Sigma and Seed shape the toy sets.
	Modes, Count  int
	Radius, Sigma float64
	Seed          uint64
}

// String is the canonical form: defaults filled in, then the fields that differ from zero, in a fixed order.
func (d Data) String() string {
	d = d.WithDefaults()
	var b strings.Builder
	b.WriteString(d.Name + "(")
	sep := ""
	field := func(set bool, name, value string) {
		if set {
			b.WriteString(sep + name + "=" + value)
			sep = ", "
		}
	}
	field(d.Path != "", "path", strconv.Quote(d.Path))
	field(d.Split != "", "split", strconv.Quote(d.Split))
	field(d.Size != 0, "size", strconv.Itoa(d.Size))
	field(d.Channels != 0, "channels", strconv.Itoa(d.Channels))
	field(d.Classes != nil, "classes", strings.ReplaceAll(fmt.Sprint(d.Classes), " ", ","))
	field(d.Limit != 0 && !d.Drawn(), "limit", strconv.Itoa(d.Limit))
	field(d.Limit != 0 && d.Drawn(), "drawn", strconv.Itoa(d.Limit))
	field(d.Unlabelled, "unlabelled", "true")
	field(d.Column != "", "column", strconv.Quote(d.Column))
	field(d.LabelColumn != "", "label_column", strconv.Quote(d.LabelColumn))
	field(d.Window != [2]float64{}, "window", "("+shortest(d.Window[0])+","+shortest(d.Window[1])+")")
	field(d.Modes != 0, "modes", strconv.Itoa(d.Modes))
	field(d.Count != 0, "count", strconv.Itoa(d.Count))
	field(d.Radius != 0, "radius", shortest(d.Radius))
	field(d.Sigma != 0, "sigma", shortest(d.Sigma))
	field(d.Seed != 0, "seed", strconv.FormatUint(d.Seed, 10))
	b.WriteString(")")
	return b.String()
}

func shortest(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// WithDefaults is the data that d abbreviates: every default written out.
func (d Data) WithDefaults() Data {
	if d.Name == "mnist" && d.Subset {
		d.Name = "mnist12k"
	}
	d.Subset = false
	d.Split = cmp.Or(d.Split, "train")
	if len(d.Classes) > 0 {
		d.Classes = slices.Compact(slices.Sorted(slices.Values(d.Classes)))
	}
	switch d.Name {
	case "ring": // Metz et al. 2017, Unrolled GANs, appendix A
		d.Modes, d.Count, d.Radius, d.Sigma = cmp.Or(d.Modes, 8), cmp.Or(d.Count, ToyCount), cmp.Or(d.Radius, 2), cmp.Or(d.Sigma, 0.02)
	case "grid": // Srivastava et al. 2017, VEEGAN, section 5.1
		d.Modes, d.Count, d.Radius, d.Sigma = cmp.Or(d.Modes, 25), cmp.Or(d.Count, ToyCount), cmp.Or(d.Radius, 4), cmp.Or(d.Sigma, 0.05)
	case "ellipses":
		d.Size, d.Count = cmp.Or(d.Size, 64), cmp.Or(d.Count, ToyCount)
	}
	return d
}

// Drawn reports whether a limit draws images at random, from all classes: where files come in an order of their own, which is often
// that of the classes. Of sets that are published in random order, and of those that are made, a limit takes the first images.
func (d Data) Drawn() bool { return d.Files() }

// Files reports whether the images are the user's own.
func (d Data) Files() bool { return slices.Contains([]string{"images", "parquet", "dicom"}, d.Name) }

// Test is the whole test split of the same set.
func (d Data) Test() Data {
	d.Split, d.Limit = "test", 0
	return d
}

// ToyCount is how many points or phantoms a toy set has by default.
const ToyCount = 10_000

// MaxDataSize bounds the height and the width of images.
const MaxDataSize = 16384

// Validate tells all faults that can be seen without looking at any file.
func (d Data) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	d = d.WithDefaults()
	if !slices.Contains(DataSets, d.Name) {
		return fmt.Errorf("data set: got %q, want one of %s", d.Name, strings.Join(DataSets, ", "))
	}
	files := d.Files()
	check(!files || d.Path != "", "path: got none, want a folder or a file")
	check(d.Split == "train" || d.Split == "test" || files, "split: got %q, want \"train\" or \"test\"", d.Split)
	check(d.Size >= 0 && d.Size <= MaxDataSize, "size: got %d, want 1 to %d, or 0 for as stored", d.Size, MaxDataSize)
	check(d.Channels == 0 || d.Channels == 1 || d.Channels == 3, "channels: got %d, want 1, 3, or 0 for as stored", d.Channels)
	check(d.Limit >= 0, "limit: got %d, want a positive number, or 0 for all", d.Limit)
	check(d.Classes == nil || len(d.Classes) > 0, "classes: got an empty list, want labels")
	check(len(d.Classes) == 0 || d.Classes[0] >= 0, "classes: got %v, want labels of 0 or more", d.Classes)
	check(d.Window == [2]float64{} || d.Window[1] > 0 && finite(d.Window[0], d.Window[1]),
		"window: got centre %g and width %g, want a width above 0", d.Window[0], d.Window[1])
	check(d.Modes >= 0, "modes: got %d, want a positive number", d.Modes)
	check(d.Count >= 0, "count: got %d, want a positive number", d.Count)
	check(d.Radius >= 0 && finite(d.Radius), "radius: got %g, want a positive number", d.Radius)
	check(d.Sigma >= 0 && finite(d.Sigma), "sigma: got %g, want a positive number", d.Sigma)
	if d.Name == "ring" || d.Name == "grid" {
		check(d.Size == 0 && d.Channels == 0, "size and channels: got %d and %d, want none: the set holds points", d.Size, d.Channels)
	}
	if d.Name == "grid" {
		side := int(math.Round(math.Sqrt(float64(d.Modes))))
		check(side*side == d.Modes, "modes: got %d, want a square such as 9, 16 or 25", d.Modes)
	}
	for i, err := range errs {
		errs[i] = fmt.Errorf("%s: %w", d.Name, err)
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
