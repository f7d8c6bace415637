package columns

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// skim walks a struct of Thrift's compact protocol and returns its length. It rejects lists longer than the rest could hold: the decoder
// allocates room for as many elements as a list claims.
//
// Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
func skim(b []byte) (length int, err error) {
	s := skimmer{rest: b}
	s.structure(0)
	return len(b) - len(s.rest), s.err
}

type skimmer struct {
	rest []byte
	err  error
}

const (
	maxDepth    = 16 // the schema is a list, so metadata are nested only a few levels deep
	leastStruct = 3  // bytes of the smallest struct in any list of Parquet's metadata
)

// Thrift's types, as the compact protocol numbers them.
const (
	isTrue, isFalse, isByte, isDouble = 1, 2, 3, 7
	isI16, isI32, isI64               = 4, 5, 6
	isBinary, isList, isSet           = 8, 9, 10
	isMap, isStruct, isUUID           = 11, 12, 13
)

func (s *skimmer) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.rest = nil
}

func (s *skimmer) take(n uint64) {
	if n > uint64(len(s.rest)) {
		s.fail(errors.New("cut"))
		return
	}
	s.rest = s.rest[n:]
}

func (s *skimmer) octet() (b byte) {
	if len(s.rest) == 0 {
		s.fail(errors.New("cut"))
		return 0
	}
	b, s.rest = s.rest[0], s.rest[1:]
	return b
}

func (s *skimmer) number() uint64 {
	x, n := binary.Uvarint(s.rest)
	if n <= 0 {
		s.fail(errors.New("cut"))
		return 0
	}
	s.rest = s.rest[n:]
	return x
}

func (s *skimmer) structure(depth int) {
	if depth > maxDepth {
		s.fail(fmt.Errorf("nested deeper than %d", maxDepth))
	}
	for s.err == nil {
		b := s.octet()
		if b == 0 {
			return
		}
		if b>>4 == 0 {
			s.number() // the field's number, where it is not a small step from the last
		}
		if kind := b & 15; kind != isTrue && kind != isFalse { // a field of a truth value is its type
			s.value(kind, depth)
		}
	}
}

func (s *skimmer) value(kind byte, depth int) {
	switch kind {
	case isTrue, isFalse, isByte:
		s.octet()
	case isI16, isI32, isI64:
		s.number()
	case isDouble:
		s.take(8)
	case isBinary:
		s.take(s.number())
	case isUUID:
		s.take(16)
	case isStruct:
		s.structure(depth + 1)
	case isList, isSet:
		s.list(depth)
	case isMap: // Parquet has none
		s.fail(errors.New("got a map"))
	default:
		s.fail(fmt.Errorf("got type %d", kind))
	}
}

func (s *skimmer) list(depth int) {
	if depth > maxDepth {
		s.fail(fmt.Errorf("nested deeper than %d", maxDepth))
	}
	b := s.octet()
	count, kind := uint64(b>>4), b&15
	if count == 15 {
		count = s.number()
	}
	least := uint64(1)
	if kind == isStruct {
		least = leastStruct
	}
	if count > uint64(len(s.rest))/least {
		s.fail(fmt.Errorf("got a list of %d elements in %d bytes", count, len(s.rest)))
	}
	for ; count > 0 && s.err == nil; count-- {
		s.value(kind, depth+1)
	}
}
