package data

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// parquetFiles is the rows of one or several Parquet files with a column of encoded images: binary, or a struct with a binary
// field "bytes", which is how Hugging Face's datasets stores images.
type parquetFiles struct {
	files         []string
	spec          Spec
	standardNames []string // of the classes, where the files give none
	counts        []int    // rows of each file, after survey
}

func findParquet(_ context.Context, _ *Store, spec Spec) (source, error) {
	info, err := os.Stat(spec.Path)
	if err != nil {
		return nil, err
	}
	p := &parquetFiles{files: []string{spec.Path}, spec: spec}
	if info.IsDir() {
		p.files, err = splitFiles(spec)
	}
	return p, err
}

// splitFiles is the Parquet files of a folder whose names begin with the split; the training split may also be all files, where
// the names tell no split.
func splitFiles(spec Spec) ([]string, error) {
	files, err := filesNamed(spec.Path, ".parquet")
	if err != nil {
		return nil, err
	}
	begins := func(split string) []string {
		var found []string
		for _, file := range files {
			if rest, ok := strings.CutPrefix(filepath.Base(file), split); ok && strings.IndexAny(rest, "-_.") == 0 {
				found = append(found, file)
			}
		}
		return found
	}
	if found := begins(spec.Split); len(found) > 0 {
		return found, nil
	}
	if spec.Split == "train" && len(begins("test")) == 0 && len(files) > 0 {
		return files, nil
	}
	return nil, fmt.Errorf("no Parquet files of the split %q in %s: %w", spec.Split, spec.Path, fs.ErrNotExist)
}

func (p *parquetFiles) identity() (string, error) { return filesIdentity(p.files) }

func (p *parquetFiles) survey() (survey, error) {
	v := survey{where: p.where}
	p.counts = nil
	for i, path := range p.files {
		err := withParquet(path, func(file *parquet.File) error {
			p.counts = append(p.counts, int(file.NumRows()))
			v.n += int(file.NumRows())
			if i == 0 {
				v.classNames = p.names(file)
			}
			if v.first == (header{}) && file.NumRows() > 0 {
				first, err := p.first(file)
				if err != nil {
					return err
				}
				v.first = first
			}
			labels, err := p.readLabels(file)
			v.labels = append(v.labels, labels...)
			return err
		})
		if err != nil {
			return survey{}, err
		}
	}
	if v.n == 0 {
		return survey{}, fmt.Errorf("%s: no rows", p.spec.Path)
	}
	if v.labels != nil {
		if len(v.labels) != v.n {
			return survey{}, fmt.Errorf("%s: got %d labels for %d images: not every file has the column", p.spec.Path, len(v.labels), v.n)
		}
		v.classes = max(len(v.classNames), int(slices.Max(v.labels))+1)
		if len(v.classNames) != v.classes {
			v.classNames = nil
		}
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

// open reads the encoded images into memory: they are smaller than the decoded ones that will be there.
func (p *parquetFiles) open(ctx context.Context, keep []int) (func(int) (picture, error), error) {
	blobs := make([][]byte, keep[len(keep)-1]+1)
	row := 0 // of all files
	for _, path := range p.files {
		err := withParquet(path, func(file *parquet.File) error {
			column, err := p.imageColumn(file)
			if err != nil {
				return err
			}
			for value, err := range values(ctx, file, column) {
				if err != nil {
					return err
				}
				if len(keep) == 0 {
					break
				}
				if row == keep[0] {
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
		return nil, fmt.Errorf("%s: got %d rows, want %d or more", p.spec.Path, row, keep[0]+1)
	}
	return func(i int) (picture, error) {
		if len(blobs[i]) == 0 {
			return picture{}, errors.New("no image")
		}
		return decodePicture(bytes.NewReader(blobs[i]))
	}, nil
}

// first reads the header of the first image.
func (p *parquetFiles) first(file *parquet.File) (header, error) {
	column, err := p.imageColumn(file)
	if err != nil {
		return header{}, err
	}
	for value, err := range values(context.Background(), file, column) {
		if err != nil {
			return header{}, err
		}
		if value.IsNull() {
			return header{}, errors.New("row 0: no image")
		}
		first, err := decodeHeader(bytes.NewReader(value.ByteArray()))
		if err != nil {
			return header{}, fmt.Errorf("row 0: %w", err)
		}
		return first, nil
	}
	return header{}, errors.New("no values in the column of images")
}

// maxLabel bounds labels: networks spend a unit on each class, so beyond it a column holds something else.
const maxLabel = 1<<20 - 1

// readLabels reads the label column; nil where there is none and none was asked for.
func (p *parquetFiles) readLabels(file *parquet.File) ([]int32, error) {
	column := file.Root().Column(cmp.Or(p.spec.LabelColumn, "label"))
	if column == nil && p.spec.LabelColumn == "" {
		return nil, nil
	}
	if column == nil {
		return nil, fmt.Errorf("no column %q for labels: %s", p.spec.LabelColumn, columnNames(file))
	}
	if kind := column.Type(); !column.Leaf() || column.Repeated() || kind.Kind() != parquet.Int64 && kind.Kind() != parquet.Int32 {
		return nil, fmt.Errorf("column %q: got %s, want integers for labels", column.Name(), column)
	}
	labels := make([]int32, 0, file.NumRows())
	for value, err := range values(context.Background(), file, column) {
		if err != nil {
			return nil, err
		}
		label := value.Int64()
		if value.Kind() == parquet.Int32 {
			label = int64(value.Int32())
		}
		if value.IsNull() || label < 0 || label > maxLabel {
			return nil, fmt.Errorf("column %q, row %d: got %s, want a label from 0 to %d", column.Name(), len(labels), value, maxLabel)
		}
		labels = append(labels, int32(label))
	}
	return labels, nil
}

// imageColumn is the leaf that holds the encoded images.
func (p *parquetFiles) imageColumn(file *parquet.File) (*parquet.Column, error) {
	if name := p.spec.Column; name != "" {
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

func columnNames(file *parquet.File) string {
	var names []string
	for _, column := range file.Root().Columns() {
		names = append(names, column.Name())
	}
	return "the columns are " + strings.Join(names, ", ")
}

// names reads the names of the classes from the metadata that Hugging Face's datasets writes.
func (p *parquetFiles) names(file *parquet.File) []string {
	text, _ := file.Lookup("huggingface")
	var meta struct {
		Info struct {
			Features map[string]struct {
				Names []string `json:"names"`
			} `json:"features"`
		} `json:"info"`
	}
	// Other content under this key is no fault: there are then no names.
	if err := json.Unmarshal([]byte(text), &meta); err == nil {
		if names := meta.Info.Features[cmp.Or(p.spec.LabelColumn, "label")].Names; names != nil {
			return names
		}
	}
	return p.standardNames
}

// withParquet opens a file, and names it in errors.
func withParquet(path string, use func(*parquet.File) error) (err error) {
	defer rescue(path+": malformed Parquet", &err)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err == nil {
		err = use(file)
	}
	if err != nil {
		return fileError(path, err)
	}
	return nil
}

// values is the values of a column that is not repeated, so one for each row. After an error there are no more.
func values(ctx context.Context, file *parquet.File, column *parquet.Column) iter.Seq2[parquet.Value, error] {
	return func(yield func(parquet.Value, error) bool) {
		for _, group := range file.RowGroups() {
			pages := group.ColumnChunks()[column.Index()].Pages()
			more := eachPage(ctx, pages, yield)
			if err := pages.Close(); err != nil && more {
				more = yield(parquet.Value{}, err) && false
			}
			if !more {
				return
			}
		}
	}
}

// eachPage yields the values of one row group, and tells whether to go on.
func eachPage(ctx context.Context, pages parquet.Pages, yield func(parquet.Value, error) bool) bool {
	fault := func(err error) bool {
		yield(parquet.Value{}, err)
		return false
	}
	buffer := make([]parquet.Value, 256)
	for {
		if ctx.Err() != nil {
			return fault(context.Cause(ctx))
		}
		page, err := pages.ReadPage()
		if err == io.EOF {
			return true
		}
		if err != nil {
			return fault(err)
		}
		for reader, more := page.Values(), true; more; {
			n, err := reader.ReadValues(buffer)
			for _, value := range buffer[:n] {
				if !yield(value, nil) {
					return false
				}
			}
			if err != nil && err != io.EOF {
				return fault(err)
			}
			more = err == nil
		}
		parquet.Release(page)
	}
}
