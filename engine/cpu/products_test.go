package cpu

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func TestProductsAgreeWithTheGoBackend(t *testing.T) {
	ref, all := reference(), ours()
	r := rand.New(rand.NewPCG(3, 4))
	count := 150
	if testing.Short() {
		count = 50
	}
	for range count {
		pick := func(v ...int) int { return v[r.IntN(len(v))] }
		d := []dtypes.DType{dtypes.Float32, dtypes.Float32, dtypes.Float64, dtypes.Int32, dtypes.Uint8, dtypes.Int64}[r.IntN(6)]
		// axes b (batch), c and e (contracted), m, n, in any order
		size := map[byte]int{'b': pick(1, 3), 'c': pick(1, 7, 33), 'e': pick(1, 2, 5), 'm': pick(1, 15, 17, 31), 'n': pick(1, 7, 16, 33)}
		order := func(axes string) (string, []int) {
			b := []byte(axes)
			r.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
			var dims []int
			for _, a := range b {
				dims = append(dims, size[a])
			}
			return string(b), dims
		}
		l, ld := order("bcem")
		q, rd := order("bcen")
		at := func(s string, axes string) (p []int) {
			for _, a := range []byte(axes) {
				p = append(p, slices.Index([]byte(s), a))
			}
			return p
		}
		f := func(f compute.Function, in []compute.Value) []compute.Value {
			return []compute.Value{must(f.DotGeneral(in[0], at(l, "ce"), at(l, "b"), in[1], at(q, "ce"), at(q, "b"), compute.DotGeneralConfig{}))}
		}
		ss := []shapes.Shape{shapes.Make(d, ld...), shapes.Make(d, rd...)}
		in := []any{values(r, d, ss[0].Size()), values(r, d, ss[1].Size())}
		want := execute(ref, compiled(ref, f, ss...), in...)
		for _, b := range all {
			if err := similar(execute(b, compiled(b, f, ss...), in...)[0], want[0], 1e-4); err != nil {
				t.Errorf("%s %v by %s %v: %s: %v", l, ss[0], q, ss[1], b.Description(), err)
			}
		}
	}
}

func TestConvolutionsAgreeWithTheGoBackend(t *testing.T) {
	ref, all := reference(), ours()
	r := rand.New(rand.NewPCG(3, 4))
	count := 200
	if testing.Short() {
		count = 60
	}
	for i := range count {
		pick := func(v ...int) int { return v[r.IntN(len(v))] }
		d := dtypes.Float32
		if i%10 == 0 {
			d = []dtypes.DType{dtypes.Float64, dtypes.Int32, dtypes.Uint64, dtypes.Uint8}[i/10%4]
		}
		b, ci, co, groups := pick(1, 3, 16, 33), pick(1, 2, 5, 17), pick(1, 3, 7, 15, 31, 32, 33), pick(1, 1, 1, 2, 3)
		h, w, k := pick(4, 5, 7), pick(4, 6), pick(1, 3, 4)
		stride, in, dil := []int{pick(1, 2), pick(1, 2, 3)}, []int{pick(1, 2), 1}, []int{1, pick(1, 2)}
		pad := [][2]int{{pick(-1, 0, 2, 3), pick(1, 2)}, {pick(0, 2), pick(-1, 4)}}
		reverse := pick(0, 1) == 1
		axes := compute.ConvolveAxesConfig{InputBatch: 0, InputSpatial: []int{1, 2}, InputChannels: 3, KernelSpatial: []int{0, 1}, KernelInputChannels: 2, KernelOutputChannels: 3,
			OutputBatch: 0, OutputSpatial: []int{1, 2}, OutputChannels: 3}
		xs, ks := shapes.Make(d, b, h, w, ci*groups), shapes.Make(d, k, k, ci, co*groups)
		if groups == 1 && pick(0, 1) == 1 { // as for the kernel's gradient: batch and channels of the operands change places
			axes.InputBatch, axes.InputChannels = 3, 0
			axes.OutputSpatial, axes.OutputBatch = []int{0, 1}, 2
			ks = shapes.Make(d, k, k, b, co)
		}
		f := func(f compute.Function, v []compute.Value) []compute.Value {
			kernel := v[1]
			if reverse {
				kernel = must(f.Reverse(kernel, 0, 1))
			}
			return []compute.Value{must(f.ConvGeneral(v[0], kernel, axes, stride, pad, in, dil, groups, 1))}
		}
		data := []any{values(r, d, xs.Size()), values(r, d, ks.Size())}
		want, err := tryRun(ref, f, data, xs, ks)
		if err != nil {
			continue // no room for the kernel
		}
		for _, b := range all {
			if err := similar(execute(b, compiled(b, f, xs, ks), data...)[0], want[0], 1e-4); err != nil {
				t.Errorf("%v, %v, strides %v, padding %v, dilations %v %v, %d groups, reversed %v: %s: %v", xs, ks, stride, pad, in, dil, groups, reverse, b.Description(), err)
			}
		}
	}
}

func TestOneDimensionalConvolutionsAgreeWithTheGoBackend(t *testing.T) {
	ref := reference()
	axes := compute.ConvolveAxesConfig{InputBatch: 0, InputSpatial: []int{2}, InputChannels: 1, KernelSpatial: []int{2}, KernelInputChannels: 1, KernelOutputChannels: 0,
		OutputBatch: 0, OutputSpatial: []int{2}, OutputChannels: 1}
	f := func(f compute.Function, v []compute.Value) []compute.Value {
		return []compute.Value{must(f.ConvGeneral(v[0], v[1], axes, []int{2}, [][2]int{{1, 2}}, nil, nil, 1, 1)), must(f.ConvGeneral(v[0], v[1], axes, nil, nil, nil, nil, 1, 1))}
	}
	ss := []shapes.Shape{f32(5, 7, 31), f32(17, 7, 4)}
	in := inputs(1, ss...)
	want := execute(ref, compiled(ref, f, ss...), in...)
	for _, b := range ours() {
		agree(t, fmt.Sprint(b.Description()), execute(b, compiled(b, f, ss...), in...), want, 1e-5)
	}
}

func TestBatchGroupsAndThreeDimensionsAgreeWithTheGoBackend(t *testing.T) {
	ref, all := reference(), ours()
	r := rand.New(rand.NewPCG(8, 4))
	for i := range 40 {
		pick := func(v ...int) int { return v[r.IntN(len(v))] }
		d := []dtypes.DType{dtypes.Float32, dtypes.Float32, dtypes.Float64, dtypes.Int32}[i%4]
		spatial, groups, batchGroups := pick(1, 2, 3, 3), 1, 1
		switch i % 3 {
		case 0:
			groups = 2
		case 1:
			batchGroups = 3
		}
		sizes := map[byte]int{'b': 2 * batchGroups, 'c': pick(1, 5), 'o': groups * batchGroups * pick(1, 3), 'x': pick(4, 5), 'y': pick(3, 6), 'z': 4, 'u': pick(1, 2, 3), 'v': 2, 'w': pick(1, 3)}
		order := func(axes string) (dims []int, at func(a byte) int) {
			b := []byte(axes)
			r.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
			for _, a := range b {
				n := sizes[a]
				if a == 'i' {
					n = sizes['c'] * groups
				}
				dims = append(dims, n)
			}
			return dims, func(a byte) int { return slices.Index(b, a) }
		}
		xd, xa := order("bi" + "xyz"[:spatial])
		kd, ka := order("co" + "uvw"[:spatial])
		_, ya := order("bo" + "xyz"[:spatial])
		axes := compute.ConvolveAxesConfig{InputBatch: xa('b'), InputChannels: xa('i'), KernelInputChannels: ka('c'), KernelOutputChannels: ka('o'), OutputBatch: ya('b'), OutputChannels: ya('o')}
		var stride, inDil, dil []int
		var pad [][2]int
		for a := range spatial {
			axes.InputSpatial = append(axes.InputSpatial, xa("xyz"[a]))
			axes.KernelSpatial = append(axes.KernelSpatial, ka("uvw"[a]))
			axes.OutputSpatial = append(axes.OutputSpatial, ya("xyz"[a]))
			stride, inDil, dil, pad = append(stride, pick(1, 2)), append(inDil, pick(1, 1, 2)), append(dil, pick(1, 2)), append(pad, [2]int{pick(0, 1, 2), pick(0, 1)})
		}
		f := func(f compute.Function, v []compute.Value) []compute.Value {
			return []compute.Value{must(f.ConvGeneral(v[0], v[1], axes, stride, pad, inDil, dil, groups, batchGroups))}
		}
		xs, ks := shapes.Make(d, xd...), shapes.Make(d, kd...)
		part := func(f compute.Function, x compute.Value, dims []int, axis, g int) compute.Value {
			lo, hi := make([]int, len(dims)), slices.Clone(dims)
			lo[axis], hi[axis] = dims[axis]/batchGroups*g, dims[axis]/batchGroups*(g+1)
			return must(f.Slice(x, lo, hi, nil))
		}
		parts := func(f compute.Function, v []compute.Value) []compute.Value { // the definition of batch groups
			var all []compute.Value
			for g := range batchGroups {
				all = append(all, must(f.ConvGeneral(part(f, v[0], xd, xa('b'), g), part(f, v[1], kd, ka('o'), g), axes, stride, pad, inDil, dil, groups, 1)))
			}
			return []compute.Value{must(f.Concatenate(ya('o'), all...))}
		}
		data := []any{values(r, d, xs.Size()), values(r, d, ks.Size())}
		want, err := tryRun(ref, parts, data, xs, ks)
		if err != nil {
			t.Errorf("the Go backend: %v", err)
			continue
		}
		for _, b := range all {
			if err := similar(execute(b, compiled(b, f, xs, ks), data...)[0], want[0], 1e-4); err != nil {
				t.Errorf("%v, %v, %+v, strides %v, padding %v, dilations %v %v, %d groups, %d of the batch: %s: %v", xs, ks, axes, stride, pad, inDil, dil, groups, batchGroups, b.Description(), err)
			}
		}
	}
}
