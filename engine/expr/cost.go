package expr

// Costs of evaluating a tuple of expressions once.
type Costs struct {
	MulAdds int64 // multiplications with an addition in products and convolutions; taps that meet padding do not count
	Bytes   int64 // memory of the inputs that are read
}

// Cost adds up what the outputs depend on, each expression once.
func Cost(outs ...*Node) (c Costs) {
	for _, n := range Order(outs...) {
		switch a := n.Attr.(type) {
		case Leaf:
			c.Bytes += int64(n.Shape.Bytes())
		case Window2:
			// Every tap that meets a pixel, for every example and every pair of an input and an output channel.
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
