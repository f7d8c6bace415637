package expr

// Costs are the costs of evaluating a tuple of expressions once.
type Costs struct {
	MulAdds int64 // multiply-adds of products and convolutions, without taps on padding
	Bytes   int64 // of the inputs
}

// Cost sums over the expressions that the outputs depend on, each counted once.
func Cost(outs ...*Node) (c Costs) {
	for _, n := range Order(outs...) {
		switch a := n.Attr.(type) {
		case Leaf:
			c.Bytes += int64(n.Shape.Bytes())
		case Window2:
			// Every tap on a pixel, for every example and every pair of an input and an output channel.
			image, kernel := n.Args[0].Shape, n.Args[1].Shape
			trials := max(1, image.Size('k'), kernel.Size('k'))
			if n.Op.Name == "conv_kernel_grad" {
				kernel = n.Shape
			}
			pairs := kernel.Size('i') * kernel.Size('o') * image.Size('b') * trials
			c.MulAdds += int64(a.H.taps()*a.W.taps()) * int64(pairs)
		case string:
			if n.Op.Name == "dot" {
				all, _ := n.Args[0].Shape.join(n.Args[1].Shape)
				c.MulAdds += int64(all.Elems())
			}
		}
	}
	return c
}
