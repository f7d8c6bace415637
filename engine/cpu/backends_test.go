package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"

	"github.com/starsweep/starsweep/engine/cpu/kern"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// reference returns GoMLX's own backend. Its default parallelism can deadlock, and panics of its goroutines cannot be recovered.
func reference() compute.Backend {
	return must(compute.NewWithConfig("go:parallelism=-1,ops_sequential"))
}

// ours returns backends of all kernel sets, with and without fusion.
func ours() (all []*Backend) {
	for _, s := range kern.Sets() {
		for _, fusion := range []string{"", ",nofuse"} {
			all = append(all, must(New("threads=3,kernels="+s.Name+fusion)))
		}
	}
	return all
}

// build builds the results from the parameters.
type build func(f compute.Function, in []compute.Value) []compute.Value

func compiled(b compute.Backend, build build, in ...shapes.Shape) compute.Executable {
	bd := b.Builder("test")
	f := bd.Main()
	var v []compute.Value
	for i, s := range in {
		v = append(v, must(f.Parameter(fmt.Sprint("x", i), s, nil)))
	}
	if err := f.Return(build(f, v), nil); err != nil {
		panic(err)
	}
	return must(bd.Compile())
}

// execute runs e on slices and returns slices.
func execute(b compute.Backend, e compute.Executable, in ...any) []any {
	return executeWith(b, e, nil, in...)
}

// executeWith also donates inputs.
func executeWith(b compute.Backend, e compute.Executable, donate []bool, in ...any) []any {
	_, ss := e.Inputs()
	var bufs []compute.Buffer
	for i, s := range ss {
		bufs = append(bufs, must(b.BufferFromFlatData(0, in[i], s)))
	}
	var out []any
	for i, o := range must(e.Execute(bufs, donate, 0)) {
		s := e.Outputs()[i]
		flat := dtypes.MakeAnySlice(s.DType, s.Size())
		if err := o.ToFlatData(flat); err != nil {
			panic(err)
		}
		out = append(out, flat)
	}
	return out
}

// tryRun builds and runs f, or returns the error.
func tryRun(b compute.Backend, f build, in []any, ss ...shapes.Shape) (out []any, err error) {
	defer func() {
		if e := recover(); e != nil { // from must, or from the Go backend
			err = fmt.Errorf("%v", e)
		}
	}()
	return execute(b, compiled(b, f, ss...), in...), nil
}

func f32(dims ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dims...) }

func random(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = 2*r.Float32() - 1
	}
	return v
}

// inputs returns random float32 of the given shapes, the same on every call.
func inputs(seed uint64, ss ...shapes.Shape) (in []any) {
	r := rand.New(rand.NewPCG(seed, 1))
	for _, s := range ss {
		in = append(in, random(r, s.Size()))
	}
	return in
}

// values returns n random numbers of a dtype: small, not 0, and of both signs if the type is signed.
func values(r *rand.Rand, d dtypes.DType, n int) any {
	v := reflect.ValueOf(dtypes.MakeAnySlice(d, n))
	for i := range n {
		x := v.Index(i)
		switch {
		case d == dtypes.Bool:
			x.SetBool(r.IntN(2) == 1)
		case d.IsFloat():
			x.SetFloat(float64(float32(6*r.Float64() - 3)))
		case d.IsUnsigned():
			x.SetUint(1 + r.Uint64N(7))
		default:
			x.SetInt((1 + r.Int64N(7)) * (1 - 2*r.Int64N(2)))
		}
	}
	return v.Interface()
}

// asFloat converts a number of any dtype.
func asFloat(v reflect.Value) float64 { return v.Convert(reflect.TypeFor[float64]()).Float() }

// sumOf returns a + b in their dtype.
func sumOf(a, b reflect.Value) reflect.Value {
	switch {
	case a.CanFloat():
		return reflect.ValueOf(a.Float() + b.Float()).Convert(a.Type())
	case a.CanUint():
		return reflect.ValueOf(a.Uint() + b.Uint()).Convert(a.Type())
	}
	return reflect.ValueOf(a.Int() + b.Int()).Convert(a.Type())
}

// similar compares results of any dtype: floats within the tolerance, others exactly. NaN equals NaN.
func similar(got, want any, tolerance float64) error {
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	if g.Type() != w.Type() || g.Len() != w.Len() {
		return fmt.Errorf("got %d elements in a %s, want %d in a %s", g.Len(), g.Type(), w.Len(), w.Type())
	}
	for i := range w.Len() {
		a, b := g.Index(i), w.Index(i)
		ok := a.Equal(b)
		if !ok && b.CanFloat() {
			x, y := a.Float(), b.Float()
			ok = x != x && y != y || math.Abs(x-y) <= tolerance*(1+math.Abs(y))
		}
		if !ok {
			return fmt.Errorf("element %d is %v, want %v", i, a, b)
		}
	}
	return nil
}

// agree compares all results.
func agree(t *testing.T, what string, got, want []any, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d results, want %d", what, len(got), len(want))
	}
	for k := range want {
		if err := similar(got[k], want[k], tolerance); err != nil {
			t.Fatalf("%s: result %d: %v", what, k, err)
		}
	}
}
