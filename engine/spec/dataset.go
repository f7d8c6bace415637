package spec

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// DataSet declares a data set: how scripts request it, and what is known about it before it is opened.
type DataSet struct {
	Name    string // of Data, in the tables and on the command line
	Builtin string // in scripts; "": it has none
	Subset  string // the data set that the argument subset = True selects
	Doc     string // what it is, in one line
	Args    string // of the builtin, in order; those with a ? are optional
	Files   bool   // the images are the user's own files, in any order, with splits of any name or none
	Points  bool   // examples are points of two coordinates, not images

	// Size, Channels and Classes of the examples, unless a script says otherwise; 0: the script must say, or they are unknown.
	Size, Channels, Classes int
	// Default has the default plane of a set of volumes, and the default numbers of a set that is drawn. Its Size, if the set has images,
	// is the Size above.
	Default Data
	// Check reports problems of a request that only this set has; nil: there are none.
	Check func(Data) error
}

// Complete is d with every default filled in.
func (s DataSet) Complete(d Data) Data {
	d.Name, d.Files = s.Name, s.Files
	d.Split = cmp.Or(d.Split, "train")
	if len(d.Classes) > 0 {
		d.Classes = slices.Compact(slices.Sorted(slices.Values(d.Classes)))
	}
	d.Size, d.Modes, d.Count = cmp.Or(d.Size, s.Default.Size), cmp.Or(d.Modes, s.Default.Modes), cmp.Or(d.Count, s.Default.Count)
	d.Plane = cmp.Or(d.Plane, s.Default.Plane)
	d.Radius, d.Sigma = cmp.Or(d.Radius, s.Default.Radius), cmp.Or(d.Sigma, s.Default.Sigma)
	return d
}

// DrawnCount is the default number of points or phantoms in a set that is drawn.
const DrawnCount = 10_000

// MaxDataSize bounds the height and the width of images.
const MaxDataSize = 16384

// Validate reports all problems of a complete request that are visible without opening files.
func (s DataSet) Validate(d Data) error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(!s.Files || d.Path != "", "path: got none, want a folder or a file")
	check(d.Split == "train" || d.Split == "test" || s.Files, "split: got %q, want \"train\" or \"test\"", d.Split)
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
	check(!s.Points || d.Size == 0 && d.Channels == 0, "size and channels: got %d and %d, want none: the set holds points", d.Size, d.Channels)
	if s.Check != nil {
		if err := s.Check(d); err != nil {
			errs = append(errs, err)
		}
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
