// Package idx reads and writes the IDX format of the MNIST database: a magic number, the sizes of the dimensions, then bytes.
// Several arrays may follow one another in one stream. It imports no package of this module; engine/data and its generator use it.
package idx

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// byteType is the third byte of the magic number: unsigned bytes, the only element type that MNIST and similar sets use.
const byteType = 0x08

// maxElements bounds what a header can make Read allocate: 4 GiB, a hundred times MNIST.
const maxElements = 1 << 32

// Array is an array of bytes in row-major order; len(Data) is the product of Dims.
type Array struct {
	Dims []int
	Data []byte
}

// ReadDims reads a header and leaves r at the first element.
func ReadDims(r io.Reader) ([]int, error) {
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, fmt.Errorf("idx magic number: %w", noEOF(err))
	}
	if magic[0] != 0 || magic[1] != 0 || magic[2] != byteType || magic[3] == 0 || magic[3] > 4 {
		return nil, fmt.Errorf("idx magic number: got % x, want 00 00 08 and 1 to 4 dimensions", magic)
	}
	dims, elements := make([]int, magic[3]), uint64(1)
	for i := range dims {
		var size [4]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return nil, fmt.Errorf("idx dimension %d: %w", i, noEOF(err))
		}
		dims[i] = int(binary.BigEndian.Uint32(size[:]))
		if elements *= uint64(dims[i]); elements > maxElements {
			return nil, fmt.Errorf("idx dimensions %v: more than %d elements", dims[:i+1], uint64(maxElements))
		}
	}
	return dims, nil
}

// Read reads one array and no byte beyond it, so that the next array can be read from the same stream.
func Read(r io.Reader) (Array, error) {
	dims, err := ReadDims(r)
	if err != nil {
		return Array{}, err
	}
	a := Array{Dims: dims, Data: make([]byte, product(dims))}
	if n, err := io.ReadFull(r, a.Data); err != nil {
		return Array{}, fmt.Errorf("idx array %v: got %d bytes, want %d: %w", dims, n, len(a.Data), noEOF(err))
	}
	return a, nil
}

// Write writes one array.
func Write(w io.Writer, a Array) error {
	if product(a.Dims) != len(a.Data) {
		return fmt.Errorf("idx array %v: got %d bytes, want %d", a.Dims, len(a.Data), product(a.Dims))
	}
	out := bufio.NewWriter(w)
	out.Write([]byte{0, 0, byteType, byte(len(a.Dims))})
	for _, d := range a.Dims {
		out.Write(binary.BigEndian.AppendUint32(nil, uint32(d)))
	}
	out.Write(a.Data)
	return out.Flush() // reports the first error of the writes above
}

// Head is the first n entries along the first dimension.
func (a Array) Head(n int) Array {
	dims := append([]int{n}, a.Dims[1:]...)
	return Array{Dims: dims, Data: a.Data[:product(dims)]}
}

func product(dims []int) int {
	p := 1
	for _, d := range dims {
		p *= d
	}
	return p
}

// noEOF turns an end of file inside a record into io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
