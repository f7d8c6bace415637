package expr_test

import (
	"testing"

	. "github.com/starsweep/starsweep/engine/expr"
)

func TestCostCountsTapsThatMeetPixels(t *testing.T) {
	for _, w := range []Window{Same(6, 5, 2), Valid(7, 3, 2), Explicit(3, 3, 2, 3, 4), Valid(9, 3, 4), Explicit(2, 5, 1, 4, 4),
		SameTransposed(4, 5, 2)} {
		want := 0
		for p := range w.Out() {
			for tap := range w.Kernel {
				if i := p*w.Stride + tap - w.Lo; i >= 0 && i < w.In {
					want++
				}
			}
		}
		g := New()
		x := g.Input("x", Of(F32, "bhwc", 2, w.In, 1, 3))
		k := g.Input("k", Of(F32, "hwio", w.Kernel, 1, 3, 4))
		y := Conv(x, k, Window2{H: w, W: Valid(1, 1, 1)})
		if got := Cost(y).MulAdds; got != int64(want*2*3*4) {
			t.Errorf("%v: got %d, want %d", w, got, want*2*3*4)
		}
		d := Grad(Sum(Square(y), "bhwc"), x, k)
		if got := Cost(d...).MulAdds; got != int64(3*want*2*3*4) {
			t.Errorf("%v: with derivatives got %d, want three times as many", w, got)
		}
	}
	g := New()
	x, k := g.Input("x", Of(F32, "bc", 8, 5)), g.Input("k", Of(F32, "co", 5, 7))
	if got, want := Cost(Dot(x, k, "c"), Dot(x, k, "c"), g.Real(F32, 1)), (Costs{8 * 5 * 7, 4 * (8*5 + 5*7 + 1)}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	packed := Vmap(New(), 3, func(n *Node) bool { return n.Attr.(Leaf).Name == "x" }, Dot(x, k, "c"))
	if got := Cost(packed...).MulAdds; got != 3*8*5*7 {
		t.Errorf("three trials: got %d, want %d", got, 3*8*5*7)
	}
}
