package cpu

import (
	"math"
	"reflect"
	"testing"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func randomProperties() map[compute.OpType]property {
	return map[compute.OpType]property{compute.OpTypeRNGBitGenerator: {takes: all, draw: func(r *draw) trial {
		s := r.shape(r.IntN(3))
		state := []uint64{r.Uint64(), math.MaxUint64 - uint64(r.IntN(9)), r.Uint64()} // the low half of the counter may overflow
		n := parts(byteSize(s), 16)
		return trial{
			in: []operand{{compute.RNGStateShape, state}},
			graph: func(f compute.Function, in []compute.Value) []compute.Value {
				next, v, err := f.RNGBitGenerator(in[0], s)
				return []compute.Value{must(next, err), v}
			},
			loops: func() []any {
				counter := func(i int) (low, high uint64) {
					low = state[1] + uint64(i)
					if high = state[2]; low < state[1] {
						high++
					}
					return low, high
				}
				low, high := counter(n)
				flat, words := dtypes.MakeAnySlice(s.DType, s.Size()), make([]uint32, 0, 4*n)
				for i := range n {
					l, h := counter(i)
					w := philox(state[0], l, h)
					words = append(words, w[:]...)
				}
				copyBytes(reflect.ValueOf(flat).UnsafePointer(), ptr(unsafe.SliceData(words)), byteSize(s))
				return []any{[]uint64{state[0], low, high}, flat}
			},
		}
	}}}
}

// The known answers are those of Random123, the code of the authors.
func TestPhiloxGivesTheKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		key, low, high uint64
		want           [4]uint32
	}{
		{0, 0, 0, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{math.MaxUint64, math.MaxUint64, math.MaxUint64, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := philox(c.key, c.low, c.high); got != c.want {
			t.Errorf("key %x, counter %x %x: got %x, want %x", c.key, c.high, c.low, got, c.want)
		}
	}
}

func TestRandomBitsContinueFromTheState(t *testing.T) {
	for _, b := range ours() {
		draw := func(state []uint64, n int, d dtypes.DType) (next []uint64, bits any) {
			out := execute(b, compiled(b, func(f compute.Function, in []compute.Value) []compute.Value {
				s, v, err := f.RNGBitGenerator(in[0], shapes.Make(d, n))
				return []compute.Value{must(s, err), v}
			}, compute.RNGStateShape), state)
			return out[0].([]uint64), out[1]
		}
		state := []uint64{42, math.MaxUint64 - 3, 9} // the low half of the counter overflows
		after, all := draw(state, 40000, dtypes.Uint32)
		if want := []uint64{42, 9996, 10}; !reflect.DeepEqual(after, want) {
			t.Errorf("the state is %v, want %v", after, want)
		}
		half, first := draw(state, 20000, dtypes.Uint32)
		_, second := draw(half, 20000, dtypes.Uint32)
		if got := append(first.([]uint32), second.([]uint32)...); !reflect.DeepEqual(got, all) {
			t.Error("two draws differ from one of twice the size")
		}
		words := all.([]uint32)
		if _, wide := draw(state, 3, dtypes.Uint64); wide.([]uint64)[1] != uint64(words[3])<<32|uint64(words[2]) {
			t.Error("64-bit words are not pairs of 32-bit words")
		}
		if next, few := draw(state, 5, dtypes.Uint8); next[1] != state[1]+1 || few.([]uint8)[4] != uint8(words[1]) {
			t.Error("bytes are not those of the words")
		}
		mean := 0.
		for _, w := range words {
			mean += float64(w) / (1 << 32) / float64(len(words))
		}
		if math.Abs(mean-.5) > .01 {
			t.Errorf("the mean of uniform numbers is %g", mean)
		}
	}
}
