// Package generated writes the samples of trained generators to files that other programs read: pictures in a folder or a zip file,
// arrays for NumPy, Parquet tables, points as CSV, files of tensors with the latents. It is the inverse of engine/data, which reads
// pictures, tables and text. Samples come from a function, a few at a time, so that their number is not bounded by memory; equal
// samples give equal bytes. The commands of package runner use it. It knows neither training nor tables of studies.
package generated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/internal/durable"
	"github.com/starsweep/starsweep/internal/pass"
)

// Set is samples to write.
type Set struct {
	data.Shape                 // N samples; their number of classes if the generator was given labels, else 0
	Source     string          // what they are, in one line, where a format has room for it
	Batch      int             // samples are drawn in multiples of so many
	Draw       Samples         // of one generator
	Label      func(i int) int // of sample i; read if Classes is not 0
	Given      []Given         // what the generator makes samples of: its latents and labels
	Inputs     Inputs          // of the samples, for Given
	Progress   pass.Observer
}

// Samples returns samples from, from+1, ..., to-1, [to-from h w c] in [-1, 1], or the coordinates of points.
type Samples func(from, to int) ([]float32, error)

// Given is a tensor that a generator reads for every sample.
type Given struct {
	Name    string
	Shape   []int // of one sample
	Integer bool  // labels; else numbers
}

// Inputs returns what the samples from, from+1, ..., to-1 are made of: the values of each Given.
type Inputs func(from, to int) ([][]float64, error)

// format is a kind of file.
type format struct {
	extension      string // "" for a folder
	images, points bool   // what it can hold
	what           string
	write          func(ctx context.Context, path string, s Set) error
}

var formats = [...]format{
	{"", true, false, "a folder of PNG files", writeFolder},
	{".zip", true, false, "a zip file of PNG files", file(writeZip)},
	{".npy", true, true, "a NumPy array", writeArray},
	{".parquet", true, true, "a Parquet file", file(writeParquet)},
	{".csv", false, true, "the coordinates of points as text", file(writeCSV)},
	{".safetensors", true, true, "a file of tensors", file(writeTensors)},
}

// Formats lists the extensions of files, with what they are.
func Formats() string {
	var parts []string
	for _, f := range formats[1:] {
		parts = append(parts, f.extension)
	}
	return "a folder, " + strings.Join(parts, ", ")
}

// formatOf returns the format that the extension of a path names. A path without one, or with a slash at its end, is a folder.
func formatOf(path string) (format, error) {
	extension := filepath.Ext(path)
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator)) {
		extension = ""
	}
	for _, f := range formats {
		if f.extension == strings.ToLower(extension) {
			return f, nil
		}
	}
	return format{}, fmt.Errorf("%s: got the extension %s, want %s; a name that ends with / is a folder", path, extension, Formats())
}

// Check returns why samples cannot be written to a path: its extension is unknown, or something is there already.
func Check(path string) error {
	f, err := formatOf(path)
	if err != nil {
		return err
	}
	if f.extension == "" {
		list, err := os.ReadDir(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) || err == nil && len(list) == 0:
			return nil
		case err == nil:
			return fmt.Errorf("%s: the folder has files already: choose another", path)
		}
	}
	if f.extension == ".npy" {
		if err := absent(labelsBeside(path)); err != nil {
			return err
		}
	}
	return absent(path)
}

// absent returns an error if something is at path.
func absent(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: the file exists already: choose another name, or remove it", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return durable.StorageError(path, err)
	}
	return nil
}

// Write draws all samples and writes them to a path, which Check has accepted. It appears once it is complete.
func Write(ctx context.Context, path string, s Set) error {
	f, err := formatOf(path)
	switch {
	case err != nil:
		return err
	case s.Points() && !f.points:
		return fmt.Errorf("%s: the samples are points in the plane, which %s cannot hold: want .npy, .parquet, .csv or .safetensors",
			path, f.what)
	case !s.Points() && !f.images:
		return fmt.Errorf("%s: the samples are images, which cannot be written as %s: want a folder, .zip, .npy, .parquet or .safetensors",
			path, f.what)
	}
	return f.write(ctx, path, s)
}

// file makes the function of a format that is one file.
func file(write func(context.Context, io.Writer, Set) error) func(context.Context, string, Set) error {
	return func(ctx context.Context, path string, s Set) error {
		if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
			return err
		}
		err := durable.WriteShared(path, func(w io.Writer) error { return write(ctx, w, s) })
		if own := new(undrawn); errors.As(err, own) {
			return own.error // whatever the file is called
		}
		return err
	}
}

// undrawn is an error of the samples, not of the file.
type undrawn struct{ error }

func (u undrawn) Unwrap() error { return u.error }

// values is the number of values of one sample.
func (s Set) values() int { return s.H * s.W * s.C }

// chunkValues bounds the values that are drawn at a time, at least one batch.
const chunkValues = 1 << 20

// step is the number of samples that are drawn at a time.
func (s Set) step() int { return max(1, chunkValues/(s.values()*s.Batch)) * s.Batch }

// each draws the samples in turn.
func (s Set) each(ctx context.Context, visit func(i int, x []float32) error) error {
	progress := s.Progress.Begin("samples", s.N)
	defer progress.End()
	for from, step := 0, s.step(); from < s.N; from += step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		to := min(s.N, from+step)
		x, err := s.Draw(from, to)
		if err != nil {
			return undrawn{err}
		}
		for i := from; i < to; i++ {
			one := x[(i-from)*s.values():][:s.values()]
			for _, v := range one {
				if v-v != 0 {
					return undrawn{fmt.Errorf("sample %d: got a value of %g: the generator does not produce finite numbers", i, v)}
				}
			}
			if err := visit(i, one); err != nil {
				return err
			}
		}
		progress.Advance(to - from)
	}
	return nil
}
