package metric

import (
	"context"
	"fmt"
	"sync"
)

// Multiply writes a bᵀ to out: a is [m d], b is [n d] and out is [m n], row-major. Several goroutines may call it at once.
// Products of matrices are the work of most metrics, so they run where networks do: engine/lower has one for every backend.
type Multiply func(out, a, b []float32, d int) error

// Products computes A Bᵀ of large matrices in blocks, of which it holds no more than one. It may be used by several goroutines.
type Products struct {
	multiply Multiply
	block    int

	mu     sync.Mutex
	slacks map[int]float64 // by columns: see slack
}

// NewProducts computes blocks by multiply.
func NewProducts(multiply Multiply) *Products {
	return &Products{multiply: multiply, block: 1024, slacks: map[int]float64{}}
}

// tile is one block of A Bᵀ: element (i, j) of it is row At+i of A times row Bt+j of B.
type tile struct {
	At, Bt, rows, cols int
	v                  []float32 // [rows, cols]
}

// each calls f with every block of A Bᵀ. If a is b, blocks below the diagonal, which are transposes of others, are skipped.
// A tile is valid until f returns.
func (p *Products) each(ctx context.Context, a, b *Features, f func(tile) error) error {
	v := make([]float32, min(p.block, a.N)*min(p.block, b.N))
	for i := 0; i < a.N; i += p.block {
		rows := a.Slice(i, min(a.N, i+p.block))
		for j := 0; j < b.N; j += p.block {
			if a == b && j < i {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			cols := b.Slice(j, min(b.N, j+p.block))
			t := tile{i, j, rows.N, cols.N, v[:rows.N*cols.N]}
			if err := p.multiply(t.v, rows.X, cols.X, a.D); err != nil {
				return fmt.Errorf("products of features: %w", err)
			}
			if err := f(t); err != nil {
				return err
			}
		}
	}
	return nil
}
