package lower

import (
	"fmt"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Products multiplies matrices of float32 on a device. It keeps one small program for each size. It is safe for concurrent use.
type Products struct {
	on Device

	mu       sync.Mutex
	programs map[[3]int]compute.Executable // by rows of a, rows of b, columns
}

// NewProducts returns Products on a device. The caller closes them before the backend.
func NewProducts(on Device) *Products {
	return &Products{on: on, programs: map[[3]int]compute.Executable{}}
}

// Multiply writes a bᵀ to out: a is [m d], b is [n d] and out is [m n], row-major.
func (p *Products) Multiply(out, a, b []float32, d int) (err error) {
	m, n := len(a)/d, len(b)/d
	if len(a) != m*d || len(b) != n*d || len(out) != m*n {
		return fmt.Errorf("product: got %d, %d and %d numbers, want matrices [m %d], [n %d] and [m n]", len(a), len(b), len(out), d, d)
	}
	e, err := p.program(m, n, d)
	if err != nil {
		return err
	}
	in := make([]compute.Buffer, 2)
	for i, x := range [][]float32{a, b} {
		if in[i], err = p.on.Backend.compute.BufferFromFlatData(p.on.num(), x, shapes.Make(dtypes.Float32, len(x)/d, d)); err != nil {
			return fmt.Errorf("upload a matrix: %w", err)
		}
		defer in[i].Finalize() // a buffer that exists can be freed
	}
	results, err := e.Execute(in, nil, p.on.num())
	if err != nil {
		return err
	}
	defer results[0].Finalize()
	return results[0].ToFlatData(out)
}

// program returns the program that multiplies [m d] by [n d] to [m n].
func (p *Products) program(m, n, d int) (compute.Executable, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := [3]int{m, n, d}
	if e, ok := p.programs[size]; ok {
		return e, nil
	}
	b := p.on.Backend.compute.Builder("product")
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
	if err == nil {
		p.programs[size] = e
	}
	return e, err
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
