package columns_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/starsweep/starsweep/internal/columns"
)

// read reads everything in a file, and returns the bytes that it took in all and the first error.
func read(b []byte) (allocated uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	defer func() {
		runtime.ReadMemStats(&after)
		allocated = after.TotalAlloc - before.TotalAlloc
	}()
	file, err := columns.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return 0, err
	}
	for _, path := range file.Schema().Columns() {
		column := file.Root()
		for _, name := range path {
			column = column.Column(name)
		}
		if column.MaxRepetitionLevel() > 0 {
			continue
		}
		for _, err := range file.Values(context.Background(), column) {
			if err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

// mostMemory bounds the memory for reading a damaged file of a few kilobytes: a few pages of the largest size that one may unpack to.
const mostMemory = 1 << 30

func TestDamagedFilesAreErrorsInBoundedMemory(t *testing.T) {
	files, err := filepath.Glob("testdata/*.parquet")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, path := range files {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 80 {
			b := bytes.Clone(whole)
			if r.IntN(10) == 0 {
				b = b[:r.IntN(len(b))]
			} else {
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			}
			if allocated, err := read(b); allocated > mostMemory {
				t.Fatalf("%s: took %d MB: %v", path, allocated>>20, err)
			}
		}
	}
}

// hostile is a file of one column of bytes whose one page is a bomb of some kind.
func hostile(t *testing.T, codec format.CompressionCodec, header format.PageHeader, page []byte, rows int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[struct{ Image []byte }](&b)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	meta := *file.Metadata()
	header.CompressedPageSize = int32(len(page))
	head, err := thrift.Marshal(&thrift.CompactProtocol{}, &header)
	if err != nil {
		t.Fatal(err)
	}
	body := append([]byte("PAR1"), append(head, page...)...)
	meta.NumRows = rows
	meta.RowGroups = []format.RowGroup{{NumRows: rows, Columns: []format.ColumnChunk{{MetaData: format.ColumnMetaData{
		Type: format.ByteArray, PathInSchema: []string{"Image"}, Codec: codec, NumValues: rows,
		DataPageOffset: 4, TotalCompressedSize: int64(len(body) - 4),
	}}}}}
	footer, err := thrift.Marshal(&thrift.CompactProtocol{}, &meta)
	if err != nil {
		t.Fatal(err)
	}
	body = append(body, footer...)
	body = binary.LittleEndian.AppendUint32(body, uint32(len(footer)))
	return append(body, "PAR1"...)
}

func dataPage(values int32, encoding format.Encoding, size int32) format.PageHeader {
	return format.PageHeader{Type: format.DataPage, UncompressedPageSize: size, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues: values, Encoding: encoding, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
	})}
}

func TestBombsAreRefused(t *testing.T) {
	// Differences in blocks of 128 in 4 parts: the count, then the first number.
	counts := binary.AppendUvarint([]byte{0x80, 0x01, 4}, 1<<30)
	// 1,000 values that share 2^20 bytes with the one before: 2^30 bytes.
	shared := []byte{0x80, 0x01, 4}
	shared = binary.AppendVarint(binary.AppendUvarint(shared, 1000), 1<<20)
	for range 8 {
		shared = append(shared, 0, 0, 0, 0, 0) // no difference
	}
	shared = append(shared, shared...)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"zeros": {hostile(t, format.Lz4Raw, dataPage(1, format.Plain, 1<<30), []byte{0, 0, 0}, 1), "got a page of 1073741824 bytes"},
		"a page that is longer than it says": {
			hostile(t, format.Snappy, dataPage(1, format.Plain, 5), []byte{9, 8 << 2, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 1), "SNAPPY: want 5 bytes: got 9"},
		"rows":   {hostile(t, format.Uncompressed, dataPage(1<<30, format.Plain, 0), nil, 1<<30), "got 1073741824 rows"},
		"values": {hostile(t, format.Uncompressed, dataPage(1<<30, format.Plain, 0), nil, 5), "got 1073741824 values, want at most 5"},
		"runs": {hostile(t, format.Uncompressed, dataPage(5, format.RLEDictionary, 6), []byte{1, 0xfe, 0xff, 0xff, 0x7f, 0}, 5),
			"got a run of"},
		"counts": {hostile(t, format.Uncompressed, dataPage(5, format.DeltaLengthByteArray, int32(len(counts))), counts, 5),
			"numbers in a page of 5"},
		"prefixes": {hostile(t, format.Uncompressed, dataPage(1000, format.DeltaByteArray, int32(len(shared))), shared, 1000),
			"bytes of values in a page"},
	} {
		allocated, err := read(c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) || allocated > 64<<20 {
			t.Errorf("%s: got error %v, want %q in it; took %d MB", name, err, c.want, allocated>>20)
		}
	}
}

func FuzzFile(f *testing.F) {
	files, err := filepath.Glob("testdata/*.parquet")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if allocated, err := read(b); allocated > mostMemory+200*uint64(len(b)) {
			t.Errorf("took %d MB: %v", allocated>>20, err)
		}
	})
}
