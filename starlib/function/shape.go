package function

import (
	"cmp"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/tensor"
)

// reshape turns vectors into images: [b c] becomes [b h w c].
func reshape(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var x tensor.Tensor
	var h, w, ch kit.Count
	if err := c.Unpack("x", &x, "h", &h, "w", &w, "c", &ch); err != nil {
		return nil, err
	}
	return t.Noted("reshape")(nn.Reshape(x.Node, int(h), int(w), int(ch)))
}

// concat is concat(xs, axis).
func concat(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var list *starlark.List
	axis := tensor.Axis('c')
	if err := c.Unpack("xs", &list, "axis?", &axis); err != nil {
		return nil, err
	}
	var xs []*expr.Node
	for v := range list.Elements() {
		x, ok := v.(tensor.Tensor)
		if !ok {
			return nil, fmt.Errorf("concat: for parameter xs: got a list with %s, want tensors", kit.Describe(v))
		}
		xs = append(xs, x.Node)
	}
	return t.Noted("concat")(nn.Concat(byte(axis), xs...))
}

// slice is slice(x, axis, lo, hi, step).
func slice(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var x tensor.Tensor
	var axis tensor.Axis
	var lo kit.Natural
	var hi, step kit.Count = 0, 1
	if err := c.Unpack("x", &x, "axis", &axis, "lo", &lo, "hi?", &hi, "step?", &step); err != nil {
		return nil, err
	}
	end := cmp.Or(int(hi), x.Shape.Size(byte(axis)))
	return nn.Slice(x.Node, byte(axis), int(lo), end, int(step))
}

// flip reverses an axis.
func flip(_ *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var x tensor.Tensor
	var axis tensor.Axis
	if err := c.Unpack("x", &x, "axis", &axis); err != nil {
		return nil, err
	}
	return expr.Reverse(x.Node, byte(axis)), nil
}

// flatten turns images into vectors: [b h w c] becomes [b c].
func flatten(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var x tensor.Tensor
	if err := c.Unpack("x", &x); err != nil {
		return nil, err
	}
	return t.Noted("flatten")(nn.Flatten(x.Node))
}
