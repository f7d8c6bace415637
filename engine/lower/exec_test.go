package lower_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"

	. "github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/lower"
)

func TestBuffersKeepTheirElements(t *testing.T) {
	on := open(t, "cpu").Devices()[0]
	for _, d := range []DType{F32, F64, U32, I32, Bool} {
		want := []float64{0, 1, 1, 0, 1, 0}
		if d != Bool {
			want = []float64{0, 1, 2, 3, 1 << 20, 7}
		}
		if d == U32 {
			want[5] = 1<<32 - 1
		}
		s := Of(d, "bc", 3, 2)
		x := upload(t, on, s, want)
		if got := floats(t, x); !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", d, got, want)
		}
		data, err := x.Bytes()
		if err != nil || len(data) != s.Bytes() {
			t.Fatalf("%v: got %d bytes and the error %v, want %d", d, len(data), err, s.Bytes())
		}
		y, err := on.UploadBytes(s, data)
		if err != nil {
			t.Fatal(err)
		}
		if got := floats(t, y); !slices.Equal(got, want) {
			t.Errorf("%v, from bytes: got %v, want %v", d, got, want)
		}
		if _, err := on.UploadBytes(s, data[1:]); err == nil {
			t.Errorf("%v: bytes are missing: got no error", d)
		}
		in, err := on.Input(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := lower.Write(in, want[:4]...); err != nil {
			t.Fatal(err)
		}
		if got := floats(t, in); !slices.Equal(got[:4], want[:4]) || got[4] != 0 || got[5] != 0 {
			t.Errorf("%v, an input: got %v, want %v and zeros", d, got, want[:4])
		}
		if err := lower.Free(x, y, nil, in); err != nil {
			t.Error(err)
		}
	}
}

func upload(t *testing.T, on lower.Device, s Shape, v []float64) *lower.Buffer {
	t.Helper()
	b, err := on.Upload(s, func(elements any) { lower.Fill(elements, v) })
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func floats(t *testing.T, b *lower.Buffer) []float64 {
	t.Helper()
	v, err := b.Floats()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Consts of every type, an input that is an output, one output twice, and a program that reads nothing.
func TestSmallPrograms(t *testing.T) {
	each(t, func(t *testing.T, b *lower.Backend) {
		g := New()
		x, r := g.Input("x", Of(F32, "c", 2)), g.Real(F32, 2.5)
		y := Mul(x, r)
		got := eval(t, b, values{"x": {3, 4}}, x, y, y, r, g.Const(U32, 1<<32-1), g.Const(I32, -7), g.Const(F64, 1e-300),
			g.Const(F32, math.Inf(-1)), Expand(r, x.Shape))
		want := [][]float64{{3, 4}, {7.5, 10}, {7.5, 10}, {2.5}, {1<<32 - 1}, {-7}, {1e-300}, {math.Inf(-1)}, {2.5, 2.5}}
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("output %d: got %v, want %v", i, got[i], want[i])
			}
		}
		if got := eval(t, b, nil, g.Iota('c', 3)); !slices.Equal(got[0], []float64{0, 1, 2}) {
			t.Errorf("without inputs: got %v", got[0])
		}
	})
}

// Inputs stay valid unless they are donated.
func TestRunDonatesOnlySelectedInputs(t *testing.T) {
	each(t, func(t *testing.T, b *lower.Backend) {
		g := New()
		x, y := g.Input("x", Of(F32, "c", 2)), g.Input("y", Of(F32, "c", 2))
		p := compile(t, b, Add(x, y))
		tx, ty := upload(t, p.on, x.Shape, []float64{1, 2}), upload(t, p.on, y.Shape, []float64{10, 20})
		for range 3 {
			out, err := p.Run(p.on, tx, ty)
			if err != nil || !slices.Equal(floats(t, out[0]), []float64{11, 22}) {
				t.Fatalf("got %v, %v", out, err)
			}
		}
		// The sum is fed back and donated, as a training state is.
		for range 3 {
			out, err := p.RunDonating(p.on, []bool{true, false}, tx, ty)
			if err != nil {
				t.Fatal(err)
			}
			tx = out[0]
		}
		if got := floats(t, tx); !slices.Equal(got, []float64{31, 62}) {
			t.Errorf("got %v", got)
		}
		if got := floats(t, ty); !slices.Equal(got, []float64{10, 20}) {
			t.Errorf("the other input is %v", got)
		}
	})
}

func TestRunChecksItsArguments(t *testing.T) {
	b := open(t, "cpu")
	g := New()
	x := g.Input("x", Of(F32, "bc", 2, 3))
	p := compile(t, b, Exp(x))
	for want, in := range map[string][]*lower.Buffer{
		"run: got 0 tensors, want 1":                                 nil,
		"run: input x: got (Float32)[3, 2], want (Float32)[2, 3]":    {upload(t, p.on, Of(F32, "bc", 3, 2), make([]float64, 6))},
		"run: input x: got (Float64)[2, 3], want (Float32)[2, 3]":    {upload(t, p.on, x.Shape.As(F64), make([]float64, 6))},
		"run: input x: got (Float32)[3, 2, 3], want (Float32)[2, 3]": {upload(t, p.on, x.Shape.With('k', 3), make([]float64, 18))},
	} {
		if _, err := p.Run(p.on, in...); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := lower.Compile(b); err == nil || err.Error() != "compile: got no outputs, want at least one" {
		t.Errorf("got %v", err)
	}
}

// fakeBackend is cpu without an exponential and without bitwise operations, for tests.
type (
	fakeBackend  struct{ compute.Backend }
	fakeBuilder  struct{ compute.Builder }
	fakeFunction struct{ compute.Function }
)

func (b fakeBackend) Builder(name string) compute.Builder {
	return fakeBuilder{b.Backend.Builder(name)}
}
func (b fakeBuilder) Main() compute.Function { return fakeFunction{b.Builder.Main()} }
func (fakeFunction) Exp(compute.Value) (compute.Value, error) {
	return nil, errors.New("no exponential here")
}
func (fakeFunction) BitwiseXor(_, _ compute.Value) (compute.Value, error) {
	return nil, errors.New("no bits here")
}

// What a backend does not support is an error that points into the script.
func TestCompileErrorsHaveAPlace(t *testing.T) {
	g := New()
	g.At("ring.star:2:1")
	x := g.Input("x", Of(F32, "c", 2))
	g.At("ring.star:3:5")
	y := Exp(x)
	g.At("ring.star:4:1")
	_, err := lower.Compile(lower.Wrap(fakeBackend{open(t, "cpu").Compute()}), Sub(Sin(y), Cos(x)))
	want := "ring.star:3:5: exp: the backend does not support it: no exponential here (operands f32[c2])"
	var at *Error
	if !errors.As(err, &at) || at.Error() != want || err.Error() != "compile for cpu: "+want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	g.At("ring.star:5:1") // of a rule that adds expressions
	draw := Uniform(g.Input("seed", Of(U32, "")), g.Const(U32, 0), 1, Of(F32, "c", 2))
	_, err = lower.Compile(lower.Wrap(fakeBackend{open(t, "cpu").Compute()}), draw)
	if want := "ring.star:5:1: xor: the backend does not support it: no bits here"; !errors.As(err, &at) ||
		!strings.HasPrefix(at.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// One tuple of expressions may be compiled and run by many goroutines.
func TestCompilingAtOnceIsSafe(t *testing.T) {
	b := open(t, "cpu")
	g := New()
	seed, x := g.Input("seed", Of(U32, "")), g.Input("x", Of(F32, "c", 5))
	y := Mul(x, Uniform(seed, seed, 3, x.Shape)) // a rule that adds nodes
	size := g.Len()
	in := values{"seed": {4}, "x": {1, 2, 3, 4, 5}}
	want := eval(t, b, in, y)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			p := compile(t, b, y)
			for range 10 {
				if got := p.run(t, in); !slices.Equal(got[0], want[0]) {
					t.Errorf("got %v, want %v", got[0], want[0])
				}
			}
		})
	}
	all.Wait()
	if g.Len() != size {
		t.Error("lowering added nodes to the caller's graph")
	}
}

// A program that is compiled once runs on every device of its backend: one, or the four of XLA on the processor.
func TestProgramsRunOnEveryDevice(t *testing.T) {
	each(t, func(t *testing.T, b *lower.Backend) {
		g := New()
		x := g.Input("x", Of(F32, "c", 2))
		p := compile(t, b, Exp(x), Mul(x, x))
		for i, on := range b.Devices() {
			if on.Backend != b || on.Number != i || on.String() == "" {
				t.Errorf("device %d is %+v, %q", i, on, on)
			}
			state := upload(t, on, x.Shape, []float64{1, 2})
			for range 2 {
				out, err := p.RunDonating(on, []bool{true}, state)
				if err != nil {
					t.Fatalf("device %d: %v", i, err)
				}
				state = out[1]
				if err := lower.Free(out[0]); err != nil {
					t.Error(err)
				}
			}
			if got := floats(t, state); !slices.Equal(got, []float64{1, 16}) {
				t.Errorf("device %d: got %v", i, got)
			}
			products := lower.NewProducts(on)
			out := make([]float32, 1)
			if err := products.Multiply(out, []float32{2, 3}, []float32{4, 5}, 2); err != nil || out[0] != 23 {
				t.Errorf("device %d: got the product %v and the error %v", i, out, err)
			}
			products.Close()
			if err := lower.Free(state); err != nil {
				t.Error(err)
			}
		}
		t.Logf("%d devices", len(b.Devices()))
	})
}
