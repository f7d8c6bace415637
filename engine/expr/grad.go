package expr

// Grad returns the derivatives of y, summed over its elements, with respect to each x. They are expressions like any other, have
// the shapes of the xs, and are zero where y does not depend on an x.
func Grad(y *Node, xs ...*Node) []*Node {
	g, order := y.g, Order(y)
	active := make([]bool, g.nodes) // depends on an x
	for _, x := range xs {
		active[x.id] = true
	}
	for _, n := range order {
		for _, a := range n.Args {
			active[n.id] = active[n.id] || active[a.id]
		}
	}
	cotangent := make([]*Node, g.nodes)
	cotangent[y.id] = y.lit(1).expandTo(y.Shape)
	defer g.At(g.pos)
	for i := len(order) - 1; i >= 0; i-- {
		n := order[i]
		v := cotangent[n.id]
		if v == nil || !active[n.id] || n.Op.VJP == nil {
			continue
		}
		g.At(n.Pos) // an error in a derivative points to the line of the operation
		for j, d := range n.Op.VJP(n, v) {
			a := n.Args[j]
			if d == nil || !active[a.id] || !a.Shape.DType.Float() {
				continue
			}
			d = Sum(d, d.Shape.Minus(a.Shape)).expandTo(a.Shape)
			if c := cotangent[a.id]; c != nil {
				d = Add(c, d)
			}
			cotangent[a.id] = d
		}
	}
	out := make([]*Node, len(xs))
	for i, x := range xs {
		if out[i] = cotangent[x.id]; out[i] == nil {
			out[i] = x.lit(0).expandTo(x.Shape)
		}
	}
	return out
}

// IsZero reports whether n is the number 0, repeated along any axes: what Grad returns where there is no derivative.
func (n *Node) IsZero() bool {
	for n.Op.Name == "expand" {
		n = n.Args[0]
	}
	c, ok := n.Attr.(Number)
	return ok && c.V == 0
}
