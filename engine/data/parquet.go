package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/columns"
	"github.com/starsweep/starsweep/internal/regular"
)

// parquetFiles is the rows of one or several Parquet files with a column of encoded images: binary, or a struct with a binary field
// "bytes", in which Hugging Face's datasets stores images.
type parquetFiles struct {
	files         []string
	others        []string // the files of other splits
	wanted        spec.Data
	standardNames []string // of the classes, if the files have none
	counts        []int    // rows of each file, after survey
	pictures      decoder
}

var parquetTables = row{
	DataSet: spec.DataSet{Name: "parquet", Builtin: "parquet", Files: true,
		Doc:  "Parquet files with a column of encoded images, as Hugging Face's datasets",
		Args: "path size channels column? label_column? split? limit? classes? labels?"},
	from: ownFiles, find: findParquet,
}

func findParquet(_ context.Context, _ *Store, wanted spec.Data) (source, error) {
	info, err := os.Stat(wanted.Path)
	if err != nil {
		return nil, err
	}
	p := &parquetFiles{files: []string{wanted.Path}, wanted: wanted}
	if info.IsDir() {
		p.files, p.others, err = splitFiles(wanted)
	}
	return p, err
}

// splitFiles is the Parquet files of a folder whose names begin with the split, and the others. If no name begins with a split, all
// files are the training split.
func splitFiles(wanted spec.Data) (files, others []string, err error) {
	all, err := filesNamed(wanted.Path, ".parquet")
	if err != nil {
		return nil, nil, err
	}
	if wanted.Unlabelled && len(all) > 0 {
		return all, nil, nil
	}
	begins := func(split string) []string {
		var found []string
		for _, file := range all {
			if rest, ok := strings.CutPrefix(filepath.Base(file), split); ok && strings.IndexAny(rest, "-_.") == 0 {
				found = append(found, file)
			}
		}
		return found
	}
	if found := begins(wanted.Split); len(found) > 0 {
		others = slices.DeleteFunc(all, func(file string) bool { return slices.Contains(found, file) })
		return found, others, nil
	}
	if wanted.Split == "train" && len(begins("test")) == 0 && len(all) > 0 {
		return all, nil, nil
	}
	return nil, nil, fmt.Errorf("no Parquet files of the split %q in %s: %w", wanted.Split, wanted.Path, fs.ErrNotExist)
}

// identity includes the other splits, whose texts are classes as well.
func (p *parquetFiles) identity() (string, error) {
	return filesIdentity(slices.Concat(p.files, p.others))
}

func (p *parquetFiles) survey(context.Context) (survey, error) {
	v, labels := survey{where: p.where}, tableLabels{}
	p.counts = nil
	for _, path := range p.files {
		err := withParquet(path, func(file *columns.File) error {
			p.counts = append(p.counts, int(file.NumRows()))
			v.n += int(file.NumRows())
			if v.first == (header{}) && file.NumRows() > 0 {
				first, err := p.first(file)
				if err != nil {
					return err
				}
				v.first = first
			}
			if p.wanted.Unlabelled {
				return nil
			}
			return labels.read(file, p.wanted.LabelColumn)
		})
		if err != nil {
			return survey{}, err
		}
	}
	if v.n == 0 {
		return survey{}, fmt.Errorf("%s: no rows", p.wanted.Path)
	}
	for _, path := range p.others {
		if len(labels.words) == 0 {
			break
		}
		err := withParquet(path, func(file *columns.File) error { return labels.readWords(file, p.wanted.LabelColumn) })
		if err != nil {
			return survey{}, err
		}
	}
	if labels.rows == nil {
		return v, nil
	}
	if len(labels.rows) != v.n {
		return survey{}, fmt.Errorf("%s: got %d labels for %d images: not every file has the column", p.wanted.Path, len(labels.rows), v.n)
	}
	v.labels, v.classNames = labels.numbers(), labels.names
	if v.classNames == nil {
		v.classNames = p.standardNames
	}
	v.classes = max(len(v.classNames), int(slices.Max(v.labels))+1)
	if len(v.classNames) != v.classes {
		v.classNames = nil
	}
	return v, nil
}

// where names row i.
func (p *parquetFiles) where(i int) string {
	k := 0
	for i >= p.counts[k] {
		i -= p.counts[k]
		k++
	}
	return fmt.Sprintf("%s: row %d", p.files[k], i)
}

// open reads the encoded images into memory: they are smaller than the decoded ones will be.
func (p *parquetFiles) open(ctx context.Context, keep []int) (func(int) (picture, error), error) {
	blobs := make([][]byte, keep[len(keep)-1]+1)
	row := 0 // of all files
	for _, path := range p.files {
		err := withParquet(path, func(file *columns.File) error {
			room := roomForImages(file)
			column, err := p.imageColumn(file)
			if err != nil {
				return err
			}
			for value, err := range file.Values(ctx, column) {
				if err != nil {
					return err
				}
				if len(keep) == 0 {
					break
				}
				if row == keep[0] {
					if room -= int64(len(value.ByteArray())); room < 0 {
						return errors.New("the images unpack to more than such a file may hold: it is damaged, or it repeats an image many times")
					}
					blobs[row], keep = bytes.Clone(value.ByteArray()), keep[1:]
				}
				row++
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(keep) > 0 {
		return nil, fmt.Errorf("%s: got %d rows, want %d or more", p.wanted.Path, row, keep[0]+1)
	}
	return func(i int) (picture, error) {
		if len(blobs[i]) == 0 {
			return picture{}, errors.New("no image")
		}
		return p.pictures.decode(ctx, blobs[i])
	}, nil
}

// first reads the header of the first image.
func (p *parquetFiles) first(file *columns.File) (header, error) {
	column, err := p.imageColumn(file)
	if err != nil {
		return header{}, err
	}
	for value, err := range file.Values(context.Background(), column) {
		if err != nil {
			return header{}, err
		}
		if value.IsNull() {
			return header{}, errors.New("row 0: no image")
		}
		first, err := encodedHeader(value.ByteArray())
		if err != nil {
			return header{}, fmt.Errorf("row 0: %w", err)
		}
		return first, nil
	}
	return header{}, errors.New("no values in the column of images")
}

// imageColumn is the leaf that holds the encoded images.
func (p *parquetFiles) imageColumn(file *columns.File) (*parquet.Column, error) {
	if name := p.wanted.Column; name != "" {
		column := file.Root().Column(name)
		if column == nil {
			return nil, fmt.Errorf("no column %q: %s", name, columnNames(file))
		}
		if leaf := imageLeaf(column); leaf != nil {
			return leaf, nil
		}
		return nil, fmt.Errorf("column %q: got %s, want binary, or a struct with a binary field \"bytes\"", name, column)
	}
	var found []*parquet.Column
	for _, column := range file.Root().Columns() {
		if leaf := imageLeaf(column); leaf != nil {
			found = append(found, leaf)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("got %d columns that may hold images, want one: set column; %s", len(found), columnNames(file))
	}
	return found[0], nil
}

// imageLeaf is the binary leaf of a column of images, nil for other columns.
func imageLeaf(column *parquet.Column) *parquet.Column {
	if !column.Leaf() && !column.Repeated() {
		column = column.Column("bytes")
	}
	if column == nil || !column.Leaf() || column.Repeated() || column.Type().Kind() != parquet.ByteArray {
		return nil
	}
	if column.Type().LogicalType() != nil { // text, JSON and the like
		return nil
	}
	return column
}

func columnNames(file *columns.File) string {
	var names []string
	for _, column := range file.Root().Columns() {
		names = append(names, column.Name())
	}
	return "the columns are " + strings.Join(names, ", ")
}

// roomForImages bounds the bytes of a file's encoded images. They barely compress, but a dictionary may share one image among many rows.
func roomForImages(file *columns.File) int64 { return 1<<28 + 64*file.Size() }

// withParquet opens a file, and names it in errors.
func withParquet(path string, use func(*columns.File) error) error {
	f, err := regular.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := columns.Open(f, info.Size())
	if err == nil {
		err = use(file)
	}
	if err != nil {
		return fileError(path, err)
	}
	return nil
}
