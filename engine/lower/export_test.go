package lower

import "github.com/gomlx/compute"

// Wrap makes a backend of one of GoMLX's, for tests.
func Wrap(b compute.Backend) *Backend { return &Backend{b} }

// Compute is GoMLX's backend in b, for tests.
func (b *Backend) Compute() compute.Backend { return b.compute }
