package columns

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// stream is the pages of a column chunk as they would be in a file without compression, made as they are read, from the first to the
// last and one in memory at a time.
type stream struct {
	in     *bufio.Reader
	codec  format.CompressionCodec
	column *parquet.Column
	rows   int64 // that are still to be read

	now    []byte // the header and the content of the current page
	begin  int64  // where it begins
	err    error
	stated bool // the dictionary was read
}

// The bytes of the header of a page, which may hold the least and the greatest value.
const (
	usualHeader = 64 << 10
	maxHeader   = 16 << 20
)

func newStream(in io.ReaderAt, size int64, data format.ColumnMetaData, column *parquet.Column, rows int64) (*stream, error) {
	start := data.DataPageOffset
	if d := data.DictionaryPageOffset; d > 0 && d < start {
		start = d
	}
	if length := data.TotalCompressedSize; start < int64(len(magic)) || length < 0 || start > size || length > size-start {
		return nil, fmt.Errorf("got pages from byte %d, %d bytes long, in a file of %d", start, length, size)
	}
	if err := known(data.Codec); err != nil {
		return nil, err
	}
	section := io.NewSectionReader(in, start, data.TotalCompressedSize)
	return &stream{in: bufio.NewReaderSize(section, usualHeader), codec: data.Codec, column: column, rows: rows}, nil
}

// ReadAt reads forward: parquet-go goes back only in search of a dictionary that it has not read.
func (s *stream) ReadAt(p []byte, at int64) (n int, err error) {
	if at < s.begin {
		return 0, s.fail(errors.New("values refer to a missing dictionary"))
	}
	for n < len(p) {
		if offset := at + int64(n) - s.begin; offset < int64(len(s.now)) {
			n += copy(p[n:], s.now[offset:])
			continue
		}
		s.begin += int64(len(s.now))
		s.now = nil
		if err := s.next(); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (s *stream) fail(err error) error {
	if s.err == nil {
		s.err = err
	}
	return err
}

// next reads a page.
func (s *stream) next() error {
	if s.err != nil {
		return s.err
	}
	if _, err := s.in.Peek(1); err == io.EOF || s.rows == 0 {
		return io.EOF
	}
	header, err := s.header()
	if err != nil {
		return s.fail(fmt.Errorf("page header: %w", err))
	}
	if s.now, err = s.page(header); err != nil {
		return s.fail(fmt.Errorf("%s: %w", header.Type, err))
	}
	return nil
}

// header reads the header of a page.
func (s *stream) header() (*format.PageHeader, error) {
	start, err := s.in.Peek(usualHeader)
	if _, cut := skim(start); cut != nil && err == nil { // longer than usual
		s.in = bufio.NewReaderSize(s.in, maxHeader)
		start, err = s.in.Peek(maxHeader)
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	if _, err := skim(start); err != nil {
		return nil, err
	}
	header := new(format.PageHeader)
	reader := (&thrift.CompactProtocol{}).NewReaderFromBytes(start)
	if err := thrift.NewDecoder(reader).Decode(header); err != nil {
		return nil, err
	}
	_, err = s.in.Discard(reader.BytesRead())
	return header, err
}

// page is the header and the content of the page that follows its header in the file.
func (s *stream) page(header *format.PageHeader) ([]byte, error) {
	packed, unpacked := int64(header.CompressedPageSize), int64(header.UncompressedPageSize)
	if packed < 0 || unpacked < 0 || unpacked > budget(packed) {
		return nil, fmt.Errorf("got a page of %d bytes in %d, want at most %d", unpacked, packed, budget(packed))
	}
	raw, err := readAll(s.in, packed)
	if err != nil {
		return nil, err
	}
	if sum := crc32.ChecksumIEEE(raw); header.CRC != 0 && uint32(header.CRC) != sum {
		return nil, fmt.Errorf("damaged: got checksum %08x, want %08x", sum, uint32(header.CRC))
	}
	var content []byte
	switch header.Type {
	case format.DataPage:
		content, err = s.dataPage(header, raw)
	case format.DataPageV2:
		content, err = s.dataPageV2(header, raw)
	case format.DictionaryPage:
		content, err = s.dictionary(header, raw)
	case format.IndexPage:
		return nil, nil // it has no values
	default:
		err = errors.New("want a page of values or a dictionary")
	}
	if err != nil {
		return nil, err
	}
	header.CompressedPageSize, header.UncompressedPageSize, header.CRC = int32(len(content)), int32(len(content)), 0
	now, err := thrift.Marshal(&thrift.CompactProtocol{}, header)
	return append(now, content...), err
}

func (s *stream) dataPage(header *format.PageHeader, raw []byte) ([]byte, error) {
	h := &header.DataPageHeader.V
	if !header.DataPageHeader.Valid {
		return nil, errors.New("the header is missing")
	}
	if err := s.count(int64(h.NumValues)); err != nil {
		return nil, err
	}
	if s.column.MaxDefinitionLevel() > 0 && h.DefinitionLevelEncoding != format.RLE {
		return nil, fmt.Errorf("got levels as %s, want RLE", h.DefinitionLevelEncoding)
	}
	h.Statistics = format.Statistics{}
	content, err := unpack(s.codec, raw, int(header.UncompressedPageSize))
	if err != nil {
		return nil, err
	}
	return content, checkPage(s.column, content, int(h.NumValues), h.Encoding)
}

func (s *stream) dataPageV2(header *format.PageHeader, raw []byte) ([]byte, error) {
	h := &header.DataPageHeaderV2.V
	if !header.DataPageHeaderV2.Valid {
		return nil, errors.New("the header is missing")
	}
	if err := s.count(int64(h.NumValues)); err != nil {
		return nil, err
	}
	h.Statistics = format.Statistics{}
	repetition, definition := int(h.RepetitionLevelsByteLength), int(h.DefinitionLevelsByteLength)
	levels := repetition + definition
	if repetition < 0 || definition < 0 || levels > len(raw) || levels > int(header.UncompressedPageSize) {
		return nil, fmt.Errorf("got levels of %d and %d bytes in a page of %d", repetition, definition, len(raw))
	}
	if h.NumNulls < 0 || h.NumNulls > h.NumValues {
		return nil, fmt.Errorf("got %d nulls of %d values", h.NumNulls, h.NumValues)
	}
	content := raw
	if !h.IsCompressed.Valid || h.IsCompressed.V {
		values, err := unpack(s.codec, raw[levels:], int(header.UncompressedPageSize)-levels)
		if err != nil {
			return nil, err
		}
		content = append(raw[:levels:levels], values...)
	}
	h.IsCompressed = thrift.New(false)
	if err := checkRuns(content[repetition:levels], levelWidth(s.column), int(h.NumValues)); err != nil {
		return nil, err
	}
	return content, checkValues(content[levels:], int(h.NumValues), h.Encoding)
}

func (s *stream) dictionary(header *format.PageHeader, raw []byte) ([]byte, error) {
	h := &header.DictionaryPageHeader.V
	if !header.DictionaryPageHeader.Valid {
		return nil, errors.New("the header is missing")
	}
	if s.stated {
		return nil, errors.New("got a second dictionary")
	}
	s.stated = true
	content, err := unpack(s.codec, raw, int(header.UncompressedPageSize))
	if err != nil {
		return nil, err
	}
	if h.NumValues < 0 || int(h.NumValues) > len(content) {
		return nil, fmt.Errorf("got %d values in %d bytes", h.NumValues, len(content))
	}
	return content, nil
}

// count subtracts the values of a page from those that are still to be read.
func (s *stream) count(values int64) error {
	if values < 0 || values > s.rows {
		return fmt.Errorf("got %d values, want at most %d", values, s.rows)
	}
	s.rows -= values
	return nil
}

// readAll reads n bytes, and allocates no memory for bytes that do not exist.
func readAll(in io.Reader, n int64) ([]byte, error) {
	const step = 1 << 20
	b := make([]byte, 0, min(n, step))
	for int64(len(b)) < n {
		old := len(b)
		b = append(b, make([]byte, min(n-int64(old), max(step, int64(old))))...)
		if _, err := io.ReadFull(in, b[old:]); err != nil {
			return nil, fmt.Errorf("got fewer than %d bytes: %w", n, err)
		}
	}
	return b, nil
}
