package cpu

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// iotaOf has element i equal to i, as far as the dtype goes.
func iotaOf(d dtypes.DType, n int) any {
	f := make([]float64, n)
	for i := range f {
		f[i] = float64(i % 100)
	}
	if d == dtypes.Float64 {
		return f
	}
	b := must(New(""))
	return execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(f.ConvertDType(in[0], d))}
	}, shapes.Make(dtypes.Float64, n)), f)[0]
}

func TestMovesAgreeWithTheGoBackend(t *testing.T) {
	ref, all := reference(), ours()
	for _, d := range supported {
		for name, f := range map[string]build{
			"Transpose": func(f compute.Function, in []compute.Value) []compute.Value {
				return []compute.Value{must(f.Transpose(in[0], 2, 0, 1)), must(f.Transpose(in[0], 0, 2, 1))}
			},
			"Slice": func(f compute.Function, in []compute.Value) []compute.Value {
				return []compute.Value{must(f.Slice(in[0], []int{1, 3, 2}, []int{5, 31, 17}, []int{1, 3, 2})), must(f.Slice(in[0], []int{2, 0, 0}, []int{3, 33, 17}, nil))}
			},
			"Pad": func(f compute.Function, in []compute.Value) []compute.Value {
				fill := must(f.ConvertDType(must(f.Constant([]uint8{1})), d))
				return []compute.Value{must(f.Pad(in[0], fill, compute.PadAxis{Start: 1, End: 2}, compute.PadAxis{Interior: 2}, compute.PadAxis{End: 15}))}
			},
			"Reverse and Concatenate": func(f compute.Function, in []compute.Value) []compute.Value {
				r := must(f.Reverse(in[0], 0, 2))
				return []compute.Value{r, must(f.Concatenate(0, in[0], r)), must(f.Concatenate(1, r, in[0], r)), must(f.Concatenate(2, in[0], r))}
			},
			"Broadcast and Reshape": func(f compute.Function, in []compute.Value) []compute.Value {
				row := must(f.Slice(in[0], []int{0, 0, 0}, []int{1, 1, 17}, nil))
				x := must(f.BroadcastInDim(must(f.Reshape(row, 17)), shapes.Make(d, 5, 17, 3), []int{1}))
				return []compute.Value{x, must(f.Reshape(x, 17, 15)), must(f.BroadcastInDim(row, shapes.Make(d, 2, 1, 4, 17), []int{0, 2, 3}))}
			},
			"Gather": func(f compute.Function, in []compute.Value) []compute.Value {
				at := must(f.Constant([]int32{4, 0, 2, 4, 6, 1}, 6, 1))
				at2 := must(f.Constant([]int32{3, 30, 0, 5, 2, 16}, 3, 2))
				return []compute.Value{must(f.Gather(in[0], at, 1, []int{1, 2}, []int{0}, []int{0}, []int{1, 33, 17}, false)),
					must(f.Gather(in[0], at2, 1, []int{1, 2}, []int{0}, []int{0, 1}, []int{1, 2, 5}, false))}
			},
			"Iota": func(f compute.Function, in []compute.Value) []compute.Value {
				if d == dtypes.Bool {
					return in
				}
				return []compute.Value{must(f.Iota(shapes.Make(d, 3, 5, 2), 1)), must(f.Iota(shapes.Make(d, 7), 0))}
			},
		} {
			s := shapes.Make(d, 40, 33, 17) // large enough for several threads
			in := []any{iotaOf(d, s.Size())}
			want := execute(ref, compiled(ref, f, s), in...)
			for _, b := range all {
				got := execute(b, compiled(b, f, s), in...)
				for k := range want {
					if err := similar(got[k], want[k], 0); err != nil {
						t.Errorf("%s of %s: %s: result %d: %v", name, d, b.Description(), k, err)
					}
				}
			}
		}
	}
}

func TestNegativePaddingCrops(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	b := must(New(""))
	for range 300 {
		n, start, end, interior := 1+r.IntN(8), r.IntN(9)-5, r.IntN(9)-5, r.IntN(3)
		var wide []float32 // padded by 5 more on both sides, by definition
		for i := -5 - max(0, -start); i < 0; i++ {
			wide = append(wide, -1)
		}
		zero := len(wide)
		for i := range n {
			if i > 0 {
				wide = append(wide, slices.Repeat([]float32{-1}, interior)...)
			}
			wide = append(wide, float32(i))
		}
		size := len(wide) - zero + start + end
		if size < 0 {
			continue
		}
		wide = append(wide, slices.Repeat([]float32{-1}, 20)...)
		want := wide[zero-start:][:size]
		x := iotaOf(dtypes.Float32, n)
		got := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
			return []compute.Value{must(f.Pad(in[0], must(f.Constant([]float32{-1})), compute.PadAxis{Start: start, End: end, Interior: interior}))}
		}, f32(n)), x)
		if err := similar(got[0], want, 0); err != nil {
			t.Errorf("%d elements padded by %d, %d, %d: %v: got %v, want %v", n, start, end, interior, err, got[0], want)
		}
	}
}

func TestDynamicSlicesClampTheirStart(t *testing.T) {
	for _, b := range ours() {
		for _, index := range []any{[]int32{0}, []uint8{0}, []int64{0}, []uint64{0}, []uint32{0}, []int16{0}, []uint16{0}} {
			d := must(elementType(index))
			for _, c := range []struct{ at, want int }{{0, 0}, {3, 3}, {7, 7}, {8, 7}, {200, 7}, {-1, 0}, {-100, 0}} {
				if d.IsUnsigned() && c.at < 0 {
					continue
				}
				at := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
					return []compute.Value{must(f.ConvertDType(in[0], d))}
				}, shapes.Make(dtypes.Int64)), []int64{int64(c.at)})[0]
				out := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
					zero := must(f.Constant([]int32{0}))
					update := must(f.Constant([]float32{-1, -2, -3, -4, -5, -6}, 3, 2))
					return []compute.Value{must(f.DynamicSlice(in[0], []compute.Value{in[1], zero}, []int{3, 2})),
						must(f.DynamicUpdateSlice(in[0], update, []compute.Value{in[1], zero}))}
				}, f32(10, 4), shapes.Make(d)), iotaOf(dtypes.Float32, 40), at)
				var slice []float32
				updated := slices.Clone(iotaOf(dtypes.Float32, 40).([]float32))
				for i := range 6 {
					k := (c.want+i/2)*4 + i%2
					slice = append(slice, float32(k))
					updated[k] = float32(-1 - i)
				}
				for k, want := range []any{slice, updated} {
					if err := similar(out[k], want, 0); err != nil {
						t.Errorf("%s: start %d (%s), result %d: %v", b.Description(), c.at, d, k, err)
					}
				}
			}
		}
	}
}

func TestDynamicSlicesMayStartAtAVector(t *testing.T) {
	b := must(New(""))
	out := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
		return []compute.Value{must(f.DynamicSlice(in[0], in[1:], []int{2, 2})), must(f.DynamicUpdateSlice(in[0], must(f.Constant([]float32{-1}, 1, 1)), in[1:]))}
	}, f32(3, 4), shapes.Make(dtypes.Int64, 2)), iotaOf(dtypes.Float32, 12), []int64{1, 2})
	agree(t, "vector start", out, []any{[]float32{6, 7, 10, 11}, []float32{0, 1, 2, 3, 4, 5, -1, 7, 8, 9, 10, 11}}, 0)
}

func TestBitcastKeepsTheBits(t *testing.T) {
	b := must(New(""))
	out := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
		u := must(f.Bitcast(in[0], dtypes.Uint32))
		return []compute.Value{u, must(f.Bitcast(in[1], dtypes.Uint32)), must(f.Bitcast(must(f.Add(u, u)), dtypes.Float32))}
	}, f32(2), shapes.Make(dtypes.Uint64, 1)), []float32{1, -2.5}, []uint64{0x100000002})
	for k, want := range []any{[]uint32{0x3f800000, 0xc0200000}, []uint32{2, 1}, []float32{math.Float32frombits(0x7f000000), math.Float32frombits(0x80400000)}} {
		if err := similar(out[k], want, 0); err != nil {
			t.Errorf("result %d: %v", k, err)
		}
	}
}

func TestScattersCombineWhatLiesInside(t *testing.T) {
	ref := reference()
	for _, d := range supported {
		if d == dtypes.Bool {
			continue
		}
		f := func(rows ...int32) build {
			return func(f compute.Function, in []compute.Value) []compute.Value {
				at := must(f.Constant(rows, len(rows), 1))
				return []compute.Value{
					must(f.ScatterSum(in[0], at, in[1], 1, []int{1}, []int{0}, []int{0}, false, false)),
					must(f.ScatterMax(in[0], at, in[1], 1, []int{1}, []int{0}, []int{0}, false, false)),
					must(f.ScatterMin(in[0], at, in[1], 1, []int{1}, []int{0}, []int{0}, false, false)),
				}
			}
		}
		ss := []shapes.Shape{shapes.Make(d, 5, 7), shapes.Make(d, 3, 7)}
		in := []any{iotaOf(d, 35), iotaOf(d, 21)}
		want := execute(ref, compiled(ref, f(4, 1, 4), ss...), in...)
		for _, b := range ours() {
			for k, got := range execute(b, compiled(b, f(4, 1, 4), ss...), in...) {
				if err := similar(got, want[k], 0); err != nil {
					t.Errorf("%s: result %d: %s: %v", d, k, b.Description(), err)
				}
			}
			for _, got := range execute(b, compiled(b, f(-1, 5, 77), ss...), in...) {
				if err := similar(got, in[0], 0); err != nil {
					t.Errorf("%s: updates outside changed the result: %v", d, err)
				}
			}
		}
	}
}
