package spec

import (
	"fmt"
	"strings"
)

// Data says which images a trial trains on. Size and channels are what the networks see; zero values mean "as stored".
type Data struct {
	Name                string     // mnist, cifar10, images, parquet, dicom, ring, grid, ellipses
	Path                string     // images, parquet, dicom, cifar10: a folder or file
	Subset              bool       // mnist: the 12,000 images in the binary, needing no download
	Split               string     // train (the default) or test
	Size                int        // height and width after resizing
	Channels            int        // 1 or 3
	Classes             []int      // these labels only
	Limit               int        // the first images only
	Column, LabelColumn string     // parquet
	Window              [2]float64 // dicom: centre and width; zero: the file's own
	Modes, Count        int        // toy sets: modes of the mixture, number of points or images
	Radius, Sigma       float64    // ring, grid: where the modes lie and how wide they are
	Seed                uint64     // toy sets
}

// String is canonical: the fields that are set, in order.
func (d Data) String() string {
	var p []string
	add := func(name string, set bool, v any) {
		if set {
			p = append(p, fmt.Sprintf("%s=%v", name, v))
		}
	}
	add("path", d.Path != "", d.Path)
	add("split", d.Split != "", d.Split)
	add("subset", d.Subset, d.Subset)
	add("size", d.Size != 0, d.Size)
	add("channels", d.Channels != 0, d.Channels)
	add("limit", d.Limit != 0, d.Limit)
	add("classes", d.Classes != nil, d.Classes)
	add("column", d.Column != "", d.Column)
	add("label_column", d.LabelColumn != "", d.LabelColumn)
	add("window", d.Window != [2]float64{}, d.Window)
	add("modes", d.Modes != 0, d.Modes)
	add("count", d.Count != 0, d.Count)
	add("radius", d.Radius != 0, d.Radius)
	add("sigma", d.Sigma != 0, d.Sigma)
	add("seed", d.Seed != 0, d.Seed)
	return d.Name + "(" + strings.Join(p, ", ") + ")"
}
