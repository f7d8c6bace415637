package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/parallel"
)

// Errors are the distinct errors of a space, in the order of the points.
type Errors struct {
	List   []PointError
	Points int // of the space
}

// PointError is an error that some points of a space share.
type PointError struct {
	Err   error
	Point spec.Point // the first that has it
	Count int        // points that have it
}

// maxErrors bounds the distinct errors that are gathered: a space of a million points may have as many.
const maxErrors = 1000

// Add adds the error of a point, or each error that it joins. Errors with the same text are one.
func (e *Errors) Add(err error, p spec.Point) { e.Count(err, p, 1) }

// Count is Add for n points, of which p is the first.
func (e *Errors) Count(err error, p spec.Point, n int) {
	if several, ok := err.(interface{ Unwrap() []error }); ok && errors.Join(several.Unwrap()...).Error() == err.Error() {
		for _, one := range several.Unwrap() {
			e.Count(one, p, n)
		}
		return
	}
	for i := range e.List {
		if e.List[i].Err.Error() == err.Error() {
			e.List[i].Count += n
			return
		}
	}
	e.List = append(e.List, PointError{Err: err, Point: p, Count: n})
}

func (e *Errors) Error() string {
	var s string
	for i, x := range e.List {
		if i > 0 {
			s += "\n"
		}
		s += detail(x.Err)
		if e.Points > 1 {
			s += fmt.Sprintf("\n  in %d of %d configurations, first with %v", x.Count, e.Points, x.Point)
		}
	}
	return s
}

// Detail returns the text, whose line ends are part of it: see plain.Error.
func (e *Errors) Detail() string { return e.Error() }

// detail is the text of an error, with the calls that led to it if the error knows them.
func detail(err error) string {
	if e, ok := err.(interface{ Detail() string }); ok {
		return e.Detail()
	}
	return err.Error()
}

// Unwrap returns the errors.
func (e *Errors) Unwrap() (errs []error) {
	for _, x := range e.List {
		errs = append(errs, x.Err)
	}
	return errs
}

// eachPoint calls do for every point, on all cores, and gathers the errors; nil if there are none.
func eachPoint(ctx context.Context, points spec.Points, do func(i int, point spec.Point) error) (*Errors, error) {
	const chunk = 256 // points that one goroutine expands in a row: neighbours have most in common
	n := points.Len()
	found := gathering{place: map[string]int{}}
	err := parallel.For(ctx, (n+chunk-1)/chunk, func(c int) error {
		for i := c * chunk; i < min((c+1)*chunk, n) && !found.full.Load(); i++ {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := do(i, points.At(i)); err != nil {
				found.add(i, err)
			}
		}
		return nil
	})
	if err != nil || len(found.errors) == 0 {
		return nil, err
	}
	slices.SortFunc(found.errors, func(a, b gathered) int { return cmp.Compare(a.first, b.first) })
	errs := &Errors{Points: n}
	for _, e := range found.errors {
		errs.Count(e.err, points.At(e.first), e.count)
	}
	return errs, nil
}

// gathering collects the distinct errors of points from several goroutines, up to maxErrors of them.
type gathering struct {
	mu     sync.Mutex
	errors []gathered
	place  map[string]int // in errors, by text
	full   atomic.Bool
}

// gathered is an error that count points share, of which first is the first.
type gathered struct {
	first, count int
	err          error
}

func (g *gathering) add(i int, err error) {
	text := err.Error()
	g.mu.Lock()
	defer g.mu.Unlock()
	at, known := g.place[text]
	if !known {
		at = len(g.errors)
		g.place[text] = at
		g.errors = append(g.errors, gathered{first: i, err: err})
		g.full.Store(len(g.errors) >= maxErrors)
	}
	e := &g.errors[at]
	if i < e.first {
		e.first, e.err = i, err
	}
	e.count++
}
