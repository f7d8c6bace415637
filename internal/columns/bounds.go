package columns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquet-go's decoders allocate room for as many values as runs and counts inside a page claim. The checks here compare these with
// the number of values in the page's header before anything is decoded.

var errCut = errors.New("the page is cut")

// levelWidth is the number of bits of a definition level.
func levelWidth(column *parquet.Column) int { return bits.Len(uint(column.MaxDefinitionLevel())) }

// checkPage checks a data page of version 1: levels with their lengths, then values.
func checkPage(column *parquet.Column, page []byte, values int, encoding format.Encoding) error {
	if column.MaxRepetitionLevel() > 0 {
		return errors.New("the column is repeated")
	}
	if column.MaxDefinitionLevel() > 0 {
		levels, rest, err := prefixed(page)
		if err != nil {
			return err
		}
		if err := checkRuns(levels, levelWidth(column), values); err != nil {
			return err
		}
		page = rest
	}
	return checkValues(page, values, encoding)
}

// prefixed splits off a part that begins with its length.
func prefixed(page []byte) (part, rest []byte, err error) {
	if len(page) < 4 {
		return nil, nil, errCut
	}
	n := binary.LittleEndian.Uint32(page)
	if uint64(n) > uint64(len(page)-4) {
		return nil, nil, errCut
	}
	return page[4 : 4+n], page[4+n:], nil
}

// checkValues checks the values of a page, of which some may be null.
func checkValues(page []byte, values int, encoding format.Encoding) error {
	switch encoding {
	case format.Plain, format.ByteStreamSplit:
		return nil
	case format.RLE: // truth values
		if len(page) == 0 {
			return nil
		}
		runs, _, err := prefixed(page)
		if err != nil {
			return err
		}
		return checkRuns(runs, 1, values)
	case format.PlainDictionary, format.RLEDictionary: //lint:ignore SA1019 older writers use the first
		if len(page) == 0 {
			return nil
		}
		if page[0] > 32 {
			return fmt.Errorf("got indices of %d bits", page[0])
		}
		return checkRuns(page[1:], int(page[0]), values)
	case format.DeltaBinaryPacked, format.DeltaLengthByteArray:
		return checkDelta(page, values)
	case format.DeltaByteArray:
		return checkPrefixes(page, values)
	}
	return fmt.Errorf("got encoding %d (%s), want one of the format's", encoding, encoding)
}

// checkRuns checks runs of equal and of packed values with a width in bits: Parquet's hybrid of run lengths and bit packing.
func checkRuns(runs []byte, width, values int) error {
	for total := uint64(0); len(runs) > 0; {
		head, n := binary.Uvarint(runs)
		if n <= 0 {
			return errCut
		}
		runs = runs[n:]
		count, used := head>>1, uint64(width+7)/8
		if head&1 == 1 {
			if count > uint64(len(runs))+1 && width > 0 {
				return errCut
			}
			count, used = 8*count, count*uint64(width)
		}
		// Packed values come in groups of eight, and some writers pad more.
		if total += count; count > uint64(values)+512 || total > uint64(values)+512 {
			return fmt.Errorf("got a run of %d values in a page of %d", count, values)
		}
		if head&1 == 1 && used > uint64(len(runs)) { // the last run may be cut to its values
			used = uint64(len(runs))
		}
		if used > uint64(len(runs)) {
			return errCut
		}
		runs = runs[used:]
	}
	return nil
}

// checkDelta checks the count of numbers encoded by their differences: block size, blocks, count, ...
func checkDelta(page []byte, values int) error {
	if len(page) == 0 {
		return nil
	}
	var count uint64
	for range 3 {
		x, n := binary.Uvarint(page)
		if n <= 0 {
			return errCut
		}
		count, page = x, page[n:]
	}
	if count > uint64(values) {
		return fmt.Errorf("got %d numbers in a page of %d values", count, values)
	}
	return nil
}

// checkPrefixes checks values encoded by the prefix that they share with the value before: they may be far longer than the page.
func checkPrefixes(page []byte, values int) error {
	if len(page) == 0 {
		return nil
	}
	limit, total, rest := budget(int64(len(page))), int64(0), page
	for range 2 { // the lengths of the prefixes, then of the suffixes
		if err := checkDelta(rest, values); err != nil {
			return err
		}
		lengths, after, err := deltas(rest)
		if err != nil {
			return err
		}
		for _, n := range lengths {
			if n < 0 || n > limit {
				return fmt.Errorf("got a length of %d bytes", n)
			}
			total += n
		}
		rest = after
	}
	if total > limit {
		return fmt.Errorf("got %d bytes of values in a page of %d, want at most %d", total, len(page), limit)
	}
	return nil
}

// deltas decodes numbers encoded by their differences, in blocks of miniblocks of one width each, and returns what follows.
func deltas(in []byte) (numbers []int64, rest []byte, err error) {
	varint := func() (x uint64) {
		x, n := binary.Uvarint(in)
		if n <= 0 {
			err, n = errCut, len(in)
		}
		in = in[n:]
		return x
	}
	signed := func() int64 { x := varint(); return int64(x>>1) ^ -int64(x&1) }
	block, parts, count, x := varint(), varint(), varint(), signed()
	if err != nil || parts == 0 || block == 0 || block > 1<<16 || parts > block || block/parts%32 != 0 {
		return nil, nil, errors.Join(errCut, err)
	}
	for n := uint64(0); n < count; {
		if n == 0 {
			numbers, n = append(numbers, x), 1
			continue
		}
		least := signed()
		if err != nil || uint64(len(in)) < parts {
			return nil, nil, errCut
		}
		widths := in[:parts]
		in = in[parts:]
		for _, width := range widths {
			if n >= count {
				break
			}
			each := block / parts
			size := each * uint64(width) / 8
			if width > 64 || size > uint64(len(in)) {
				return nil, nil, errCut
			}
			for i := uint64(0); i < each && n < count; i, n = i+1, n+1 {
				x += least + int64(packed(in, i*uint64(width), uint64(width)))
				numbers = append(numbers, x)
			}
			in = in[size:]
		}
	}
	return numbers, in, nil
}

// packed is the number of a width in bits that begins at a bit, the lowest bit first.
func packed(in []byte, at, width uint64) (x uint64) {
	for i := range width {
		x |= uint64(in[(at+i)/8]>>((at+i)%8)&1) << i
	}
	return x
}
