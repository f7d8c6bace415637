package data

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// Info describes a set for people.
type Info struct {
	Name     string
	What     string
	Licence  string
	Download int64  // bytes that Get brings; 0 where there is nothing to get
	Source   string // where the images come from
	Present  bool   // Open needs nothing but what is here (and, where the set is the user's, a path)
}

// List describes all sets. It reads MNIST's files to see whether they are whole.
func (st *Store) List() []Info {
	const own = "your own files: set path"
	return []Info{
		{Name: "mnist", What: "60,000 + 10,000 handwritten digits, 28 x 28 grey, 10 classes", Licence: "CC BY-SA 3.0", Download: 11_594_722,
			Source: "starsweep data get mnist", Present: mnistReady(st)},
		{Name: "mnist12k", What: "the first 10,000 + 2,000 images of mnist", Licence: "CC BY-SA 3.0", Source: "embedded", Present: true},
		{Name: "cifar10", What: "50,000 + 10,000 photographs, 32 x 32 colour, 10 classes", Licence: "none stated; cite Krizhevsky 2009",
			Download: 170_052_171, Source: "starsweep data get cifar10; or Hugging Face's Parquet files in " + filepath.Join(st.Dir, "cifar10"),
			Present: cifarReady(st)},
		{Name: "images", What: "a folder, zip or tar file of PNG, JPEG, GIF, BMP, TIFF or WebP images; sub-folders are classes", Source: own,
			Present: true},
		{Name: "parquet", What: "Parquet files with a column of encoded images, as Hugging Face's datasets", Source: own, Present: true},
		{Name: "dicom", What: "a folder of grey DICOM slices, seen through a window; sub-folders are classes", Source: own, Present: true},
		{Name: "ring", What: "points around 8 modes on a circle of radius 2, sigma 0.02", Source: "drawn from the seed", Present: true},
		{Name: "grid", What: "points around 25 modes on a square from -4 to 4, sigma 0.05", Source: "drawn from the seed", Present: true},
		{Name: "ellipses", What: "phantoms that resemble chest CT slices, 64 x 64 grey", Source: "drawn from the seed", Present: true},
	}
}

// mnistReady tells whether all four files are there and whole.
func mnistReady(st *Store) bool {
	return eachMNISTFile(func(file mnistFile) error {
		text, err := os.ReadFile(filepath.Join(st.Dir, "mnist", file.name))
		if err == nil && fmt.Sprintf("%x", sha256.Sum256(text)) != file.sha256 {
			err = fmt.Errorf("%s is corrupt", file.name)
		}
		return err
	}) == nil
}

// cifarReady tells whether both splits are there, in whatever layout.
func cifarReady(st *Store) bool {
	for split := range cifarFiles {
		src, err := findCIFAR10(context.Background(), st, Spec{Name: "cifar10", Split: split})
		if err != nil {
			return false
		}
		if batches, ok := src.(cifarBatches); ok {
			if _, err := batches.read(); err != nil {
				return false
			}
		}
	}
	return true
}
