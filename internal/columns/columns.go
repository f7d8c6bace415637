// Package columns reads columns of Parquet files by any writer. parquet-go decodes the values; this package reads the footer and the
// pages, decompresses each page to exactly the size in its header, and checks before anything is decoded that it can be decoded in
// bounded memory. It imports no package of this module; engine/data reads its images through it.
//
// parquet-go v0.32.0 must not decompress: if a page shrinks by less than a factor of 3, its LZ4 codec returns another buffer, and the
// reader then uses the previous content of the pool's buffer as the page (column.go, decompress).
//
// The format: https://github.com/apache/parquet-format
package columns

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// File is an open Parquet file. Its schema and metadata are parquet-go's; only Values reads its pages.
type File struct {
	*parquet.File
	in     io.ReaderAt
	size   int64
	groups []format.RowGroup
}

const (
	magic     = "PAR1"
	tail      = 4 + len(magic) // of a file: the length of the footer, and the magic word
	maxFooter = 16 << 20       // bytes: thousands of row groups
)

// MaxRows is the largest number of rows that a file of a size in bytes may have. The row of an image takes several bytes, and with this
// bound a damaged or hostile file cannot cause allocations beyond a multiple of its size.
func MaxRows(size int64) int64 { return 1<<20 + size }

// Open reads the footer of a file of size bytes. The file must stay open while values are read.
func Open(in io.ReaderAt, size int64) (file *File, err error) {
	defer rescue(&err)
	footer, err := readFooter(in, size)
	if err != nil {
		return nil, err
	}
	var meta format.FileMetaData
	if err := thrift.Unmarshal(&thrift.CompactProtocol{}, footer, &meta); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	f := &File{in: in, size: size}
	if f.groups, err = uncompressed(&meta, size); err != nil {
		return nil, err
	}
	if footer, err = thrift.Marshal(&thrift.CompactProtocol{}, &meta); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	alone := append([]byte(magic), footer...)
	alone = binary.LittleEndian.AppendUint32(alone, uint32(len(footer)))
	alone = append(alone, magic...)
	f.File, err = parquet.OpenFile(bytes.NewReader(alone), int64(len(alone)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	return f, err
}

// Size is the size of the file in bytes.
func (f *File) Size() int64 { return f.size }

// readFooter is the metadata at the end of a file.
func readFooter(in io.ReaderAt, size int64) ([]byte, error) {
	if size < int64(len(magic)+tail) {
		return nil, fmt.Errorf("got %d bytes, want a Parquet file", size)
	}
	end := make([]byte, tail)
	if _, err := in.ReadAt(end, size-int64(tail)); err != nil {
		return nil, err
	}
	switch word := string(end[4:]); word {
	case magic:
	case "PARE":
		return nil, errors.New("the file is encrypted")
	default:
		return nil, fmt.Errorf("got %q at the end, want %q: not a Parquet file, or cut", word, magic)
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if length > size-int64(len(magic)+tail) || length > maxFooter {
		return nil, fmt.Errorf("got a footer of %d bytes in a file of %d, want at most %d", length, size, maxFooter)
	}
	footer := make([]byte, length)
	if _, err := in.ReadAt(footer, size-int64(tail)-length); err != nil {
		return nil, err
	}
	used, err := skim(footer)
	if err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	if used < len(footer) {
		return nil, fmt.Errorf("footer: %d bytes follow the metadata: the file is signed or damaged", len(footer)-used)
	}
	return footer, nil
}

// uncompressed changes the metadata to those of a file whose column chunks are the streams of uncompressed pages that Values makes, and
// returns the row groups as they were.
func uncompressed(meta *format.FileMetaData, size int64) ([]format.RowGroup, error) {
	if meta.NumRows < 0 || meta.NumRows > MaxRows(size) {
		return nil, fmt.Errorf("got %d rows in %d bytes, want at most %d", meta.NumRows, size, MaxRows(size))
	}
	groups, rows := make([]format.RowGroup, len(meta.RowGroups)), int64(0)
	for i := range meta.RowGroups {
		group := &meta.RowGroups[i]
		groups[i] = *group
		groups[i].Columns = append(groups[i].Columns[:0:0], group.Columns...)
		if group.NumRows < 0 || group.NumRows > meta.NumRows-rows {
			return nil, fmt.Errorf("row group %d: got %d rows of %d", i, group.NumRows, meta.NumRows)
		}
		rows += group.NumRows
		for j := range group.Columns {
			chunk := &group.Columns[j]
			if chunk.FilePath != "" {
				return nil, fmt.Errorf("row group %d: the values are in another file, %q", i, chunk.FilePath)
			}
			if chunk.CryptoMetadata.Value != nil || len(chunk.EncryptedColumnMetadata) > 0 {
				return nil, errors.New("the file is encrypted")
			}
			data := &chunk.MetaData
			data.Codec, data.DictionaryPageOffset, data.DataPageOffset, data.TotalCompressedSize = format.Uncompressed, 0, 0, math.MaxInt64/2
		}
	}
	if rows != meta.NumRows {
		return nil, fmt.Errorf("got %d rows in row groups, want %d", rows, meta.NumRows)
	}
	return groups, nil
}

// Values yields the values of a column that is not repeated: one for each row, or an error, after which it ends. The bytes of a value
// are valid until the next one.
func (f *File) Values(ctx context.Context, column *parquet.Column) iter.Seq2[parquet.Value, error] {
	return func(yield func(parquet.Value, error) bool) {
		for i, group := range f.RowGroups() {
			rows := int64(0)
			ok, err := f.eachValue(ctx, i, group, column, func(v parquet.Value) bool {
				rows++
				return yield(v, nil)
			})
			if err == nil && ok && rows != group.NumRows() {
				err = fmt.Errorf("got %d values, want %d", rows, group.NumRows())
			}
			if err != nil {
				yield(parquet.Value{}, fmt.Errorf("row group %d, column %q: %w", i, column.Name(), err))
				return
			}
			if !ok {
				return
			}
		}
	}
}

// eachValue yields the values of a row group. It returns false if yield did.
func (f *File) eachValue(ctx context.Context, i int, group parquet.RowGroup, column *parquet.Column, yield func(parquet.Value) bool) (
	ok bool, err error,
) {
	chunk, known := group.ColumnChunks()[column.Index()].(*parquet.FileColumnChunk)
	if !known {
		return false, errors.New("no pages")
	}
	stream, err := newStream(f.in, f.size, f.groups[i].Columns[column.Index()].MetaData, column, group.NumRows())
	if err != nil {
		return false, err
	}
	pages := chunk.PagesFrom(stream)
	defer func() { err = errors.Join(err, pages.Close()) }()
	buffer := make([]parquet.Value, 256)
	for {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		page, err := readPage(pages)
		if stream.err != nil { // parquet-go may have mistaken it for the end of a page
			return false, stream.err
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		ok, err := pageValues(page, buffer, yield)
		parquet.Release(page)
		if err != nil || !ok {
			return false, err
		}
	}
}

// readPage reads a page of a file. parquet-go panics on some damaged ones.
func readPage(pages *parquet.FilePages) (page parquet.Page, err error) {
	defer rescue(&err)
	return pages.ReadPage()
}

func readValues(reader parquet.ValueReader, values []parquet.Value) (n int, err error) {
	defer rescue(&err)
	return reader.ReadValues(values)
}

// rescue is deferred around calls of parquet-go, which panics on some damaged files.
func rescue(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("damaged: %v", r)
	}
}

func pageValues(page parquet.Page, buffer []parquet.Value, yield func(parquet.Value) bool) (ok bool, err error) {
	for reader := page.Values(); ; {
		n, err := readValues(reader, buffer)
		for _, value := range buffer[:n] {
			if !yield(value) {
				return false, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if n == 0 {
			return false, io.ErrNoProgress
		}
	}
}
