// Package hdf5 reads arrays of floats from HDF5 files in the form that h5py, and therefore Keras, writes by default: groups with
// symbol tables, version 1 object headers, contiguous data. It imports no package of this module; engine/feature reads networks with
// it. Anything that it does not support is an error that names it.
//
// Source: HDF5 File Format Specification 3.0, https://docs.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html.
package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Array is an array of floats in a file, row-major.
type Array struct {
	Path   string // groups and name, with slashes between
	Shape  []int
	Values []float32
}

// ErrFormat is wrapped by every error about bytes that this package cannot read.
var ErrFormat = errors.New("not a readable HDF5 file")

const (
	signature = "\x89HDF\r\n\x1a\n"
	undefined = math.MaxUint64 // the address of missing objects
	maxDepth  = 32             // of groups and trees
	maxReads  = 1 << 20        // objects and nodes of trees: those of a corrupt file may form cycles
	maxName   = 1 << 12        // bytes of a name
)

// Is reports whether a file begins like an HDF5 file.
func Is(file []byte) bool {
	return len(file) >= len(signature) && string(file[:len(signature)]) == signature
}

// Read returns every array of 32-bit or 64-bit floats, in the order of the groups' tables (by name). It skips arrays of other types.
// All arrays together have at most as many elements as the file has bytes, though some may share theirs.
func Read(file []byte) ([]Array, error) {
	if !Is(file) {
		return nil, fmt.Errorf("%w: the signature is missing", ErrFormat)
	}
	r := &reader{b: file, room: uint64(len(file))}
	root := r.superblock()
	r.object(root, "", 0)
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, r.err)
	}
	return r.arrays, nil
}

// reader keeps the first error; after it, all reads return zero.
type reader struct {
	b      []byte
	err    error
	reads  int
	room   uint64 // the number of further elements allowed
	arrays []Array
}

// deep counts the objects and nodes that are read, and fails if there are too many or they are nested too deeply.
func (r *reader) deep(path string, depth int) {
	if r.reads++; r.reads > maxReads || depth > maxDepth {
		r.fail("%s: groups form a cycle", path)
	}
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// bytes returns n bytes at an address, nil if the file is too short.
func (r *reader) bytes(at, n uint64) []byte {
	if r.err == nil && (at > uint64(len(r.b)) || n > uint64(len(r.b))-at) {
		r.fail("got a file of %d bytes, want %d at %d: it may be truncated", len(r.b), n, at)
	}
	if r.err != nil {
		return nil
	}
	return r.b[at : at+n]
}

// uint reads an unsigned number of n bytes.
func (r *reader) uint(at, n uint64) uint64 {
	var word [8]byte
	copy(word[:], r.bytes(at, n))
	return binary.LittleEndian.Uint64(word[:])
}

func (r *reader) want(at uint64, mark string) {
	if got := r.bytes(at, uint64(len(mark))); r.err == nil && string(got) != mark {
		r.fail("got %q at %d, want %q", got, at, mark)
	}
}

// superblock returns the address of the root group's header.
func (r *reader) superblock() uint64 {
	version := r.uint(8, 1)
	if version > 1 {
		r.fail("superblock version %d (libver='latest'): want a file written by h5py's defaults", version)
		return 0
	}
	if o, l := r.uint(13, 1), r.uint(14, 1); o != 8 || l != 8 {
		r.fail("addresses of %d and lengths of %d bytes, want 8", o, l)
	}
	entry := 56 + 4*version // version 1 has 4 more bytes before the addresses
	if base := r.uint(24+4*version, 8); base != 0 {
		r.fail("base address %d, want 0", base)
	}
	return r.uint(entry+8, 8)
}

// Types of messages in object headers.
const (
	dataspace    = 0x01
	datatype     = 0x03
	layout       = 0x08
	continuation = 0x10
	symbolTable  = 0x11
)

// object reads a group or an array.
func (r *reader) object(at uint64, path string, depth int) {
	r.deep(path, depth)
	m := r.messages(at, path)
	switch {
	case r.err != nil:
	case m[symbolTable] != nil:
		r.group(m[symbolTable], path, depth)
	case m[layout] != nil:
		r.array(m, path)
	}
}

// messages returns the last message of each type in an object header.
func (r *reader) messages(at uint64, path string) map[uint64][]byte {
	if version := r.uint(at, 1); version != 1 {
		r.fail("%s: object header version %d, want 1: a file written by h5py's defaults", path, version)
		return nil
	}
	found := map[uint64][]byte{}
	left := r.uint(at+2, 2)
	type block struct{ at, size uint64 }
	blocks := []block{{at + 16, r.uint(at+8, 4)}}
	for i := 0; i < len(blocks) && r.err == nil; i++ {
		for b := blocks[i]; left > 0 && b.size >= 8 && r.err == nil; left-- {
			kind, size, flags := r.uint(b.at, 2), r.uint(b.at+2, 2), r.uint(b.at+4, 1)
			data := r.bytes(b.at+8, size)
			if kind == continuation && size >= 16 {
				blocks = append(blocks, block{r.uint(b.at+8, 8), r.uint(b.at+16, 8)})
			}
			if flags&2 != 0 && (kind == datatype || kind == dataspace) {
				r.fail("%s: shared datatypes are not supported", path)
			}
			found[kind] = data
			if size+8 > b.size {
				break
			}
			b.at, b.size = b.at+8+size, b.size-8-size
		}
	}
	return found
}

// group reads the members in a symbol table.
func (r *reader) group(message []byte, path string, depth int) {
	if len(message) < 16 {
		r.fail("%s: symbol table message of %d bytes, want 16", path, len(message))
		return
	}
	tree, heap := binary.LittleEndian.Uint64(message), binary.LittleEndian.Uint64(message[8:])
	r.want(heap, "HEAP")
	r.node(tree, r.uint(heap+24, 8), path, depth, 0)
}

// node walks a B-tree of group members; names are the bytes of the group's heap.
func (r *reader) node(at, names uint64, path string, depth, level int) {
	r.deep(path, level)
	r.want(at, "TREE")
	kind, below, used := r.uint(at+4, 1), r.uint(at+5, 1), r.uint(at+6, 2)
	if kind != 0 {
		r.fail("%s: tree of kind %d, want 0", path, kind)
	}
	for i := range used {
		child := r.uint(at+24+8+16*i, 8) // between keys, which are ignored
		switch {
		case r.err != nil:
			return
		case below > 0:
			r.node(child, names, path, depth, level+1)
		default:
			r.members(child, names, path, depth)
		}
	}
}

// members reads a symbol table node.
func (r *reader) members(at, names uint64, path string, depth int) {
	const softLink = 2
	r.want(at, "SNOD")
	for i := range r.uint(at+6, 2) {
		entry := at + 8 + 40*i
		name, header, cache := r.name(names+r.uint(entry, 8)), r.uint(entry+8, 8), r.uint(entry+16, 4)
		if r.err != nil {
			return
		}
		if cache == softLink || header == undefined {
			continue
		}
		if path != "" {
			name = path + "/" + name
		}
		r.object(header, name, depth+1)
	}
}

func (r *reader) name(at uint64) string {
	r.bytes(at, 1)
	if r.err != nil {
		return ""
	}
	end := slices.Index(r.b[at:min(at+maxName, uint64(len(r.b)))], 0)
	if end < 0 {
		r.fail("a name at %d is not terminated", at)
		return ""
	}
	return string(r.b[at : at+uint64(end)])
}
