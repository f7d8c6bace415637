package lower

import . "github.com/starsweep/starsweep/engine/expr"

// Operations that are lowered by rewriting them in smaller ones. The rewriting is itself an expression, so it is shared
// (patches between a convolution and its kernel gradient), packed over trials, and printed like any other.

// bits is Threefry, element by element.
func bits(n *Node) *Node {
	d, g := n.Attr.(Draw), n.Graph()
	u := func(v uint32) *Node { return g.Const(U32, float64(v)) }
	k0, k1 := threefry(n.Args[0], u(0), u(d.Stream), n.Args[1])
	size := d.Shape.Elems()
	c := Convert(g.Iota('b', (size+1)/2), U32)
	w0, w1 := threefry(k0, k1, c, u(0))
	all := Slice(Concat('b', w0, w1), 'b', 0, size, 1)
	if d.Shape.Axes() == "" {
		return Sum(all, "b")
	}
	return Split(all, 'b', d.Shape.Axes(), d.Shape.Dims()...)
}

func threefry(k0, k1, c0, c1 *Node) (*Node, *Node) {
	u := func(v uint32) *Node { return k0.Graph().Const(U32, float64(v)) }
	k := [3]*Node{k0, k1, Xor(Xor(k0, k1), u(ThreefryParity))}
	c0, c1 = Add(c0, k[0]), Add(c1, k[1])
	for round, r := range ThreefryRotations {
		c0 = Add(c0, c1)
		c1 = Xor(Add(Mul(c1, u(1<<r)), Shr(c1, u(32-r))), c0)
		if s := round/4 + 1; round%4 == 3 {
			c0, c1 = Add(c0, k[s%3]), Add(Add(c1, k[(s+1)%3]), u(uint32(s)))
		}
	}
	return c0, c1
}

// im2col writes the three convolutions as matrix products of patches [c b]: channels and taps along c, pixels and examples
// along b. Channels first and batch last make every slice a run of contiguous memory and every product plain.
func im2col(n *Node, p patching) *Node {
	w, a, b := n.Attr.(Window2), n.Args[0], n.Args[1]
	batch := a.Shape.Size('b')
	switch n.Op.Name {
	case "conv":
		y := Dot(p.flat(b), p.of(a, w), "c")
		return Split(Rename(y, "o", "c"), 'b', "hwb", w.H.Out(), w.W.Out(), batch)
	case "conv_kernel_grad":
		y := Dot(Rename(Merge(b, "hwb", 'b'), "c", "o"), p.of(a, w), "b")
		return p.unflat(y, w.H.Kernel, w.W.Kernel, a.Shape.Size('c'))
	}
	if b.Shape.Size('i') <= few {
		return scatter(a, b, w)
	}
	return p.gather(a, b, w)
}

// patching is a way to lay out patches, with the order of taps and channels that it brings.
type patching struct {
	patches func(x *Node, h, w span) *Node
	flat    func(kernel *Node) *Node           // [o h w i] -> [o c]
	unflat  func(dot *Node, h, w, i int) *Node // and back
}

// span says which pixels meet along one axis: first + tap*t + place*p for every tap t and place p.
type span struct{ first, tap, taps, place, places int }

func (s span) of(x *Node, axis byte, t int) *Node {
	lo := s.first + s.tap*t
	return Slice(x, axis, lo, lo+s.place*(s.places-1)+1, s.place)
}

var patchings = map[string]patching{
	"im2col":  tapsFirst(bySlices),
	"im2col2": tapsFirst(byRows),
	"take": {byIndex,
		func(k *Node) *Node { return Merge(Rename(k, "i", "c"), "chw", 'c') },
		func(y *Node, h, w, i int) *Node { return Rename(Split(y, 'c', "chw", i, h, w), "c", "i") }},
}

func tapsFirst(patches func(x *Node, h, w span) *Node) patching {
	return patching{patches,
		func(k *Node) *Node { return Rename(Merge(k, "hwi", 'i'), "i", "c") },
		func(y *Node, h, w, i int) *Node { return Split(Rename(y, "c", "i"), 'i', "hwi", h, w, i) }}
}

// bySlices: one slice per tap.
func bySlices(x *Node, h, w span) *Node {
	var p []*Node
	for i := range h.taps {
		for j := range w.taps {
			p = append(p, w.of(h.of(x, 'h', i), 'w', j))
		}
	}
	return Merge(Concat('c', p...), "hwb", 'b')
}

// byRows slices columns, then rows: fewer operations, more memory.
func byRows(x *Node, h, w span) *Node {
	var cols, rows []*Node
	for j := range w.taps {
		cols = append(cols, w.of(x, 'w', j))
	}
	x = Concat('c', cols...)
	for i := range h.taps {
		rows = append(rows, h.of(x, 'h', i))
	}
	return Merge(Concat('c', rows...), "hwb", 'b')
}

// byIndex takes all taps by computed indices: one operation. In the indices h, w are the taps and i, j the places.
func byIndex(x *Node, h, w span) *Node {
	width, g := x.Shape.Size('w'), x.Graph()
	num := func(v int) *Node { return g.Const(I32, float64(v)) }
	at := num(h.first*width + w.first)
	for _, c := range []struct {
		axis    byte
		n, step int
	}{{'h', h.taps, h.tap * width}, {'w', w.taps, w.tap}, {'i', h.places, h.place * width}, {'j', w.places, w.place}} {
		at = Add(at, Mul(g.Iota(c.axis, c.n), num(c.step)))
	}
	return Merge(Merge(Take(Merge(x, "hw", 'w'), at, 'w'), "chw", 'c'), "ijb", 'b')
}

// of are the patches of a convolution.
func (p patching) of(x *Node, w Window2) *Node {
	along := func(w Window) span { return span{0, 1, w.Kernel, w.Stride, w.Out()} }
	return p.patches(pad(pad(x, 'h', w.H.Lo, w.H.Hi), 'w', w.W.Lo, w.W.Hi), along(w.H), along(w.W))
}

// phase of a transposed convolution along one axis: out[stride*q+phase] is the sum of g[q+shift-t]*kernel[tap+stride*t]
// over the taps t.
type phase struct{ tap, shift, taps int }

// phases lists the phases, the places q of each, and the padding of g that makes every index valid.
func phases(w Window) (ph []phase, places, lo, hi int) {
	places = (w.In + w.Stride - 1) / w.Stride
	for a := range w.Stride {
		p := phase{tap: (a + w.Lo) % w.Stride}
		p.shift = (a + w.Lo - p.tap) / w.Stride
		if p.taps = (w.Kernel - p.tap + w.Stride - 1) / w.Stride; p.taps > 0 {
			lo, hi = max(lo, p.taps-1-p.shift), max(hi, places+p.shift-w.Out())
		}
		ph = append(ph, p)
	}
	return
}

// of slices the phase's taps of the kernel.
func (p phase) of(kernel *Node, axis byte, stride int) *Node {
	return Slice(kernel, axis, p.tap, p.tap+(p.taps-1)*stride+1, stride)
}

// interleave builds an image of c channels from its phases: out[S*q+a, S*p+b] = at(a, b)[q, p]. Phases without taps are zero.
func interleave(w Window2, g *Node, c int, at func(a, b phase) *Node) *Node {
	ph, nh, _, _ := phases(w.H)
	pw, nw, _, _ := phases(w.W)
	batch, rows := g.Shape.Size('b'), []*Node(nil)
	for _, a := range ph {
		var cols []*Node
		for _, b := range pw {
			p := Expand(g.Graph().Const(g.Shape.DType, 0), g.Shape.With('c', c).With('h', nh).With('w', nw))
			if a.taps > 0 && b.taps > 0 {
				p = at(a, b)
			}
			cols = append(cols, Split(Merge(p, "wb", 'b'), 'b', "wjb", nw, 1, batch))
		}
		row := Merge(Concat('j', cols...), "wj", 'w') // [c h W b]
		rows = append(rows, Split(Merge(row, "wb", 'b'), 'b', "jb", 1, nw*w.W.Stride*batch))
	}
	y := Merge(Concat('j', rows...), "hj", 'h') // [c H (W b)]
	return Slice(Slice(Split(y, 'b', "wb", nw*w.W.Stride, batch), 'h', 0, w.H.In, 1), 'w', 0, w.W.In, 1)
}

// gather is the transposed convolution as one product per phase, with exactly the taps that touch it.
func (p patching) gather(g, kernel *Node, w Window2) *Node {
	_, nh, hlo, hhi := phases(w.H)
	_, nw, wlo, whi := phases(w.W)
	g = pad(pad(g, 'h', hlo, hhi), 'w', wlo, whi)
	kernel = Rename(kernel, "oi", "io") // one transposition for all phases
	return interleave(w, g, kernel.Shape.Size('o'), func(a, b phase) *Node {
		k := b.of(a.of(kernel, 'h', w.H.Stride), 'w', w.W.Stride)
		near := p.patches(g, span{hlo + a.shift, -1, a.taps, 1, nh}, span{wlo + b.shift, -1, b.taps, 1, nw})
		return Split(Rename(Dot(p.flat(k), near, "c"), "o", "c"), 'b', "hwb", nh, nw, g.Shape.Size('b'))
	})
}

const few = 4 // output channels up to which scatter beats gather

// scatter is the transposed convolution as one product and a sum of its shifted pieces.
func scatter(g, kernel *Node, w Window2) *Node {
	_, nh, hlo, hhi := phases(w.H)
	_, nw, wlo, whi := phases(w.W)
	c := kernel.Shape.Size('i')
	all := Rename(Dot(Merge(kernel, "hwi", 'i'), Rename(Merge(g, "hwb", 'b'), "c", "o"), "o"), "i", "c")
	return interleave(w, g, c, func(a, b phase) *Node {
		sum := g.Graph().Const(g.Shape.DType, 0)
		for i := range a.taps {
			for j := range b.taps {
				tap := (a.tap+i*w.H.Stride)*w.W.Kernel + b.tap + j*w.W.Stride
				p := Split(Slice(all, 'c', tap*c, tap*c+c, 1), 'b', "hwb", w.H.Out(), w.W.Out(), g.Shape.Size('b'))
				p = pad(pad(p, 'h', hlo, hhi), 'w', wlo, whi)
				sum = Add(sum, span{wlo + b.shift, -1, b.taps, 1, nw}.of(span{hlo + a.shift, -1, a.taps, 1, nh}.of(p, 'h', i), 'w', j))
			}
		}
		return sum
	})
}

func pad(x *Node, axis byte, lo, hi int) *Node {
	if lo == 0 && hi == 0 {
		return x
	}
	return Pad(x, axis, lo, hi, 1)
}
