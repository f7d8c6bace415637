// Package parallel runs the iterations of a loop on all processors. It imports no package of this module; data sets are read,
// plans made and matrices multiplied with it.
package parallel

import (
	"context"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Each calls f(0) to f(n-1), and returns when all calls have returned.
func Each(n int, f func(i int)) {
	_ = For(context.Background(), n, func(i int) error { f(i); return nil })
}

// For calls f(0) to f(n-1), begun in this order, and returns when all calls have returned. After an error, or when ctx is
// cancelled, it begins no more. Of several errors it returns that of the lowest i, so that a run repeats; without one, it returns the
// cause of ctx.
func For(ctx context.Context, n int, f func(i int) error) error {
	type failure struct {
		i   int
		err error
	}
	workers := min(n, runtime.GOMAXPROCS(0))
	failures := make([]failure, workers)
	var next atomic.Int64
	g, group := errgroup.WithContext(ctx)
	for w := range workers {
		g.Go(func() error {
			for group.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					break
				}
				if err := f(i); err != nil {
					failures[w] = failure{i, err}
					return err
				}
			}
			return nil
		})
	}
	_ = g.Wait() // the first in time
	var first failure
	for _, at := range failures {
		if at.err != nil && (first.err == nil || at.i < first.i) {
			first = at
		}
	}
	if first.err == nil {
		return context.Cause(ctx)
	}
	return first.err
}
