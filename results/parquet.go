package results

import (
	"fmt"
	"io"
	"iter"
	"reflect"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
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

// physical are the Parquet types of the fields. Strings and numbers repeat a lot (each row has its trial's hyperparameters),
// hence the dictionaries; pictures do not, and PLAIN is what every reader knows.
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

// writeParquet writes rows as one Parquet file. Equal rows give equal bytes.
func writeParquet(w io.Writer, m Meta, t Table, span string, rows iter.Seq2[Row, error]) error {
	fields := m.Fields(t)
	out := parquet.NewWriter(w, schema(t, fields),
		parquet.Compression(&zstd.Codec{}),
		parquet.CreatedBy("starsweep", m.Version, ""),
		parquet.KeyValueMetadata("starsweep.schema", fmt.Sprint(SchemaVersion)),
		parquet.KeyValueMetadata("starsweep.study", m.Study),
		parquet.KeyValueMetadata("starsweep.study_id", m.ID()),
		parquet.KeyValueMetadata("starsweep.table", string(t)),
		parquet.KeyValueMetadata("starsweep.records", span),
		// The smallest and the largest picture say nothing, and would be stored four times over.
		parquet.SkipPageBounds("png"), parquet.SkipPageStatistics("png"),
	)
	for row, err := range rows {
		if err != nil {
			return err
		}
		values, err := parquetRow(fields, row)
		if err != nil {
			return err
		}
		if _, err := out.WriteRows([]parquet.Row{values}); err != nil {
			return err
		}
	}
	return out.Close()
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
