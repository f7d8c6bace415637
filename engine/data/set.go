package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math"
)

// Shape is what is known about a set without its pixels: N images of H x W pixels and C channels, of Classes classes (0: no
// labels). A set of points in the plane is a set of 1 x 1 images with two channels.
type Shape struct{ N, H, W, C, Classes int }

// Points reports whether the images are points in the plane, whose coordinates are not pixels.
func (s Shape) Points() bool { return s.H == 1 && s.W == 1 && s.C == 2 }

// Set is a whole data set in memory. It is not changed after it is made, so goroutines may share it.
type Set struct {
	Name                string // that of the data set
	N, H, W, C, Classes int
	U8                  []uint8   // [n h w c] 0 to 255, where the pixels are stored bytes; else nil
	F32                 []float32 // [n h w c] in [-1, 1] where they are not (resized, windowed), or the coordinates of points; else nil
	Labels              []int32   // [n] 0 to Classes-1; nil if there are none
	ClassNames          []string  // [Classes]; nil if unknown
	Digest              string    // SHA-256 of shape, labels and pixels, in hex
	Notes               []string  // what the source left out or ignored, and why, one sentence each
}

// Shape is the set's shape.
func (s *Set) Shape() Shape { return Shape{s.N, s.H, s.W, s.C, s.Classes} }

// pixelValue maps a stored byte to [-1, 1]: x/127.5 - 1.
var pixelValue = func() (table [256]float32) {
	for x := range table {
		table[x] = float32(x)/127.5 - 1
	}
	return table
}()

// Batch writes the images at index to dst as [len(index) h w c] in [-1, 1] (points: their coordinates). It panics if an index is
// outside the set or dst has another length.
func (s *Set) Batch(dst []float32, index []int32) {
	size := s.H * s.W * s.C
	if len(dst) != len(index)*size {
		panic(fmt.Sprintf("data: batch of %d images of %d values: got room for %d", len(index), size, len(dst)))
	}
	for k, i := range index {
		to, from := dst[k*size:(k+1)*size], int(i)*size
		if s.U8 == nil {
			copy(to, s.F32[from:from+size])
			continue
		}
		for j, x := range s.U8[from : from+size] {
			to[j] = pixelValue[x]
		}
	}
}

// seal computes the digest, the last step of making a set.
func (s *Set) seal() *Set {
	h := sha256.New()
	kind := "u8"
	if s.U8 == nil {
		kind = "f32"
	}
	fmt.Fprintf(h, "starsweep images 1: %d %d %d %d %d %s %t\n", s.N, s.H, s.W, s.C, s.Classes, kind, s.Labels != nil)
	s.writeContent(h) // a hash returns no error
	s.Digest = sum(h)
	return s
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// writeContent writes labels, then pixels, little-endian.
func (s *Set) writeContent(w io.Writer) error {
	if err := writeWords(w, s.Labels, func(x int32) uint32 { return uint32(x) }); err != nil {
		return err
	}
	if s.U8 != nil {
		_, err := w.Write(s.U8)
		return err
	}
	return writeWords(w, s.F32, math.Float32bits)
}

// readContent fills labels and pixels, whose lengths are already right, from what writeContent wrote.
func (s *Set) readContent(r io.Reader) error {
	if err := readWords(r, s.Labels, func(x uint32) int32 { return int32(x) }); err != nil {
		return err
	}
	if s.U8 != nil {
		_, err := io.ReadFull(r, s.U8)
		return err
	}
	return readWords(r, s.F32, math.Float32frombits)
}

// chunk is how many 32-bit words are converted at a time.
const chunk = 1 << 14

func writeWords[T any](w io.Writer, xs []T, bits func(T) uint32) error {
	buf := make([]byte, 0, 4*chunk)
	for len(xs) > 0 {
		n := min(len(xs), chunk)
		buf = buf[:0]
		for _, x := range xs[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, bits(x))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		xs = xs[n:]
	}
	return nil
}

func readWords[T any](r io.Reader, xs []T, value func(uint32) T) error {
	buf := make([]byte, 4*chunk)
	for len(xs) > 0 {
		n := min(len(xs), chunk)
		if _, err := io.ReadFull(r, buf[:4*n]); err != nil {
			return err
		}
		for i := range n {
			xs[i] = value(binary.LittleEndian.Uint32(buf[4*i:]))
		}
		xs = xs[n:]
	}
	return nil
}
