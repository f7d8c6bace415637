// Package losslessjpeg decodes grey pictures in lossless JPEG, with 2 to 16 bits a pixel, as DICOM files have them: process 14, with any
// predictor. Go's image/jpeg has the lossy processes only. It imports no package of this module; engine/data decodes frames with it.
//
// The format: ITU-T T.81, annexes B (markers), F.2.2 (Huffman codes) and H (lossless mode).
package losslessjpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Picture is the samples of a picture, row by row, in the lowest Bits bits.
type Picture struct {
	Height, Width, Bits int
	Samples             []uint16
}

// MaxSide bounds the height and the width of a picture.
const MaxSide = 1 << 14

// ErrOther is in the chain of an error about a JPEG file of another process.
var ErrOther = errors.New("not lossless JPEG")

const (
	markSOF3 = 0xc3
	markDHT  = 0xc4
	markRST0 = 0xd0
	markSOI  = 0xd8
	markEOI  = 0xd9
	markSOS  = 0xda
	markDNL  = 0xdc
	markDRI  = 0xdd
)

// table is a Huffman table: the numbers of codes of each length, and their values.
type table struct{ counts, values []byte }

// Decode decodes a file. Memory is allocated only once there is a scan for the pixels.
func Decode(b []byte) (Picture, error) {
	d := decoder{b: b}
	p, err := d.file()
	if err != nil {
		return Picture{}, fmt.Errorf("lossless JPEG: %w", err)
	}
	return p, nil
}

type decoder struct {
	b        []byte
	at       int
	frame    Picture // without samples
	tables   [4]table
	interval int // samples between restarts; 0: there are none
}

// file reads segments up to the scan.
func (d *decoder) file() (Picture, error) {
	for first := true; ; first = false {
		mark, err := d.marker()
		switch {
		case err != nil:
			return Picture{}, err
		case first != (mark == markSOI):
			return Picture{}, fmt.Errorf("got marker %#x, want the start of a picture at its start only", mark)
		case mark == markSOI:
			continue
		case mark == markEOI:
			return Picture{}, errors.New("got no pixels")
		case mark == 1 || mark >= markRST0 && mark < markSOI: // without content
			continue
		}
		segment, err := d.segment()
		if err != nil {
			return Picture{}, err
		}
		switch {
		case mark == markSOF3:
			err = d.readFrame(segment)
		case mark == markDHT:
			err = d.readTables(segment)
		case mark == markDRI:
			if len(segment) != 2 {
				return Picture{}, fmt.Errorf("got a restart interval of %d bytes, want 2", len(segment))
			}
			d.interval = int(binary.BigEndian.Uint16(segment))
		case mark == markSOS:
			return d.readScan(segment)
		case mark == markDNL:
			err = errors.New("got the number of lines after them")
		case mark >= 0xc0 && mark <= 0xcf && mark != 0xc8 && mark != 0xcc:
			err = fmt.Errorf("%w: got the frame %#x, want %#x", ErrOther, mark, markSOF3)
		}
		if err != nil {
			return Picture{}, err
		}
	}
}

// marker reads a marker, before which there may be any number of bytes 0xff.
func (d *decoder) marker() (byte, error) {
	if d.at >= len(d.b) || d.b[d.at] != 0xff {
		return 0, fmt.Errorf("got no marker at byte %d of %d", d.at, len(d.b))
	}
	for d.at < len(d.b) && d.b[d.at] == 0xff {
		d.at++
	}
	if d.at == len(d.b) {
		return 0, errCut
	}
	d.at++
	return d.b[d.at-1], nil
}

var errCut = errors.New("the file is cut")

// segment reads the content of a segment.
func (d *decoder) segment() ([]byte, error) {
	if len(d.b)-d.at < 2 {
		return nil, errCut
	}
	n := int(binary.BigEndian.Uint16(d.b[d.at:]))
	if n < 2 || n > len(d.b)-d.at {
		return nil, fmt.Errorf("%w: got a segment of %d bytes at byte %d of %d", errCut, n, d.at, len(d.b))
	}
	segment := d.b[d.at+2 : d.at+n]
	d.at += n
	return segment, nil
}

// readFrame reads the header of the frame (B.2.2).
func (d *decoder) readFrame(s []byte) error {
	if len(s) < 6 || len(s) != 6+3*int(s[5]) {
		return fmt.Errorf("got a frame header of %d bytes", len(s))
	}
	if s[5] != 1 {
		return fmt.Errorf("got %d components, want grey", s[5])
	}
	d.frame = Picture{Bits: int(s[0]), Height: int(binary.BigEndian.Uint16(s[1:])), Width: int(binary.BigEndian.Uint16(s[3:]))}
	if f := d.frame; f.Bits < 2 || f.Bits > 16 || f.Height < 1 || f.Width < 1 || f.Height > MaxSide || f.Width > MaxSide {
		return fmt.Errorf("got %d x %d samples of %d bits, want 1 to %d per side, of 2 to 16", f.Height, f.Width, f.Bits, MaxSide)
	}
	return nil
}

// readTables reads Huffman tables (B.2.4.2).
func (d *decoder) readTables(s []byte) error {
	for len(s) > 0 {
		if len(s) < 17 || s[0] > 3 {
			return errors.New("got a table of another class, or a part of one")
		}
		n := 0
		for _, count := range s[1:17] {
			n += int(count)
		}
		if len(s) < 17+n {
			return errCut
		}
		d.tables[s[0]] = table{s[1:17], s[17 : 17+n]}
		s = s[17+n:]
	}
	return nil
}

// readScan reads the header of the scan (B.2.3), and its samples.
func (d *decoder) readScan(s []byte) (Picture, error) {
	if len(s) != 6 || s[0] != 1 || d.frame.Bits == 0 {
		return Picture{}, fmt.Errorf("got a scan header of %d bytes, want one of 6 after that of the frame", len(s))
	}
	number, predictor, shift := s[2]>>4, s[3], int(s[5]&15)
	switch {
	case number > 3 || d.tables[number].counts == nil:
		return Picture{}, fmt.Errorf("got no table %d", number)
	case predictor < 1 || predictor > 7:
		return Picture{}, fmt.Errorf("got predictor %d, want 1 to 7", predictor)
	case shift >= d.frame.Bits:
		return Picture{}, fmt.Errorf("got samples of %d bits without their last %d", d.frame.Bits, shift)
	case d.interval%d.frame.Width != 0: // H.1.1
		return Picture{}, fmt.Errorf("got restarts after %d samples in rows of %d, want whole rows", d.interval, d.frame.Width)
	}
	// A sample takes a bit at least.
	if size := d.frame.Height * d.frame.Width; size > 8*(len(d.b)-d.at) {
		return Picture{}, fmt.Errorf("%w: got %d bytes for %d samples", errCut, len(d.b)-d.at, size)
	}
	codes, err := newCodes(d.tables[number])
	if err != nil {
		return Picture{}, err
	}
	p := d.frame
	p.Samples = make([]uint16, p.Height*p.Width)
	scan := scan{bits: bits{b: d.b, at: d.at}, codes: codes, predictor: predictor, start: 1 << (p.Bits - shift - 1)}
	for y := range p.Height {
		fresh := y == 0
		if d.interval > 0 && y > 0 && y*p.Width%d.interval == 0 {
			if err := scan.bits.restart(y * p.Width / d.interval); err != nil {
				return Picture{}, err
			}
			fresh = true
		}
		var above []uint16
		if !fresh {
			above = p.Samples[(y-1)*p.Width:][:p.Width]
		}
		if err := scan.row(p.Samples[y*p.Width:][:p.Width], above); err != nil {
			return Picture{}, fmt.Errorf("row %d of %d: %w", y, p.Height, err)
		}
	}
	if shift > 0 {
		for i := range p.Samples {
			p.Samples[i] <<= shift
		}
	}
	return p, nil
}
