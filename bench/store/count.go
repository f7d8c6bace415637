package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"
)

// counts are what a reader of the Parquet files finds.
type counts struct {
	Trials int `json:"trials"`
	Epochs int `json:"epochs"`
	Files  int `json:"files"`
}

// row is what identifies a row of both tables.
type row struct {
	Trial string `parquet:"trial"`
	Epoch int64  `parquet:"epoch,optional"`
}

// count reads all segments. A row that is missing or stands there twice is an error.
func (t task) count() (c counts, err error) {
	for table, want := range map[string]int{"trials": t.trials, "epochs": t.trials * t.rows} {
		paths, err := filepath.Glob(filepath.Join(t.dir, table, "*.parquet"))
		if err != nil {
			return c, err
		}
		seen := map[row]bool{}
		for _, path := range paths {
			rows, err := read(path)
			if err != nil {
				return c, fmt.Errorf("%s: %w", path, err)
			}
			for _, r := range rows {
				if table == "trials" {
					r.Epoch = 0
				}
				if seen[r] {
					return c, fmt.Errorf("%s: the row of %v stands there twice", path, r)
				}
				seen[r] = true
			}
		}
		if len(seen) != want {
			return c, fmt.Errorf("%s: there are %d rows in %d files, want %d", table, len(seen), len(paths), want)
		}
		c.Files += len(paths)
	}
	c.Trials, c.Epochs = t.trials, t.trials*t.rows
	return c, nil
}

func read(path string) ([]row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := parquet.NewGenericReader[row](f)
	defer r.Close()
	rows := make([]row, r.NumRows())
	n, err := r.Read(rows)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return rows[:n], err
}
