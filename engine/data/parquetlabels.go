package data

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	parquetformat "github.com/parquet-go/parquet-go/format"

	"github.com/starsweep/starsweep/internal/columns"
)

const (
	maxLabel = 1<<20 - 1 // networks have a unit for each class: a column with larger numbers is not one of classes
	maxWords = 1 << 16   // different texts
)

// tableLabels are the label columns of several files: integers, which are the classes, or texts or truth values, which name them.
// Texts are numbered in sorted order, as in Hugging Face's datasets (Dataset.class_encode_column).
type tableLabels struct {
	column string           // what the first file has
	rows   []int32          // a label for each row, or a word; nil without such a column
	words  map[string]int32 // texts in order of appearance; nil for integers
	names  []string
	named  bool // names are known
}

// read adds the labels of a file; none if it has no such column and none was requested.
func (l *tableLabels) read(file *columns.File, asked string) error {
	column, err := labelColumn(file, asked)
	if column == nil || err != nil {
		return err
	}
	texts := column.Type().Kind() != parquet.Int32 && column.Type().Kind() != parquet.Int64
	switch {
	case l.rows == nil:
		l.rows, l.column = []int32{}, column.String()
		if texts {
			l.words = map[string]int32{}
		}
	case texts != (l.words != nil):
		return fmt.Errorf("column %q: got %s, want %s as in the first file", column.Name(), column, l.column)
	}
	if !texts {
		names := classNames(file, column.Name())
		if l.named && !slices.Equal(names, l.names) {
			return fmt.Errorf("column %q: got classes %q, want %q as in the first file", column.Name(), few(names), few(l.names))
		}
		l.names, l.named = names, true
	}
	return l.each(file, column, func(label int32) { l.rows = append(l.rows, label) })
}

// readWords adds the texts of a file whose rows do not count.
func (l *tableLabels) readWords(file *columns.File, asked string) error {
	column, err := labelColumn(file, asked)
	if column == nil || err != nil {
		return err
	}
	return l.each(file, column, func(int32) {})
}

// each yields the labels of a column.
func (l *tableLabels) each(file *columns.File, column *parquet.Column, yield func(label int32)) error {
	row := 0
	for value, err := range file.Values(context.Background(), column) {
		if err != nil {
			return err
		}
		label, err := l.label(value)
		if err != nil {
			return fmt.Errorf("column %q, row %d: %w", column.Name(), row, err)
		}
		yield(label)
		row++
	}
	return nil
}

// label is the class of a value, or the number of its word.
func (l *tableLabels) label(value parquet.Value) (int32, error) {
	number := int64(-1)
	switch {
	case value.IsNull():
		return 0, fmt.Errorf("got no label: leave out such rows, or the column %s", l.column)
	case value.Kind() == parquet.Int64:
		number = value.Int64()
	case value.Kind() == parquet.Int32:
		number = int64(value.Int32())
	case value.Kind() == parquet.Boolean:
		return l.word(fmt.Sprint(value.Boolean()))
	default:
		return l.word(string(value.ByteArray()))
	}
	if number < 0 || number > maxLabel {
		return 0, fmt.Errorf("got %d, want a label from 0 to %d", number, maxLabel)
	}
	return int32(number), nil
}

func (l *tableLabels) word(text string) (int32, error) {
	n, ok := l.words[text]
	if !ok {
		if len(l.words) >= maxWords {
			return 0, fmt.Errorf("got more than %d different texts, want classes", maxWords)
		}
		n = int32(len(l.words))
		l.words[strings.Clone(text)] = n
	}
	return n, nil
}

// numbers are the classes of the rows. For texts it also makes the names.
func (l *tableLabels) numbers() []int32 {
	if l.words == nil {
		return l.rows
	}
	l.names = make([]string, 0, len(l.words))
	for word := range l.words {
		l.names = append(l.names, word)
	}
	slices.Sort(l.names)
	class := make([]int32, len(l.names))
	for i, word := range l.names {
		class[l.words[word]] = int32(i)
	}
	for i, word := range l.rows {
		l.rows[i] = class[word]
	}
	return l.rows
}

// labelColumn finds the column of labels. It is nil if there is none and none was requested.
func labelColumn(file *columns.File, asked string) (*parquet.Column, error) {
	column := file.Root().Column(cmp.Or(asked, "label"))
	if column == nil && asked == "" {
		return nil, nil
	}
	if column == nil {
		return nil, fmt.Errorf("no column %q for labels: %s", asked, columnNames(file))
	}
	if !column.Leaf() || column.Repeated() || !isLabel(column.Type()) {
		return nil, fmt.Errorf("column %q: got %s, want integers, texts or truth values, one per row", column.Name(), column)
	}
	return column, nil
}

// isLabel reports whether values of a type may be classes. Dates, amounts and similar integers may not.
func isLabel(t parquet.Type) bool {
	var meaning any
	if logical := t.LogicalType(); logical != nil {
		meaning = logical.Value
	}
	switch t.Kind() {
	case parquet.Int32, parquet.Int64:
		_, integer := meaning.(*parquetformat.IntType)
		return integer || meaning == nil
	case parquet.ByteArray:
		_, text := meaning.(*parquetformat.StringType)
		_, enum := meaning.(*parquetformat.EnumType)
		return text || enum
	}
	return t.Kind() == parquet.Boolean
}

// classNames reads the names of the classes from the metadata that Hugging Face's datasets writes; nil if there are none.
func classNames(file *columns.File, column string) []string {
	text, _ := file.Lookup("huggingface")
	var meta struct {
		Info struct {
			Features map[string]struct {
				Names []string `json:"names"`
			} `json:"features"`
		} `json:"info"`
	}
	if err := json.Unmarshal([]byte(text), &meta); err != nil { // something else under this key
		return nil
	}
	return meta.Info.Features[column].Names
}

// few are the first of many names.
func few(names []string) []string { return names[:min(len(names), 5)] }
