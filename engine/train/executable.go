package train

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// errNoCgo is in the chain of errors about XLA in binaries that cannot load libraries.
var errNoCgo = errors.New("this binary was built without cgo, so it cannot load PJRT plugins")

// executable is a graph compiled for its shapes. GoMLX's own Exec would compile at the first call; trials want to know what
// compiling costs, and that it works, before they begin.
type executable struct{ graph *graph.Graph }

// compile builds and compiles a graph of the parameters given.
func (b *Backend) compile(name string, params []shapes.Shape, body func(g *graph.Graph, in []*graph.Node) []*graph.Node) (*executable, float64, error) {
	start := b.now()
	var e *executable
	err := exceptions.TryCatch[error](func() { // graph building reports mistakes by panic
		g := graph.NewGraph(b.compute, name)
		in := make([]*graph.Node, len(params))
		for i, s := range params {
			in[i] = graph.Parameter(g, fmt.Sprint("p", i), s)
		}
		if err := g.Compile(body(g, in)...); err != nil {
			panic(err)
		}
		e = &executable{g}
	})
	seconds := b.now().Sub(start).Seconds()
	b.mu.Lock()
	b.stats.Graphs++
	b.stats.Seconds += seconds
	b.mu.Unlock()
	if err != nil {
		return nil, seconds, fmt.Errorf("compile %s on %s: %w", name, b.Name, err)
	}
	return e, seconds, nil
}

// run executes the graph. Donated inputs belong to the backend from then on, also if the call fails.
func (e *executable) run(in []compute.Buffer, donate []bool) (out []compute.Buffer, err error) {
	err = exceptions.TryCatch[error](func() {
		for _, t := range e.graph.RunWithBuffers(in, donate, 0) {
			f, err := t.DonateBuffer(e.graph.Backend(), 0) // takes the buffer out of its tensor
			if err != nil {
				panic(err)
			}
			out = append(out, f)
		}
	})
	return out, err
}

// free gives buffers back now. On a GPU their memory would wait for Go's collector, which does not feel the need.
func free(buffers ...compute.Buffer) error {
	var errs []error
	for _, f := range buffers {
		if f != nil {
			errs = append(errs, f.Finalize())
		}
	}
	return errors.Join(errs...)
}

// slot is an input that the host writes before calls.
type slot struct {
	b      *Backend
	shape  shapes.Shape
	flat   any            // []float32, ...: what the host writes
	buffer compute.Buffer // what the backend reads: flat's memory if shared, else the copy that was sent last
	shared bool
}

func (b *Backend) slot(s expr.Shape) (*slot, error) {
	l := &slot{b: b, shape: lower.TensorShape(s), shared: b.compute.HasSharedBuffers()}
	var err error
	if l.shared {
		l.buffer, l.flat, err = b.compute.NewSharedBuffer(0, l.shape)
	} else {
		l.flat = dtypes.MakeAnySlice(l.shape.DType, l.shape.Size())
	}
	return l, err
}

// set writes one number.
func (l *slot) set(i int, v float64) { put(l.flat, i, v) }

func put(flat any, i int, v float64) {
	switch d := flat.(type) {
	case []float32:
		d[i] = float32(v)
	case []float64:
		d[i] = v
	case []uint32:
		d[i] = uint32(v)
	case []int32:
		d[i] = int32(v)
	case []bool:
		d[i] = v != 0
	}
}

// send is the buffer with what was written.
func (l *slot) send() (compute.Buffer, error) {
	if l.shared {
		return l.buffer, nil
	}
	if err := free(l.buffer); err != nil {
		return nil, err
	}
	var err error
	l.buffer, err = l.b.compute.BufferFromFlatData(0, l.flat, l.shape)
	return l.buffer, err
}

func (l *slot) close() error { return free(l.buffer) }

// bytesOf copies a buffer to the host.
func bytesOf(f compute.Buffer) (shapes.Shape, []byte, error) {
	s, err := f.Shape()
	if err != nil {
		return s, nil, err
	}
	data := make([]byte, s.Size()*s.DType.Size())
	return s, data, f.ToFlatData(view(data, s))
}

// view sees bytes as a slice of s's element type.
func view(data []byte, s shapes.Shape) any {
	return dtypes.UnsafeAnySliceFromBytes(unsafe.Pointer(unsafe.SliceData(data)), s.DType, s.Size())
}

// floats reads a buffer of numbers.
func floats(f compute.Buffer) ([]float64, error) {
	s, data, err := bytesOf(f)
	if err != nil {
		return nil, err
	}
	v := make([]float64, s.Size())
	switch d := view(data, s).(type) {
	case []float32:
		for i, x := range d {
			v[i] = float64(x)
		}
	case []float64:
		copy(v, d)
	default:
		return nil, fmt.Errorf("got a tensor of %s, want floats", s.DType)
	}
	return v, nil
}
