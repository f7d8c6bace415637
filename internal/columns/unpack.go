package columns

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// budget is the largest number of bytes that packed bytes may unpack to. Pages have about 1 MB, or one image if that is larger, and
// images barely compress any further.
func budget(packed int64) int64 { return 64<<20 + 64*packed }

// known rejects codecs that unpack does not know.
func known(codec format.CompressionCodec) error {
	switch codec {
	case format.Uncompressed, format.Snappy, format.Gzip, format.Brotli, format.Zstd, format.Lz4Raw:
		return nil
	case format.Lz4:
		return errors.New("compressed by the old codec LZ4, which writers implement differently: " +
			"rewrite the file with another codec, such as zstd")
	}
	return fmt.Errorf("compressed by codec %d (%s), want none, snappy, gzip, brotli, zstd or lz4_raw", codec, codec)
}

// unpack decompresses a page to exactly size bytes.
func unpack(codec format.CompressionCodec, packed []byte, size int) ([]byte, error) {
	if codec == format.Uncompressed {
		if len(packed) != size {
			return nil, fmt.Errorf("got %d bytes, want %d", len(packed), size)
		}
		return packed, nil
	}
	if size == 0 { // writers omit the compressed form of empty data
		return nil, nil
	}
	page, err := make([]byte, size), error(nil)
	switch codec {
	case format.Snappy:
		var n int
		if n, err = snappy.DecodedLen(packed); err == nil && n != size {
			err = fmt.Errorf("got %d bytes", n)
		} else if err == nil {
			page, err = snappy.Decode(page, packed)
		}
	case format.Lz4Raw:
		var n int
		if n, err = lz4.UncompressBlock(packed, page); err == nil && n != size {
			err = fmt.Errorf("got %d bytes", n)
		}
	case format.Gzip:
		var in *gzip.Reader
		if in, err = gzip.NewReader(bytes.NewReader(packed)); err == nil {
			err = fill(page, in)
		}
	case format.Brotli:
		err = fill(page, brotli.NewReader(bytes.NewReader(packed)))
	case format.Zstd:
		var in *zstd.Decoder
		in, err = zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(uint64(max(budget(0), int64(size)))))
		if err == nil {
			err = fill(page, in)
			in.Close()
		}
	default:
		err = known(codec)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: want %d bytes: %w", codec, size, err)
	}
	return page, nil
}

// fill reads a page and the end.
func fill(page []byte, in io.Reader) error {
	if n, err := io.ReadFull(in, page); err != nil {
		return fmt.Errorf("got %d bytes: %w", n, err)
	}
	switch n, err := io.ReadFull(in, make([]byte, 1)); {
	case n > 0:
		return errors.New("got more")
	case err != io.EOF:
		return err
	}
	return nil
}
