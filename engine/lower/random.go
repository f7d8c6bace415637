package lower

import . "github.com/starsweep/starsweep/engine/expr"

// bits writes the generator as expressions, so that it packs over trials like any other: Threefry as expr defines it, element by
// element. Additions and multiplications of U32 wrap around.
func bits(n *Node) *Node {
	d, g := n.Attr.(Draw), n.Graph()
	defer g.At(g.At(n.Pos))
	u := func(v uint32) *Node { return g.Const(U32, float64(v)) }
	k0, k1 := threefry(n.Args[0], u(0), u(d.Stream), n.Args[1])
	size := d.Shape.Elems()
	c := Convert(g.Iota('b', (size+1)/2), U32)
	w0, w1 := threefry(k0, k1, c, u(0))
	all := Slice(Concat('b', w0, w1), 'b', 0, size, 1)
	if d.Shape.Scalar() {
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
		c1 = Xor(Add(Mul(c1, u(1<<r)), Shr(c1, u(32-r))), c0) // a rotation: the bits of the two addends do not overlap
		if s := round/4 + 1; round%4 == 3 {
			c0, c1 = Add(c0, k[s%3]), Add(Add(c1, k[(s+1)%3]), u(uint32(s)))
		}
	}
	return c0, c1
}
