package metric

import (
	"context"
	"fmt"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Products computes blocks of A Bᵀ in float32 on a GoMLX backend. It keeps one small program for each size of a block, and no
// more than one block of results. It may be used by several goroutines.
type Products struct {
	backend compute.Backend
	block   int

	mu       sync.Mutex
	programs map[[3]int]compute.Executable // by rows of A, rows of B, columns
	slacks   map[int]float64               // by columns: see slack
}

// NewProducts computes on a backend, which stays the caller's.
func NewProducts(b compute.Backend) *Products {
	return &Products{backend: b, block: 1024, programs: map[[3]int]compute.Executable{}, slacks: map[int]float64{}}
}

// Close frees the programs.
func (p *Products) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.programs {
		e.Finalize()
	}
	clear(p.programs)
}

// operand is a matrix on the device, in blocks of rows.
type operand struct {
	n, d, block int
	blocks      []compute.Buffer
}

// upload copies f to the device, less a mean that is given: distances stay, and products round less. The caller frees it.
func (p *Products) upload(f Features, mean []float64) (*operand, error) {
	o := &operand{n: f.N, d: f.D, block: p.block}
	x := make([]float32, min(p.block, f.N)*f.D)
	for i := 0; i < f.N; i += p.block {
		part := f.Slice(i, min(f.N, i+p.block))
		x := x[:len(part.X)]
		for r := range part.N {
			for j, v := range part.Row(r) {
				x[r*f.D+j] = float32(float64(v) - mean[j])
			}
		}
		b, err := p.backend.BufferFromFlatData(0, x, shapes.Make(dtypes.Float32, part.N, part.D))
		if err != nil {
			o.free()
			return nil, fmt.Errorf("features to the device: %w", err)
		}
		o.blocks = append(o.blocks, b)
	}
	return o, nil
}

func (o *operand) free() {
	for _, b := range o.blocks {
		b.Finalize() // a buffer that was made can be given back
	}
	o.blocks = nil
}

// rows is the size of block i.
func (o *operand) rows(i int) int { return min(o.block, o.n-i*o.block) }

// tile is one block of A Bᵀ: element (i, j) of it is row At+i of A times row Bt+j of B.
type tile struct {
	At, Bt, rows, cols int
	v                  []float32 // [rows, cols]
}

// each calls f with every block of A Bᵀ. If a is b, blocks below the diagonal, which are others transposed, are left out.
// A tile is valid until f returns.
func (p *Products) each(ctx context.Context, a, b *operand, f func(tile) error) error {
	v := make([]float32, min(p.block, a.n)*min(p.block, b.n))
	for i := range a.blocks {
		for j := range b.blocks {
			if a == b && j < i {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			t := tile{i * p.block, j * p.block, a.rows(i), b.rows(j), nil}
			t.v = v[:t.rows*t.cols]
			if err := p.product(a.blocks[i], b.blocks[j], t, a.d); err != nil {
				return fmt.Errorf("products of features: %w", err)
			}
			if err := f(t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Products) product(a, b compute.Buffer, t tile, d int) error {
	e, err := p.program(t.rows, t.cols, d)
	if err != nil {
		return err
	}
	out, err := e.Execute([]compute.Buffer{a, b}, nil, 0)
	if err != nil {
		return err
	}
	defer out[0].Finalize()
	return out[0].ToFlatData(t.v)
}

// program multiplies [m, d] by [n, d] to [m, n].
func (p *Products) program(m, n, d int) (compute.Executable, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := [3]int{m, n, d}
	if e, ok := p.programs[key]; ok {
		return e, nil
	}
	b := p.backend.Builder("products")
	f := b.Main()
	x, err := f.Parameter("a", shapes.Make(dtypes.Float32, m, d), nil)
	if err != nil {
		return nil, err
	}
	y, err := f.Parameter("b", shapes.Make(dtypes.Float32, n, d), nil)
	if err != nil {
		return nil, err
	}
	xy, err := f.DotGeneral(x, []int{1}, nil, y, []int{1}, nil, compute.DotGeneralConfig{})
	if err != nil {
		return nil, err
	}
	if err := f.Return([]compute.Value{xy}, nil); err != nil {
		return nil, err
	}
	e, err := b.Compile()
	if err != nil {
		return nil, err
	}
	p.programs[key] = e
	return e, nil
}
