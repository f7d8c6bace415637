// Package exprtest evaluates and differentiates expressions in tests, with the real lowering on a real backend. Only tests import
// it.
package exprtest

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

// Values are flat tensors by the names of inputs. Other inputs get uniform numbers on (-1, 1), the same for the same name and size;
// reals get their values in the script.
type Values map[string][]float64

// Of is the value of a leaf.
func (v Values) Of(n *expr.Node) []float64 {
	name := n.Attr.(expr.Leaf).Name
	if x, ok := v[name]; ok {
		return x
	}
	x := make([]float64, n.Shape.Elems())
	if n.Op.Name == "real" {
		for i := range x {
			x[i] = n.Value
		}
		return x
	}
	if !n.Shape.DType.Float() {
		return x
	}
	h := fnv.New64a()
	fmt.Fprint(h, name)
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	for i := range x {
		x[i] = 2*r.Float64() - 1
	}
	return x
}

// Exec is a compiled tuple of expressions.
type Exec struct {
	t    testing.TB
	on   lower.Device
	exec *lower.Exec
}

// Backend is the backend of tests that need only one: cpu, or the one that STARSWEEP_BACKEND names. make test-all runs these tests
// on every backend.
func Backend() string {
	if b := os.Getenv("STARSWEEP_BACKEND"); b != "" {
		return b
	}
	return "cpu"
}

// opened has the open backends by configuration: a process loads a plugin once.
var opened = struct {
	sync.Mutex
	by map[string]*lower.Backend
}{by: map[string]*lower.Backend{}}

// Open opens a backend: "cpu", "go", or "xla:" and the path of a plugin. Tests share it.
func Open(t testing.TB, config string) *lower.Backend {
	t.Helper()
	opened.Lock()
	defer opened.Unlock()
	if b, ok := opened.by[config]; ok {
		return b
	}
	b, err := lower.Open(config)
	if err != nil {
		t.Fatalf("backend %s: %v", config, err)
	}
	opened.by[config] = b
	return b
}

// Compile compiles outs for a backend.
func Compile(t testing.TB, backend string, outs ...*expr.Node) *Exec {
	t.Helper()
	b := Open(t, backend)
	e, err := lower.Compile(b, outs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return &Exec{t, b.Devices()[0], e}
}

// Run evaluates once.
func (e *Exec) Run(v Values) [][]float64 {
	e.t.Helper()
	values, err := Run(e.exec, e.on, v)
	if err != nil {
		e.t.Fatal(err)
	}
	return values
}

// Run evaluates a program once on a device, and frees all buffers.
func Run(e *lower.Exec, on lower.Device, v Values) (values [][]float64, err error) {
	in := make([]*lower.Buffer, len(e.Inputs))
	defer func() { err = errors.Join(err, lower.Free(in...)) }()
	for i, n := range e.Inputs {
		if in[i], err = on.Upload(n.Shape, func(elements any) { lower.Fill(elements, v.Of(n)) }); err != nil {
			return nil, err
		}
	}
	out, err := e.Run(on, in...)
	if err != nil {
		return nil, err
	}
	for _, b := range out {
		x, err := b.Floats()
		if err != nil {
			return nil, err
		}
		values = append(values, x)
	}
	return values, lower.Free(out...)
}

// Eval compiles and runs once on Backend.
func Eval(t testing.TB, v Values, outs ...*expr.Node) [][]float64 {
	t.Helper()
	return Compile(t, Backend(), outs...).Run(v)
}

// Close fails the test unless got is want, relative to the largest element of want.
func Close(t testing.TB, what string, got, want []float64, tolerance float64) {
	t.Helper()
	CloseAtScale(t, what, got, want, Largest(want), tolerance)
}

// Largest is the largest magnitude among the elements of all tensors, or a tiny number if there is none.
func Largest(tensors ...[]float64) float64 {
	largest := 1e-300
	for _, x := range tensors {
		for _, v := range x {
			largest = max(largest, math.Abs(v))
		}
	}
	return largest
}

// CloseAtScale fails the test unless got is want, within tolerance times scale.
func CloseAtScale(t testing.TB, what string, got, want []float64, scale, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		if d := math.Abs(got[i]-want[i]) / scale; !(d <= tolerance) {
			t.Fatalf("%s: element %d: got %.12g, want %.12g: off by %.2g of the largest, want at most %.2g", what, i, got[i], want[i], d, tolerance)
		}
	}
}

// CheckGradients compares the derivatives of the number y by xs, of first and second order, with central differences. The second
// order is that of the sum of the first derivatives, each times a random number. All numbers are float64.
func CheckGradients(t testing.TB, backend string, v Values, y *expr.Node, xs ...*expr.Node) {
	t.Helper()
	first := expr.Grad(y, xs...)
	slope := y.Graph().Const(expr.F64, 0)
	for i, d := range first {
		slope = expr.Add(slope, expr.Sum(expr.Mul(d, y.Graph().Input(fmt.Sprint("exprtest weight ", i), d.Shape)), d.Shape.Axes()))
	}
	outs := append([]*expr.Node{y, slope}, first...)
	e := Compile(t, backend, append(outs, expr.Grad(slope, xs...)...)...)
	full := Values{}
	for _, n := range lower.Inputs(outs...) {
		full[n.Attr.(expr.Leaf).Name] = v.Of(n)
	}
	at := e.Run(full)
	const step = 1e-5
	for i, x := range xs {
		name := x.Attr.(expr.Leaf).Name
		own := full[name]
		for _, j := range probes(len(own)) {
			shifted := func(by float64) []float64 {
				moved := append([]float64(nil), own...)
				moved[j] += by
				w := Values{}
				for k, f := range full {
					w[k] = f
				}
				w[name] = moved
				r := e.Run(w)
				return []float64{r[0][0], r[1][0]}
			}
			hi, lo := shifted(step), shifted(-step)
			for order, got := range []float64{at[2+i][j], at[2+len(xs)+i][j]} {
				want := (hi[order] - lo[order]) / (2 * step)
				if !(math.Abs(got-want) <= 1e-6*max(1, math.Abs(want))) {
					t.Errorf("derivative %d by %s[%d]: got %.10g, differences are %.10g", order+1, name, j, got, want)
				}
			}
		}
	}
}

// probes returns a few indices of n elements: the ends and some in between.
func probes(n int) (p []int) {
	for i := 0; i < n; i += max(1, n/4) {
		p = append(p, i)
	}
	return append(p, n-1)
}
