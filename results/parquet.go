package results

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"time"

	kzstd "github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/starsweep/starsweep/internal/regular"
)

// group is a parquet.Group that keeps its fields in order; parquet.Group itself sorts them by name.
type group struct {
	parquet.Group
	fields []parquet.Field
}

func (g group) Fields() []parquet.Field { return g.fields }

// leaf is a named column of a group.
type leaf struct {
	parquet.Node
	name string
}

func (l leaf) Name() string { return l.name }

// Value is for writers of Go structs. Rows are written here as Parquet values, so nothing calls it.
func (l leaf) Value(reflect.Value) reflect.Value {
	panic("column " + l.name + ": not part of a Go struct")
}

// schema is the Parquet schema of a table with these fields.
func schema(t Table, fields []Field) *parquet.Schema {
	g := group{Group: parquet.Group{}}
	for _, f := range fields {
		node := physical[f.Type]()
		if f.Nullable {
			node = parquet.Optional(node)
		}
		g.Group[f.Name] = node
		g.fields = append(g.fields, leaf{node, f.Name})
	}
	return parquet.NewSchema(string(t), g)
}

// physical are the Parquet types of the fields. Strings and numbers repeat often (each row has its trial's hyperparameters); hence
// the dictionaries. Pictures do not, and every reader knows PLAIN.
var physical = map[Type]func() parquet.Node{
	TypeBool:   func() parquet.Node { return parquet.Leaf(parquet.BooleanType) },
	TypeInt32:  func() parquet.Node { return dictionary(parquet.Leaf(parquet.Int32Type)) },
	TypeInt64:  func() parquet.Node { return dictionary(parquet.Leaf(parquet.Int64Type)) },
	TypeFloat:  func() parquet.Node { return dictionary(parquet.Leaf(parquet.DoubleType)) },
	TypeString: func() parquet.Node { return dictionary(parquet.String()) },
	TypeTime:   func() parquet.Node { return parquet.Timestamp(parquet.Millisecond) },
	TypeBytes:  func() parquet.Node { return parquet.Encoded(parquet.Leaf(parquet.ByteArrayType), &parquet.Plain) },
}

func dictionary(n parquet.Node) parquet.Node { return parquet.Encoded(n, &parquet.RLEDictionary) }

// groupBytes is the size of rows after which a row group ends: what a writer of a file holds in memory is a small multiple of it.
const groupBytes = 16 << 20

// writeParquet writes rows as one Parquet file, sealed, row group by row group. Equal rows and notes produce equal bytes.
func writeParquet(w io.Writer, m Meta, t Table, n fileNotes, rows iter.Seq2[Row, error]) error {
	fields := m.Fields(t)
	packed, err := n.about.packed()
	if err != nil {
		return err
	}
	file := sealer{w: w}
	out := parquet.NewWriter(&file, schema(t, fields),
		parquet.Compression(&zstd.Codec{}),
		parquet.CreatedBy("starsweep", m.Version, ""),
		parquet.KeyValueMetadata("starsweep.schema", fmt.Sprint(SchemaVersion)),
		parquet.KeyValueMetadata("starsweep.study", m.Study),
		parquet.KeyValueMetadata(studyKey, m.ID()),
		parquet.KeyValueMetadata("starsweep.table", string(t)),
		parquet.KeyValueMetadata(recordsKey, n.span),
		parquet.KeyValueMetadata(rowsKey, n.rows),
		parquet.KeyValueMetadata(aboutKey, packed),
		parquet.KeyValueMetadata(sealKey, noSeal),
		// The smallest and the largest picture are meaningless statistics, and would be stored four times.
		parquet.SkipPageBounds("png"), parquet.SkipPageStatistics("png"),
	)
	size := 0
	for row, err := range rows {
		if err != nil {
			return err
		}
		if size > groupBytes {
			if err := out.Flush(); err != nil {
				return err
			}
			size = 0
		}
		values, err := parquetRow(fields, row)
		if err != nil {
			return err
		}
		if _, err := out.WriteRows([]parquet.Row{values}); err != nil {
			return err
		}
		size += sizeOf(values)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	file.footer = &bytes.Buffer{}
	if err := out.Close(); err != nil {
		return err
	}
	return file.seal()
}

// sizeOf is the size of a row in memory, about.
func sizeOf(values parquet.Row) (size int) {
	for _, v := range values {
		size += 8
		if v.Kind() == parquet.ByteArray {
			size += len(v.ByteArray())
		}
	}
	return size
}

// packed encodes an about as metadata: JSON, which is repetitive, in zstd, which has a checksum, in base64.
func (a about) packed() (string, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	z, err := kzstd.NewWriter(nil, kzstd.WithEncoderConcurrency(1))
	if err != nil {
		return "", err
	}
	defer z.Close()
	return base64.StdEncoding.EncodeToString(z.EncodeAll(text, nil)), nil
}

// aboutOf decodes what a file says about its rows.
func aboutOf(p *parquet.File) (a about, err error) {
	text, _ := p.Lookup(aboutKey)
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return about{}, err
	}
	z, err := kzstd.NewReader(nil, kzstd.WithDecoderConcurrency(1), kzstd.WithDecoderMaxMemory(1<<28))
	if err != nil {
		return about{}, err
	}
	defer z.Close()
	if b, err = z.DecodeAll(b, nil); err != nil {
		return about{}, err
	}
	return a, json.Unmarshal(b, &a)
}

// readCovers returns what a compacted file covers. It reads no more than the footer.
func readCovers(path string) (map[string]int64, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var a about
	err = guarded(func() error {
		p, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err == nil {
			a, err = aboutOf(p)
		}
		return err
	})
	return a.Covers, err
}

// Names in a file's metadata.
const (
	aboutKey   = "starsweep.about"
	rowsKey    = "starsweep.rows" // a digest of where the rows are recorded
	studyKey   = "starsweep.study_id"
	recordsKey = "starsweep.records"
	sealKey    = "starsweep.whole_crc32c" // behind the others, which are sorted
)

// guarded calls f, which calls parquet-go, and returns its panics as errors: the library panics on some damaged files. The checksum
// catches accidental damage, but not a crafted file.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the file is damaged: %v", r)
		}
	}()
	return f()
}

// parquetRows returns the rows of one of our files. A field that the file lacks, since it is older than the column, is null.
func parquetRows(file []byte, fields []Field) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		p, err := openParquet(file)
		if err != nil {
			yield(nil, err)
			return
		}
		at := columnsOf(p, fields)
		for _, group := range p.RowGroups() {
			rows := group.Rows()
			defer rows.Close()
			for ended := false; !ended; {
				var batch []Row
				err := guarded(func() error {
					buffer := make([]parquet.Row, 16)
					n, err := rows.ReadRows(buffer)
					for _, values := range buffer[:n] {
						batch = append(batch, goRow(fields, at, values))
					}
					return err
				})
				if ended = errors.Is(err, io.EOF); err != nil && !ended {
					yield(nil, err)
					return
				}
				for _, row := range batch {
					if !yield(row, nil) {
						return
					}
				}
			}
		}
	}
}

// columnsOf returns the place of each field in the rows of a file, -1 if it has none of that name and type.
func columnsOf(p *parquet.File, fields []Field) []int {
	at := make([]int, len(fields))
	for i, f := range fields {
		at[i] = -1
		if leaf, ok := p.Schema().Lookup(f.Name); ok && leaf.Node.Leaf() && leaf.Node.Type().Kind() == physical[f.Type]().Type().Kind() {
			at[i] = leaf.ColumnIndex
		}
	}
	return at
}

// hasColumns reports whether the columns of a file are fields, in order.
func hasColumns(p *parquet.File, fields []Field) bool {
	for i, at := range columnsOf(p, fields) {
		if leaf, ok := p.Schema().Lookup(fields[i].Name); at != i || !ok || leaf.Node.Optional() != fields[i].Nullable {
			return false
		}
	}
	return len(p.Schema().Columns()) == len(fields)
}

// goRow converts a row of a Parquet file, which has the fields in these places.
func goRow(fields []Field, at []int, values parquet.Row) Row {
	row := Row{}
	for i, f := range fields {
		if at[i] < 0 {
			row[f.Name] = nil
			continue
		}
		v := values[at[i]]
		switch {
		case v.IsNull():
			row[f.Name] = nil
		case f.Type == TypeBool:
			row[f.Name] = v.Boolean()
		case f.Type == TypeInt32:
			row[f.Name] = v.Int32()
		case f.Type == TypeInt64:
			row[f.Name] = v.Int64()
		case f.Type == TypeFloat:
			row[f.Name] = v.Double()
		case f.Type == TypeString:
			row[f.Name] = string(v.ByteArray())
		case f.Type == TypeTime:
			row[f.Name] = time.UnixMilli(v.Int64()).UTC()
		case f.Type == TypeBytes:
			row[f.Name] = bytes.Clone(v.ByteArray())
		}
	}
	return row
}

func parquetRow(fields []Field, row Row) (parquet.Row, error) {
	values := make(parquet.Row, len(fields))
	for i, f := range fields {
		v, err := parquetValue(f, row[f.Name])
		if err != nil {
			return nil, err
		}
		defined := 0
		if f.Nullable && !v.IsNull() {
			defined = 1
		}
		values[i] = v.Level(0, defined, i)
	}
	return values, nil
}

func parquetValue(f Field, v any) (parquet.Value, error) {
	switch v := v.(type) {
	case nil:
		if f.Nullable {
			return parquet.NullValue(), nil
		}
	case bool:
		if f.Type == TypeBool {
			return parquet.BooleanValue(v), nil
		}
	case int32:
		if f.Type == TypeInt32 {
			return parquet.Int32Value(v), nil
		}
	case int64:
		if f.Type == TypeInt64 {
			return parquet.Int64Value(v), nil
		}
	case float64:
		if f.Type == TypeFloat {
			return parquet.DoubleValue(v), nil
		}
	case string:
		if f.Type == TypeString {
			return parquet.ByteArrayValue([]byte(v)), nil
		}
	case time.Time:
		if f.Type == TypeTime {
			return parquet.Int64Value(v.UnixMilli()), nil
		}
	case []byte:
		if f.Type == TypeBytes {
			return parquet.ByteArrayValue(v), nil
		}
	}
	return parquet.Value{}, fmt.Errorf("column %s: got %T, want %s", f.Name, v, f.Type)
}
