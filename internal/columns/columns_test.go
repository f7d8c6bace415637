package columns_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/internal/columns"
	"github.com/starsweep/starsweep/internal/require"
)

// The files of testdata are written and read by testdata/write.py.
func TestFilesOfOtherWritersAreReadAsTheyReadThem(t *testing.T) {
	files, err := filepath.Glob("testdata/*.parquet")
	if err != nil || len(files) < 5 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, file := range files {
		compare(t, file, "testdata/few.json")
	}
}

func TestEveryCodecVersionAndEncodingIsReadAsPyarrowPolarsAndDuckDBReadThem(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts Python")
	}
	python := require.Tool(t, "STARSWEEP_PYTHON", "python")
	dir := t.TempDir()
	if out, err := exec.Command(python, "testdata/write.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(files) < 50 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, file := range files {
		compare(t, file, strings.TrimSuffix(file, ".parquet")+".json")
	}
}

// compare compares each column of a file with what the JSON says.
func compare(t *testing.T, path, expected string) {
	t.Helper()
	text, err := os.ReadFile(expected)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	file := opened(t, path)
	for name, want := range want {
		column := file.Root().Column(name)
		if column == nil {
			t.Fatalf("%s: no column %s", path, name)
		}
		if !column.Leaf() {
			column = column.Column("bytes")
		}
		got := []any{}
		for v, err := range file.Values(context.Background(), column) {
			if err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
				break
			}
			got = append(got, plain(column, v))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: column %s: got %d values, %.100v, want %d, %.100v", filepath.Base(path), name, len(got), got, len(want), want)
		}
	}
}

func opened(t testing.TB, path string) *columns.File {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := columns.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return file
}

// plain is a value as the JSON has it.
func plain(column *parquet.Column, v parquet.Value) any {
	switch {
	case v.IsNull():
		return nil
	case v.Kind() == parquet.Boolean:
		return v.Boolean()
	case v.Kind() == parquet.Int32:
		return float64(v.Int32())
	case v.Kind() == parquet.Int64:
		return float64(v.Int64())
	case column.Type().LogicalType() != nil:
		return string(v.ByteArray())
	}
	return hex.EncodeToString(v.ByteArray())
}
