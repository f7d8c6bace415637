package hdf5

import (
	"encoding/binary"
	"math"
)

// array reads the array that an object header describes, if its elements are floats.
func (r *reader) array(m map[uint64][]byte, path string) {
	size, ok := r.floats(m[datatype], path)
	if !ok || r.err != nil {
		return
	}
	shape, n := r.shape(m[dataspace], path)
	data := r.data(m[layout], n*size, path)
	if r.err != nil {
		return
	}
	r.room -= n
	values := make([]float32, n)
	for i := range values {
		if size == 4 {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		} else {
			values[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])))
		}
	}
	r.arrays = append(r.arrays, Array{path, shape, values})
}

// floats returns the size of an element; ok is false for types other than floats.
func (r *reader) floats(message []byte, path string) (size uint64, ok bool) {
	const float = 1
	if len(message) < 8 {
		r.fail("%s: datatype message of %d bytes, want 8 or more", path, len(message))
		return 0, false
	}
	if message[0]&15 != float {
		return 0, false
	}
	size = uint64(binary.LittleEndian.Uint32(message[4:]))
	if message[1]&0x41 != 0 || size != 4 && size != 8 {
		r.fail("%s: floats of %d bytes, byte order %#x: want little-endian ones of 4 or 8", path, size, message[1]&0x41)
	}
	return size, true
}

// shape returns the sizes of the axes, and their product.
func (r *reader) shape(message []byte, path string) (shape []int, n uint64) {
	if len(message) < 4 || message[0] < 1 || message[0] > 2 {
		r.fail("%s: got another version of the dataspace message, want 1 or 2", path)
		return nil, 0
	}
	rank, at := int(message[1]), 8
	if message[0] == 2 {
		at = 4
	}
	if len(message) < at+8*rank {
		r.fail("%s: dataspace message of %d bytes, want %d", path, len(message), at+8*rank)
		return nil, 0
	}
	n = 1
	for i := range rank {
		size := binary.LittleEndian.Uint64(message[at+8*i:])
		if size > r.room || n*size > r.room {
			r.fail("%s: axis %d has %d elements, more than the file", path, i, size)
			return nil, 0
		}
		n *= size
		shape = append(shape, int(size))
	}
	return shape, n
}

// data returns the bytes of an array.
func (r *reader) data(message []byte, size uint64, path string) []byte {
	const compact, contiguous = 0, 1
	if len(message) < 2 || message[0] != 3 {
		r.fail("%s: got another version of the layout message, want 3", path)
		return nil
	}
	switch class, rest := message[1], message[2:]; {
	case class == compact && len(rest) >= 2 && uint64(len(rest)-2) >= size:
		return rest[2 : 2+size]
	case class == contiguous && len(rest) >= 16:
		at := binary.LittleEndian.Uint64(rest)
		if at == undefined { // never written
			return make([]byte, size)
		}
		return r.bytes(at, size)
	}
	r.fail("%s: it is chunked or compressed, want it contiguous, as Keras writes it", path)
	return nil
}
