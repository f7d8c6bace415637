package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// Data is a script's request for a data set. It is plain data. Two requests, completed by the declaration of their set (see DataSet),
// are for the same images if and only if their String is the same.
type Data struct {
	// Name is that of the data set: mnist, or mnist12k, the part of it that is embedded in the program.
	Name string
	// Path is the folder or file of the user's own files. For mnist and cifar10 it replaces the folder of downloaded data, so
	// that other sets of the same layout (Fashion-MNIST, for example) can be read.
	Path string
	// Split is "train" (the default), "test", or, for the user's own files, any other name that their folder or file names begin with.
	Split string
	// Size is the height and the width after a bilinear resize; 0 leaves images as stored. A resize does not keep the aspect ratio.
	Size int
	// Channels is 1 (colour is converted to grey), 3 (grey is repeated) or 0 (as stored).
	Channels int
	// Classes keeps only images with these labels; nil keeps all. Labels keep their numbers.
	Classes []int
	// Limit keeps at most this many images, after Classes; 0 keeps all. Of files, whose order is often that of the classes, they are drawn
	// at random from all classes; of sets that are published in random order or generated, they are the first.
	Limit int
	// Files says that the images are the user's own files; the declaration of the set decides.
	Files bool
	// Unlabelled takes every image below Path, regardless of its folder: no split and no classes. Parquet files are all read, without
	// labels.
	Unlabelled bool
	// Column holds the images of a Parquet file, LabelColumn their labels. The defaults are the only column of images, and "label".
	Column, LabelColumn string
	// Window is the centre and width of a window of DICOM or NIfTI, in units after the rescale (Hounsfield for CT); zero takes that of each
	// file.
	Window [2]float64
	// Plane is that of the slices of volumes: axial, coronal or sagittal. Slices is the part of each volume that they are taken from, from
	// 0, the back, bottom or left of the patient, to 1; zero takes all.
	Plane  string
	Slices [2]float64
	// Modes, Count, Radius, Sigma and Seed shape the sets that are drawn.
	Modes, Count  int
	Radius, Sigma float64
	Seed          uint64
}

// String is canonical: the fields that differ from zero, in a fixed order.
func (d Data) String() string {
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
	field(d.Limit != 0 && !d.Files, "limit", strconv.Itoa(d.Limit))
	field(d.Limit != 0 && d.Files, "drawn", strconv.Itoa(d.Limit))
	field(d.Unlabelled, "unlabelled", "true")
	field(d.Column != "", "column", strconv.Quote(d.Column))
	field(d.LabelColumn != "", "label_column", strconv.Quote(d.LabelColumn))
	field(d.Window != [2]float64{}, "window", "("+shortest(d.Window[0])+","+shortest(d.Window[1])+")")
	field(d.Plane != "", "plane", d.Plane)
	field(d.Slices != [2]float64{}, "slices", "("+shortest(d.Slices[0])+","+shortest(d.Slices[1])+")")
	field(d.Modes != 0, "modes", strconv.Itoa(d.Modes))
	field(d.Count != 0, "count", strconv.Itoa(d.Count))
	field(d.Radius != 0, "radius", shortest(d.Radius))
	field(d.Sigma != 0, "sigma", shortest(d.Sigma))
	field(d.Seed != 0, "seed", strconv.FormatUint(d.Seed, 10))
	b.WriteString(")")
	return b.String()
}

func shortest(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// Test is the whole test split of the same set.
func (d Data) Test() Data {
	d.Split, d.Limit = "test", 0
	return d
}
