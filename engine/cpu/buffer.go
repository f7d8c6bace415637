package cpu

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

type ptr = unsafe.Pointer

// slack is the number of bytes after every piece of memory that may be read and written, since vector loops round up to 16 elements. It
// is also the alignment.
const slack = 64

func roundUp(bytes int) int { return (bytes + slack - 1 + slack) &^ (slack - 1) }

// newMemory allocates zeroed and aligned memory, with slack.
func newMemory(bytes int) ptr {
	m := make([]byte, roundUp(bytes)+slack-1)
	p := ptr(unsafe.SliceData(m))
	return unsafe.Add(p, -uintptr(p)&(slack-1))
}

func of[T any](p ptr, n int) []T { return unsafe.Slice((*T)(p), n) }

func copyBytes(d, s ptr, n int) { copy(of[byte](d, n), of[byte](s, n)) }

// poolBytes is the largest amount of memory that a pool keeps: two copies of the state of a large network fit.
const poolBytes = 512 << 20

// pool keeps the memory of finalized buffers by size: a training step allocates the same buffers again and again.
type pool struct {
	mu     sync.Mutex
	free   map[int][]ptr
	kept   int // bytes
	closed bool
}

// get returns memory with any contents.
func (p *pool) get(bytes int) ptr {
	n := roundUp(bytes)
	p.mu.Lock()
	if l := p.free[n]; len(l) > 0 {
		m := l[len(l)-1]
		p.free[n] = l[:len(l)-1]
		p.kept -= n
		p.mu.Unlock()
		return m
	}
	p.mu.Unlock()
	return newMemory(bytes)
}

// put takes memory back.
func (p *pool) put(m ptr, bytes int) {
	n := roundUp(bytes)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.kept+n > poolBytes {
		return
	}
	if p.free == nil {
		p.free = map[int][]ptr{}
	}
	p.free[n] = append(p.free[n], m)
	p.kept += n
}

// empty drops all memory.
func (p *pool) empty() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free, p.kept = nil, 0
}

// close drops all memory, and keeps none from then on.
func (p *pool) close() {
	p.empty()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// Buffer is a tensor in host memory. A buffer that is dropped without Finalize is collected like any value.
type Buffer struct {
	backend *Backend
	shape   shapes.Shape
	p       ptr // nil when finalized
}

var errFinalized = errors.New("backend cpu: the buffer is finalized")

func byteSize(s shapes.Shape) int { return s.Size() * s.DType.Size() }

func (b *Backend) newBuffer(s shapes.Shape) *Buffer {
	return &Buffer{b, s.Clone(), b.pool.get(byteSize(s))}
}

func (f *Buffer) flat() any {
	return dtypes.UnsafeAnySliceFromBytes(f.p, f.shape.DType, f.shape.Size())
}

func (f *Buffer) Backend() compute.Backend              { return f.backend }
func (f *Buffer) Shape() (shapes.Shape, error)          { return f.shape, nil }
func (f *Buffer) DeviceNum() (compute.DeviceNum, error) { return 0, nil }
func (f *Buffer) CopyToDevice(compute.DeviceNum) (compute.Buffer, error) {
	return nil, errors.New("backend cpu: there is only one device")
}

// Finalize releases the memory, which invalidates slices that Data returned. It may be called again, and for donated buffers.
func (f *Buffer) Finalize() error {
	if f.p == nil {
		return nil
	}
	f.backend.pool.put(f.p, byteSize(f.shape))
	f.p = nil
	return nil
}

func (f *Buffer) ToFlatData(flat any) error {
	if f.p == nil {
		return errFinalized
	}
	if err := fits(flat, f.shape); err != nil {
		return err
	}
	reflect.Copy(reflect.ValueOf(flat), reflect.ValueOf(f.flat()))
	return nil
}

func (f *Buffer) Data() (any, error) {
	if f.p == nil {
		return nil, errFinalized
	}
	return f.flat(), nil
}

// elementType returns the dtype of a slice.
func elementType(flat any) (dtypes.DType, error) {
	t := reflect.TypeOf(flat)
	if t == nil || t.Kind() != reflect.Slice {
		return dtypes.InvalidDType, fmt.Errorf("backend cpu: got a %T, want a slice", flat)
	}
	return dtypes.FromGoType(t.Elem()), nil
}

// fits checks a slice against a shape.
func fits(flat any, s shapes.Shape) error {
	d, err := elementType(flat)
	if n := s.Size(); err == nil && (d != s.DType || reflect.ValueOf(flat).Len() != n) {
		err = fmt.Errorf("backend cpu: got %d elements in a %T for a %s, want %d", reflect.ValueOf(flat).Len(), flat, s, n)
	}
	return err
}

func (b *Backend) BufferFromFlatData(_ compute.DeviceNum, flat any, s shapes.Shape) (compute.Buffer, error) {
	if err := fits(flat, s); err != nil {
		return nil, err
	}
	f := b.newBuffer(s)
	reflect.Copy(reflect.ValueOf(f.flat()), reflect.ValueOf(flat))
	return f, nil
}

// NewSharedBuffer returns a buffer of zeros, and its memory as a slice.
func (b *Backend) NewSharedBuffer(_ compute.DeviceNum, s shapes.Shape) (compute.Buffer, any, error) {
	f := b.newBuffer(s)
	clear(of[byte](f.p, byteSize(s)))
	return f, f.flat(), nil
}
