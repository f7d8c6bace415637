package losslessjpeg

import (
	"errors"
	"fmt"
)

// scan decodes the rows of a scan.
type scan struct {
	bits      bits
	codes     *codes
	predictor byte
	start     int // the prediction of the first sample
}

// row decodes a row; above is the row above it, nil for the first of a scan and of a restart interval. A sample is its prediction
// (H.1.2.1, table H.1) plus a difference, modulo 2^16.
func (s *scan) row(row, above []uint16) error {
	for x := range row {
		difference, err := s.difference()
		if err != nil {
			return err
		}
		var prediction int
		switch {
		case above == nil && x == 0:
			prediction = s.start
		case above == nil:
			prediction = int(row[x-1])
		case x == 0:
			prediction = int(above[0])
		default:
			prediction = predict(s.predictor, int(row[x-1]), int(above[x]), int(above[x-1]))
		}
		row[x] = uint16(prediction + difference)
	}
	return nil
}

// predict is the prediction of a sample from those on its left (a), above it (b), and on the left above (c).
func predict(predictor byte, a, b, c int) int {
	switch predictor {
	case 1:
		return a
	case 2:
		return b
	case 3:
		return c
	case 4:
		return a + b - c
	case 5:
		return a + (b-c)>>1
	case 6:
		return b + (a-c)>>1
	}
	return (a + b) >> 1
}

// difference reads a difference: the code of its number of bits, and these (H.1.2.2).
func (s *scan) difference() (int, error) {
	code := s.codes.lookup[s.bits.peek(maxLength)]
	if code == 0 || !s.bits.skip(int(code>>8)) {
		return 0, s.bits.failure("got no code")
	}
	n := int(code & 0xff)
	if n == 0 {
		return 0, nil
	}
	if n == 16 {
		return 1 << 15, nil
	}
	x := int(s.bits.peek(n))
	if !s.bits.skip(n) {
		return 0, s.bits.failure("got no difference")
	}
	if x < 1<<(n-1) { // negative numbers are one less than their complement
		x += -1<<n + 1
	}
	return x, nil
}

// maxLength is the longest code, in bits.
const maxLength = 16

// codes finds a code by the next 16 bits: its length in the high byte, its value, the number of bits of a difference, in the low byte.
type codes struct{ lookup [1 << maxLength]uint16 }

// newCodes makes the codes of a table (C.2).
func newCodes(of table) (*codes, error) {
	t, code, k := &codes{}, 0, 0
	for i, count := range of.counts {
		length := i + 1
		for range count {
			if code >= 1<<length {
				return nil, errors.New("got more codes than there is room for")
			}
			if of.values[k] > 16 {
				return nil, fmt.Errorf("got differences of %d bits, want 0 to 16", of.values[k])
			}
			from, n := code<<(maxLength-length), 1<<(maxLength-length)
			for j := range n {
				t.lookup[from+j] = uint16(length)<<8 | uint16(of.values[k])
			}
			code++
			k++
		}
		code <<= 1
	}
	return t, nil
}

// bits reads bits, first those of high value, of bytes up to a marker. A byte 0 after a byte 0xff is none of them (F.2.2.5).
type bits struct {
	b    []byte
	at   int
	held uint64 // the next bits, from the highest
	n    int    // how many of them are held
}

// fill takes bytes while there is room for them, and there are some before the next marker.
func (r *bits) fill() {
	for r.n <= 56 && r.at < len(r.b) {
		x := r.b[r.at]
		if x == 0xff {
			if r.at+1 >= len(r.b) || r.b[r.at+1] != 0 {
				return
			}
			r.at++
		}
		r.at++
		r.held |= uint64(x) << (56 - r.n)
		r.n += 8
	}
}

// peek is the next bits, with zeros after the last.
func (r *bits) peek(n int) uint64 {
	if r.n < n {
		r.fill()
	}
	return r.held >> (64 - n)
}

// skip passes bits, and reports whether there were as many.
func (r *bits) skip(n int) bool {
	if n > r.n {
		return false
	}
	r.held <<= n
	r.n -= n
	return true
}

func (r *bits) failure(got string) error {
	if r.n < maxLength {
		return errCut
	}
	return errors.New(got)
}

// restart passes the marker of a restart, the numbers of which count modulo 8.
func (r *bits) restart(number int) error {
	r.fill()
	if r.n >= 8 {
		return errors.New("got samples before a restart that are none")
	}
	for r.at+1 < len(r.b) && r.b[r.at] == 0xff && r.b[r.at+1] == 0xff {
		r.at++
	}
	want := byte(markRST0 + (number-1)%8)
	if r.at+1 >= len(r.b) || r.b[r.at] != 0xff || r.b[r.at+1] != want {
		return fmt.Errorf("got no restart %d", number)
	}
	r.at += 2
	r.held, r.n = 0, 0
	return nil
}
