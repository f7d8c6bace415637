package results

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/png"
	"iter"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
)

// filled sets every field of a struct to a value that is not zero, so that a lost field is noticed.
func filled[T any](t *testing.T, except ...string) (out T) {
	t.Helper()
	v := reflect.ValueOf(&out).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case string:
			f.SetString("text of " + v.Type().Field(i).Name)
		case Status:
			f.SetString(string(Failed))
		case Failure:
			f.SetString(string(FailureMemory))
		case int, int64:
			f.SetInt(int64(100 + i))
		case float64:
			f.SetFloat(0.1 + float64(i))
		case time.Time:
			f.Set(reflect.ValueOf(time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)))
		case Metrics:
			f.Set(reflect.ValueOf(Metrics{"fid": 1.0 / 3, "loss": math.Inf(-1)}))
		case bool:
			f.SetBool(true)
		case spec.Measure:
			f.Set(reflect.ValueOf(spec.Measure{Samples: 100, Features: "pixels:f00d", Real: "test"}))
		case Values:
			f.Set(reflect.ValueOf(Values{"s": "a\nb", "f": 1e-4, "i": int64(1) << 60, "b": true, "o": nil}))
		case []byte:
			var b bytes.Buffer
			if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
				t.Fatal(err)
			}
			f.SetBytes(b.Bytes())
		default:
			t.Fatalf("field %s: teach this test the type %s", v.Type().Field(i).Name, f.Type())
		}
	}
	return out
}

// The tables hold everything of a row that the journal has.
func TestRowsOfTablesTurnBackIntoWhatTheJournalHad(t *testing.T) {
	m := Meta{Study: "ring", Columns: []Column{
		{Name: "s", Kind: spec.String}, {Name: "f", Kind: spec.Float}, {Name: "i", Kind: spec.Int},
		{Name: "b", Kind: spec.Bool}, {Name: "o", Kind: spec.Float, Optional: true}},
		Metrics: []string{"fid", "loss", "never"}}
	begun, e, sample, o, again := filled[Trial](t), filled[Epoch](t), filled[Sample](t), filled[Outcome](t), filled[Measurement](t)
	e.Trial, sample.Trial, o.Trial, again.Trial = begun.ID, begun.ID, begun.ID, begun.ID
	size, err := sample.size()
	if err != nil {
		t.Fatal(err)
	}
	row := func(table Table) Row {
		return m.layout(table).row(&record{Study: m.Study, Trial: begun, Total: summary{epochs: 7, last: Metrics{"fid": 2}}, Outcome: o,
			Epoch: e, Sample: sample, Picture: size, Measurement: again})
	}
	back := func(table Table, row Row) Row {
		t.Helper()
		var b bytes.Buffer
		one := func(yield func(Row, error) bool) { yield(row, nil) }
		notes := fileNotes{"w-0-0", "", about{Began: []began{{Trial: begun, Generation: 3}}, Generations: []int{2}}}
		if err := writeParquet(&b, m, table, notes, iter.Seq2[Row, error](one)); err != nil {
			t.Fatal(err)
		}
		p, err := openParquet(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := aboutOf(p); err != nil || string(encode(got)) != string(encode(notes.about)) {
			t.Errorf("%s: got the notes %v, %v", table, got, err)
		}
		for got, err := range parquetRows(b.Bytes(), m.Fields(table)) {
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		t.Fatalf("%s: no row came back", table)
		return nil
	}
	delete(again.Metrics, "loss") // which images do not have
	trials, epochs, samples := back(Trials, row(Trials)), back(Epochs, row(Epochs)), back(Samples, row(Samples))
	measurements := back(Measurements, row(Measurements))
	gotOutcome, count := m.outcomeOf(trials)
	for _, pair := range [][2]any{
		{*gotOutcome, o}, {count.Epochs, 7}, {*m.epochOf(epochs), e}, {m.sampleOf(samples), sample},
		{*m.measurementOf(measurements), again},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("got  %+v\nwant %+v", pair[0], pair[1])
		}
	}
}

// A file from before a column existed is read with null in it, and Create replaces the file.
func TestFilesWithoutANewColumnAreReadByName(t *testing.T) {
	old := Meta{Study: "ring", Metrics: []string{"fid"}}
	m := Meta{Study: "ring", Columns: []Column{{Name: "lr", Kind: spec.Float, Optional: true}}, Metrics: []string{"recall", "fid"}}
	one := func(yield func(Row, error) bool) {
		yield(old.layout(Epochs).row(&record{Trial: Trial{ID: "a"}, Epoch: Epoch{Epoch: 3, Metrics: Metrics{"fid": 2.5}}}), nil)
	}
	var b bytes.Buffer
	if err := writeParquet(&b, old, Epochs, fileNotes{}, iter.Seq2[Row, error](one)); err != nil {
		t.Fatal(err)
	}
	n := 0
	for row, err := range parquetRows(b.Bytes(), m.Fields(Epochs)) {
		if n++; err != nil || row["epoch"] != int32(3) || row["fid"] != 2.5 || row["recall"] != nil || row["lr"] != nil {
			t.Errorf("got %v, %v", row, err)
		}
	}
	p, err := openParquet(b.Bytes())
	if err != nil || n != 1 || hasColumns(p, m.Fields(Epochs)) || !hasColumns(p, old.Fields(Epochs)) {
		t.Errorf("got %d rows, %v; the file has the columns of neither, or of both", n, err)
	}
}

// The tables of docs/tables.md are those of the declarations. UPDATE=1 rewrites them.
func TestTheDocumentDescribesTheColumns(t *testing.T) {
	const path = "../docs/tables.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := page
	common := map[string]bool{}
	for _, c := range shared {
		common[c.Name] = true
	}
	lists := map[string][]column{"shared": shared}
	for table, list := range declarations {
		lists[string(table)] = slices.DeleteFunc(slices.Clone(list), func(c column) bool { return common[c.Name] })
	}
	for name, list := range lists {
		block := regexp.MustCompile(`(?s)(<!-- columns: ` + name + `; generated from results -->\n)(.*?)\n\n`)
		if !block.Match(want) {
			t.Errorf("%s has no place for the columns of %s", path, name)
		}
		want = block.ReplaceAll(want, []byte("${1}"+documented(list)+"\n"))
	}
	if bytes.Equal(page, want) {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("%s is not up to date: UPDATE=1 go test ./results -run %s", path, t.Name())
	}
	if err := os.WriteFile(path, want, 0o666); err != nil {
		t.Fatal(err)
	}
}

// documented is a table of columns in Markdown.
func documented(list []column) string {
	types := map[Type]string{TypeFloat: "double", TypeTime: "timestamp, UTC", TypeBytes: "binary"}
	timing := map[bool]string{true: " †"}
	text := "| column | type | meaning |\n|---|---|---|\n"
	for _, c := range list {
		text += strings.TrimSuffix(fmt.Sprintf("| %s | %s%s | %s", c.Name, cmp.Or(types[c.Type], string(c.Type)), timing[c.Timing], c.Doc), " ")
		text += " |\n"
	}
	return text
}

// A file of ours with any byte changed is an error, never other rows.
func FuzzSegment(f *testing.F) {
	m := Meta{Study: "ring", Columns: []Column{{Name: "s", Kind: spec.String}}, Metrics: []string{"fid"}}
	began := Trial{ID: "a", Point: Values{"s": "text"}}
	var b bytes.Buffer
	rows := func(yield func(Row, error) bool) {
		for i := range 3 {
			if !yield(m.layout(Epochs).row(&record{Trial: began, Epoch: Epoch{Epoch: i + 1, Metrics: Metrics{"fid": 1.5}}}), nil) {
				return
			}
		}
	}
	if err := writeParquet(&b, m, Epochs, fileNotes{"w-1-3", "", about{Generations: []int{1, 1, 1}}}, rows); err != nil {
		f.Fatal(err)
	}
	file := b.Bytes()
	f.Add(file)
	f.Add(file[:len(file)-1])
	f.Add([]byte("PAR1PAR1"))
	f.Add([]byte(sealKey + "\x18\x08"))
	for _, at := range []int{10, len(file) - 300, len(file) - 60, len(file) - 8, len(file) - 1} {
		flipped := bytes.Clone(file)
		flipped[at] ^= 8
		f.Add(flipped)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, err := range parquetRows(data, m.Fields(Epochs)) {
			if (err == nil) != bytes.Equal(data, file) {
				t.Errorf("got %v, and the file is as it was written: %t", err, bytes.Equal(data, file))
			}
		}
	})
}
