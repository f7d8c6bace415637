package data

import (
	"context"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/fetch"
)

// sets has the data sets in the order of lists. A new set is a file of this package that declares a row, and its name in this list.
var sets = []row{mnistWhole, mnistSubset, cifar10, imageFiles, parquetTables, dicomFiles, niftiFiles, ring, gaussianGrid, ellipsePhantoms}

// row declares a data set and opens it.
type row struct {
	spec.DataSet
	from  string // where the images come from, for lists; DIR is the folder of downloads
	find  func(context.Context, *Store, spec.Data) (source, error)
	known *known // of a published set
	// ready reports whether the files are present; nil: none are needed, or they are the user's own.
	ready func(*Store) bool
	// get downloads the files; nil: there is nothing to download.
	get func(context.Context, *Store, fetch.Progress) error
	// drawn names the examples of a set that is drawn, and the memory of each; nil: it is not drawn.
	drawn func(spec.Data) (what string, bytes int)
}

// known is what is known about a published set without its files.
type known struct {
	first      header
	classNames []string
	counts     map[string][]int // images of each class, by split
}

// survey is the survey of a whole published split, with its labels in any order.
func (k *known) survey(split string) survey {
	v := survey{first: k.first, classes: 10, classNames: k.classNames}
	for label, count := range k.counts[split] {
		v.labels = append(v.labels, slices.Repeat([]int32{int32(label)}, count)...)
	}
	v.n = len(v.labels)
	return v
}

func lookup(name string) (row, bool) {
	if i := slices.IndexFunc(sets, func(r row) bool { return r.Name == name }); i >= 0 {
		return sets[i], true
	}
	return row{}, false
}

// Declarations lists the declarations of all data sets.
func Declarations() (all []spec.DataSet) {
	for _, r := range sets {
		all = append(all, r.DataSet)
	}
	return all
}

func setNames() (names []string) {
	for _, r := range sets {
		names = append(names, r.Name)
	}
	return names
}

// Downloads names the sets that Get downloads.
func Downloads() (names []string) {
	for _, r := range sets {
		if r.get != nil {
			names = append(names, r.Name)
		}
	}
	return names
}

// ownFiles is where the images of a set of the user's own files come from.
const ownFiles = "your own files: set path"

// fromSeed is where the examples of a set that is drawn come from.
const fromSeed = "drawn from the seed"
