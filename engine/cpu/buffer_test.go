package cpu

import (
	"slices"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func TestDonatedInputsAreFinalizedAndResultsAreNot(t *testing.T) {
	b, s := must(New("")), f32(1000)
	e := compiled(b, func(f compute.Function, v []compute.Value) []compute.Value {
		return []compute.Value{must(f.Add(v[0], v[0])), v[0]}
	}, s)
	var wg sync.WaitGroup
	for g := range 4 { // executions of one program overlap
		wg.Go(func() {
			x := slices.Repeat([]float32{float32(g)}, 1000)
			var old compute.Buffer
			for range 100 {
				in := must(b.BufferFromFlatData(0, x, s))
				out := must(e.Execute([]compute.Buffer{in}, []bool{true}, 0))
				if _, err := in.Data(); err == nil {
					t.Error("a donated buffer is not finalized")
				}
				if _, err := e.Execute([]compute.Buffer{in}, nil, 0); err == nil {
					t.Error("a donated buffer is accepted as an input")
				}
				if old != nil {
					if v := must(old.Data()).([]float32); v[0] != 2*float32(g) || v[999] != 2*float32(g) {
						t.Errorf("a result changed: %g", v[999])
					}
					old.Finalize()
				}
				out[1].Finalize()
				old = out[0]
			}
		})
	}
	wg.Wait()
}

func TestDonatedInputsThatAreResultsKeepTheirMemory(t *testing.T) {
	b, s := must(New("")), f32(2, 3)
	e := compiled(b, func(f compute.Function, v []compute.Value) []compute.Value {
		return []compute.Value{v[0], must(f.Neg(v[0])), v[1], must(f.Reshape(v[0], 6))}
	}, s, s)
	first := func(b compute.Buffer) *float32 { return &must(b.Data()).([]float32)[0] }
	x, y := []float32{1, 2, 3, 4, 5, 6}, []float32{7, 8, 9, 10, 11, 12}
	want := [][]float32{x, {-1, -2, -3, -4, -5, -6}, y, x}
	for _, c := range []struct {
		name   string
		donate []bool
		same   bool // one buffer as both inputs
		taken  [4]int
	}{
		{"nothing donated", nil, false, [4]int{-1, -1, -1, -1}},
		{"the first donated", []bool{true}, false, [4]int{0, -1, -1, -1}},
		{"both donated", []bool{true, true}, false, [4]int{0, -1, 1, -1}},
		{"one buffer donated twice", []bool{true, true}, true, [4]int{0, -1, -1, -1}},
	} {
		in := []compute.Buffer{must(b.BufferFromFlatData(0, x, s)), must(b.BufferFromFlatData(0, y, s))}
		if c.same {
			in[1] = in[0]
		}
		memory := []*float32{first(in[0]), first(in[1])}
		out := must(e.Execute(in, c.donate, 0))
		for i, k := range c.taken {
			got := must(out[i].Data()).([]float32)
			if w := want[i]; !slices.Equal(got, w) && !(c.same && slices.Equal(got, x)) {
				t.Errorf("%s: result %d is %v, want %v", c.name, i, got, w)
			}
			if taken := slices.Index(memory, &got[0]); taken != k {
				t.Errorf("%s: result %d has the memory of input %d, want %d", c.name, i, taken, k)
			}
			if shape := must(out[i].Shape()); i == 3 && shape.Rank() != 1 {
				t.Errorf("%s: result 3 is a %s", c.name, shape)
			}
		}
		for i, f := range in {
			_, err := f.Data()
			if donated := i < len(c.donate) && c.donate[i]; (err != nil) != donated {
				t.Errorf("%s: input %d: %v", c.name, i, err)
			}
		}
	}
}

func TestUpdatesOverwriteDonatedInputs(t *testing.T) {
	s := f32(40, 40)
	x, y := make([]float32, s.Size()), make([]float32, s.Size())
	for i := range x {
		x[i], y[i] = float32(i%7), float32(i%5)
	}
	sub := func(f compute.Function, v []compute.Value) compute.Value {
		return must(f.Sub(must(f.Mul(v[0], v[0])), v[1]))
	}
	update := func(f compute.Function, v []compute.Value) []compute.Value { return []compute.Value{sub(f, v)} }
	both := func(f compute.Function, v []compute.Value) []compute.Value { return []compute.Value{sub(f, v), v[0]} }
	later := func(f compute.Function, v []compute.Value) []compute.Value { // the product reads x after the difference is computed
		return []compute.Value{sub(f, v), must(f.DotGeneral(v[0], []int{1}, nil, v[0], []int{0}, nil, compute.DotGeneralConfig{}))}
	}
	for _, c := range []struct {
		name   string
		graph  build
		donate []bool
		same   bool // one buffer as both inputs
		over   bool // the first input is overwritten
	}{
		{"nothing donated", update, nil, false, false},
		{"the first donated", update, []bool{true}, false, true},
		{"one buffer twice", update, []bool{true}, true, false},
		{"read later", later, []bool{true}, false, false},
		{"a result itself", both, []bool{true}, false, false},
	} {
		for _, b := range ours() {
			e := compiled(b, c.graph, s, s)
			in := []compute.Buffer{must(b.BufferFromFlatData(0, x, s)), must(b.BufferFromFlatData(0, y, s))}
			if c.same {
				in[1] = in[0]
			}
			z := slices.Clone(must(in[1].Data()).([]float32))
			memory := &must(in[0].Data()).([]float32)[0]
			out := must(e.Execute(in, c.donate, 0))
			got := must(out[0].Data()).([]float32)
			for i := range got {
				if got[i] != x[i]*x[i]-z[i] {
					t.Fatalf("%s: element %d is %g, want %g", c.name, i, got[i], x[i]*x[i]-z[i])
				}
			}
			if overwritten := &got[0] == memory; overwritten != c.over && (b.fuse || overwritten) {
				t.Errorf("%s: the input was overwritten: %v", c.name, overwritten)
			}
			if c.name == "read later" {
				var want float32
				for k := range 40 {
					want += x[40+k] * x[40*k+3]
				}
				if product := must(out[1].Data()).([]float32)[43]; product != want {
					t.Errorf("%s: the product is %g, want %g", c.name, product, want)
				}
			}
		}
	}
}

func TestBuffersRejectInvalidData(t *testing.T) {
	b, other := must(New("")), must(New(""))
	s := shapes.Make(dtypes.Int32, 2, 2)
	if _, err := b.BufferFromFlatData(0, []int32{1, 2, 3}, s); err == nil {
		t.Error("a 2 x 2 buffer accepts three elements")
	}
	if _, err := b.BufferFromFlatData(0, []float32{1, 2, 3, 4}, s); err == nil {
		t.Error("an int32 buffer accepts float32")
	}
	f, flat, err := b.NewSharedBuffer(0, s)
	if err != nil || !slices.Equal(flat.([]int32), make([]int32, 4)) {
		t.Fatal(flat, err)
	}
	flat.([]int32)[3] = 7
	got := make([]int32, 4)
	if err := f.ToFlatData(got); err != nil || got[3] != 7 {
		t.Error(got, err)
	}
	if err := f.ToFlatData(make([]int32, 3)); err == nil {
		t.Error("a short slice is accepted")
	}
	e := compiled(other, func(f compute.Function, v []compute.Value) []compute.Value { return v }, s)
	if _, err := e.Execute([]compute.Buffer{f}, nil, 0); err == nil {
		t.Error("a buffer of another backend is accepted")
	}
	e = compiled(b, func(f compute.Function, v []compute.Value) []compute.Value { return v }, shapes.Make(dtypes.Int32, 4))
	if _, err := e.Execute([]compute.Buffer{f}, nil, 0); err == nil {
		t.Error("a buffer of another shape is accepted")
	}
	if _, err := e.Execute(nil, nil, 0); err == nil {
		t.Error("a missing input is accepted")
	}
	for range 2 {
		if err := f.Finalize(); err != nil {
			t.Error(err)
		}
	}
	if err := f.ToFlatData(got); err == nil {
		t.Error("a finalized buffer can be read")
	}
	g, flat, err := b.NewSharedBuffer(0, s) // the same memory
	if err != nil || !slices.Equal(flat.([]int32), make([]int32, 4)) {
		t.Error("a shared buffer is not zeroed", g, flat, err)
	}
	b.Finalize()
	if !b.IsFinalized() || b.pool.kept != 0 {
		t.Error("Finalize keeps memory")
	}
}

func TestThePoolIsBounded(t *testing.T) {
	var p pool
	for range 5 {
		p.put(nil, poolBytes/4)
	}
	if p.kept > poolBytes {
		t.Errorf("%d bytes are kept", p.kept)
	}
	for range 3 {
		p.get(poolBytes / 4)
	}
	if p.kept != 0 {
		t.Errorf("%d bytes are kept after all were used", p.kept)
	}
}
