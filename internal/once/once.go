// Package once computes values by key, each only once, for any number of goroutines at the same time. It keeps results only: a call that
// failed or was cancelled leaves nothing behind, and the next caller tries again. It imports no package of this module; data sets and
// extractors are opened, and programs compiled, through it.
package once

import (
	"context"
	"sync"
)

// Map keeps the values of keys. The zero value is empty and ready. It must not be copied after its first use.
type Map[K comparable, V any] struct {
	mu    sync.Mutex
	calls map[K]*call[V]
}

// call is a computation, running or done. The fields after done may be read once it is closed.
type call[V any] struct {
	done      chan struct{}
	value     V
	err       error
	abandoned bool // its caller was cancelled or panicked, so that there is no result for the key
}

// Do returns the value of key, which the first caller computes with f while others wait for it. They also share an error of f, unless
// the first caller's context was cancelled or f panicked: then one of those that wait computes the value. A caller whose ctx is
// cancelled while it waits returns the context's cause.
func (m *Map[K, V]) Do(ctx context.Context, key K, f func() (V, error)) (V, error) {
	for {
		c, first := m.call(key)
		if first {
			m.run(ctx, key, c, f)
			return c.value, c.err
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			select {
			case <-c.done: // both: a value is better than an error
			default:
				var none V
				return none, context.Cause(ctx)
			}
		}
		if !c.abandoned {
			return c.value, c.err
		}
		if ctx.Err() != nil {
			return c.value, context.Cause(ctx)
		}
	}
}

// call returns the call of a key, a new one if there is none.
func (m *Map[K, V]) call(key K) (c *call[V], first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.calls[key]; c != nil {
		return c, false
	}
	if m.calls == nil {
		m.calls = map[K]*call[V]{}
	}
	c = &call[V]{done: make(chan struct{}), abandoned: true}
	m.calls[key] = c
	return c, true
}

// run computes a call. A panic of f reaches the caller.
func (m *Map[K, V]) run(ctx context.Context, key K, c *call[V], f func() (V, error)) {
	defer func() {
		if c.abandoned || c.err != nil {
			m.mu.Lock()
			if m.calls[key] == c {
				delete(m.calls, key)
			}
			m.mu.Unlock()
		}
		close(c.done)
	}()
	c.value, c.err = f()
	c.abandoned = c.err != nil && ctx.Err() != nil
}

// Forget drops a key. The next Do computes its value again; values already returned remain valid.
func (m *Map[K, V]) Forget(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.calls, key)
}

// Clear drops all keys and returns the values that were computed, in no order. It waits for calls that are running.
func (m *Map[K, V]) Clear() (values []V) {
	m.mu.Lock()
	calls := m.calls
	m.calls = nil
	m.mu.Unlock()
	for _, c := range calls {
		if <-c.done; !c.abandoned && c.err == nil {
			values = append(values, c.value)
		}
	}
	return values
}
