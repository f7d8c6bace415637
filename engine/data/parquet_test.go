package data

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/require"
)

// hfRow is a row as Hugging Face's datasets writes it.
type hfRow struct {
	Image struct {
		Bytes []byte `parquet:"bytes"`
		Path  string `parquet:"path,optional"`
	} `parquet:"image"`
	Label int64 `parquet:"label"`
}

func hfRows(images ...[]byte) []hfRow {
	rows := make([]hfRow, len(images))
	for i := range rows {
		rows[i].Image.Bytes, rows[i].Label = images[i], int64(i%3)
	}
	return rows
}

func writeParquet[T any](t testing.TB, path string, rows []T, options ...parquet.WriterOption) {
	t.Helper()
	var text bytes.Buffer
	w := parquet.NewGenericWriter[T](&text, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(path), filepath.Base(path), text.Bytes())
}

func TestParquetFolderIsReadAcrossFilesAndRowGroups(t *testing.T) {
	dir := t.TempDir()
	var images [][]byte
	for i := range 10 {
		images = append(images, tile(t, 2, 2, uint8(i)))
	}
	names := `{"info": {"features": {"label": {"names": ["zero", "one", "two"], "_type": "ClassLabel"}, "image": {"_type": "Image"}}}}`
	options := []parquet.WriterOption{parquet.MaxRowsPerRowGroup(3), parquet.KeyValueMetadata("huggingface", names)}
	writeParquet(t, filepath.Join(dir, "train-0.parquet"), hfRows(images[:7]...), options...)
	writeParquet(t, filepath.Join(dir, "train-1.parquet"), hfRows(images[7:]...), options...)
	writeParquet(t, filepath.Join(dir, "test-0.parquet"), hfRows(images[3:5]...), options...)
	st := store(t)
	s := open(t, st, spec.Data{Name: "parquet", Path: dir})
	for i := range s.N {
		if s.U8[4*i] != uint8(i) || s.Labels[i] != int32(i%7%3) {
			t.Errorf("image %d: got pixel %d, label %d", i, s.U8[4*i], s.Labels[i])
		}
	}
	if s.N != 10 || !reflect.DeepEqual(s.ClassNames, []string{"zero", "one", "two"}) {
		t.Errorf("got %d images, classes %v", s.N, s.ClassNames)
	}
	if s := open(t, st, spec.Data{Name: "parquet", Path: dir, Split: "test"}); !bytes.Equal(s.U8, []uint8{3, 3, 3, 3, 4, 4, 4, 4}) {
		t.Errorf("test split: got %v", s.U8)
	}
	s = open(t, st, spec.Data{Name: "parquet", Path: dir, Classes: []int{0}, Limit: 3})
	if !bytes.Equal(s.U8, []uint8{0, 0, 0, 0, 3, 3, 3, 3, 6, 6, 6, 6}) {
		t.Errorf("class 0: got %v", s.U8)
	}
	_, err := st.Open(context.Background(), spec.Data{Name: "parquet", Path: dir, Split: "validation"})
	wantError(t, err, `no Parquet files of the split "validation"`)
}

func TestUnlabelledTakesEveryParquetFileAndNoLabels(t *testing.T) {
	type row struct {
		PNG   []byte `parquet:"png"`
		Label string `parquet:"label"`
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "train-0.parquet"), []row{{tile(t, 1, 1, 1), "cat"}})
	writeParquet(t, filepath.Join(dir, "test-0.parquet"), []row{{tile(t, 1, 1, 2), "dog"}})
	s := open(t, store(t), spec.Data{Name: "parquet", Path: dir, Unlabelled: true})
	if !bytes.Equal(s.U8, []uint8{2, 1}) || s.Labels != nil {
		t.Errorf("got shades %v, labels %v", s.U8, s.Labels)
	}
}

func TestParquetColumnsAreFoundOrNamed(t *testing.T) {
	type plain struct {
		Name  string `parquet:"name"`
		PNG   []byte `parquet:"png"`
		Kind  int32  `parquet:"kind"`
		Other []byte `parquet:"other,optional"`
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	writeParquet(t, path, []plain{{"a", tile(t, 1, 1, 7), 2, nil}, {"b", tile(t, 1, 1, 8), 0, nil}})
	s := open(t, store(t), spec.Data{Name: "parquet", Path: path, Column: "png", LabelColumn: "kind"})
	if !bytes.Equal(s.U8, []uint8{7, 8}) || !reflect.DeepEqual(s.Labels, []int32{2, 0}) || s.Classes != 3 {
		t.Errorf("got %v, %v, %v", s.U8, s.Labels, s.Shape())
	}
	for _, c := range []struct {
		wanted spec.Data
		want   string
	}{
		{spec.Data{}, "got 2 columns that may hold images, want one: set column; the columns are name, png, kind, other"},
		{spec.Data{Column: "image"}, `no column "image": the columns are name, png, kind, other`},
		{spec.Data{Column: "name"}, `column "name": got`},
		{spec.Data{Column: "png", LabelColumn: "other"}, "want integers, texts or truth values"},
		{spec.Data{Column: "png", LabelColumn: "label"}, `no column "label" for labels`},
		{spec.Data{Column: "other"}, "x.parquet: row 0: no image"},
		{spec.Data{Column: "png", Classes: []int{1}}, "the images have no labels"},
	} {
		c.wanted.Name, c.wanted.Path = "parquet", path
		_, err := store(t).Open(context.Background(), c.wanted)
		wantError(t, err, c.want)
	}
}

func TestCorruptParquetNamesFileAndRow(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.parquet")
	writeParquet(t, bad, hfRows(tile(t, 2, 2, 1), tile(t, 2, 2, 1)[:40]))
	_, err := store(t).Open(context.Background(), spec.Data{Name: "parquet", Path: bad})
	wantError(t, err, "bad.parquet: row 1: ")

	text, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	cut := write(t, dir, "cut.parquet", text[:len(text)/2])
	_, err = store(t).Open(context.Background(), spec.Data{Name: "parquet", Path: cut})
	wantError(t, err, "cut.parquet: ")
	empty := filepath.Join(dir, "empty.parquet")
	writeParquet(t, empty, []hfRow{})
	_, err = store(t).Open(context.Background(), spec.Data{Name: "parquet", Path: empty})
	wantError(t, err, "empty.parquet: no rows")
}

func TestChestCTSlicesFromParquet(t *testing.T) {
	path := filepath.Join(require.Shared(t), "data", "chest_ct")
	s := open(t, store(t), spec.Data{Name: "parquet", Path: path, Limit: 500})
	if want := (Shape{500, 64, 64, 1, 1}); s.Shape() != want || s.U8 == nil {
		t.Errorf("got %v, want %v in bytes", s.Shape(), want)
	}
	if m := mean(s); m < 30 || m > 200 {
		t.Errorf("mean pixel: got %.1f", m)
	}
}

func TestTextsAndTruthValuesOfParquetAreClassesInTheirOrder(t *testing.T) {
	type row struct {
		Image []byte `parquet:"image"`
		Label string `parquet:"label"`
		Truth bool   `parquet:"truth"`
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "train-0.parquet"), []row{{tile(t, 1, 1, 1), "dog", true}, {tile(t, 1, 1, 2), "cat", true}})
	writeParquet(t, filepath.Join(dir, "train-1.parquet"), []row{{tile(t, 1, 1, 3), "cat", true}})
	writeParquet(t, filepath.Join(dir, "test-0.parquet"), []row{{tile(t, 1, 1, 4), "ant", false}, {tile(t, 1, 1, 5), "dog", true}})
	// The classes of one split are those of the other, though no row of the training split is an ant.
	for _, c := range []struct {
		split, column string
		labels        []int32
		names         []string
	}{
		{"train", "", []int32{2, 1, 1}, []string{"ant", "cat", "dog"}},
		{"test", "", []int32{0, 2}, []string{"ant", "cat", "dog"}},
		{"train", "truth", []int32{1, 1, 1}, []string{"false", "true"}},
	} {
		s := open(t, store(t), spec.Data{Name: "parquet", Path: dir, Split: c.split, LabelColumn: c.column})
		if !reflect.DeepEqual(s.Labels, c.labels) || !reflect.DeepEqual(s.ClassNames, c.names) || s.Classes != len(c.names) {
			t.Errorf("%s: got labels %v of %d classes %q, want %v of %q", c.split, s.Labels, s.Classes, s.ClassNames, c.labels, c.names)
		}
	}
	type dated struct {
		Image []byte `parquet:"image"`
		Label int32  `parquet:"label,date"`
	}
	writeParquet(t, filepath.Join(dir, "dates.parquet"), []dated{{tile(t, 1, 1, 1), 3}})
	_, err := store(t).Open(context.Background(), spec.Data{Name: "parquet", Path: filepath.Join(dir, "dates.parquet")})
	wantError(t, err, `column "label": got`)
}

func TestParquetLabelsThatDifferBetweenFilesAreRefused(t *testing.T) {
	type texts struct {
		Image []byte `parquet:"image"`
		Label string `parquet:"label"`
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "a.parquet"), hfRows(tile(t, 1, 1, 1)))
	writeParquet(t, filepath.Join(dir, "b.parquet"), []texts{{tile(t, 1, 1, 1), "x"}})
	_, err := store(t).Open(context.Background(), spec.Data{Name: "parquet", Path: dir})
	wantError(t, err, "b.parquet: column \"label\": got")
	wantError(t, err, "as in the first file")

	names := func(name string) parquet.WriterOption {
		return parquet.KeyValueMetadata("huggingface", `{"info": {"features": {"label": {"names": ["`+name+`"]}}}}`)
	}
	writeParquet(t, filepath.Join(dir, "a.parquet"), hfRows(tile(t, 1, 1, 1)), names("cat"))
	writeParquet(t, filepath.Join(dir, "b.parquet"), hfRows(tile(t, 1, 1, 1)), names("dog"))
	_, err = store(t).Open(context.Background(), spec.Data{Name: "parquet", Path: dir})
	wantError(t, err, `got classes ["dog"], want ["cat"] as in the first file`)
}

func TestOneParquetImageForManyRowsHasABound(t *testing.T) {
	type row struct {
		Image []byte `parquet:"image,dict"`
	}
	rows := make([]row, 1200)
	for i := range rows {
		rows[i].Image = bytes.Repeat([]byte("x"), 1<<19) // 600 MB of 0.5
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	writeParquet(t, path, rows, parquet.Compression(&parquet.Zstd))
	_, err := (&parquetFiles{files: []string{path}, wanted: spec.Data{Path: path}}).open(context.Background(), []int{len(rows) - 1})
	if err != nil { // a single one is fine
		t.Error(err)
	}
	every := make([]int, len(rows))
	for i := range every {
		every[i] = i
	}
	_, err = (&parquetFiles{files: []string{path}, wanted: spec.Data{Path: path}}).open(context.Background(), every)
	wantError(t, err, "the images unpack to more than such a file may hold")
}
