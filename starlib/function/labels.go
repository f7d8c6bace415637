package function

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/starlib/kit"
	"github.com/starsweep/starsweep/starlib/tensor"
)

// OneHot is one_hot(y, classes): [b] becomes [b c]. It is a layer as well.
func OneHot(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	var y tensor.Tensor
	var classes kit.Count
	if err := c.Unpack("y", &y, "classes", &classes); err != nil {
		return nil, err
	}
	if err := t.EnoughClasses(c, "classes", int(classes)); err != nil {
		return nil, err
	}
	return nn.OneHot(t.Trace, y.Node, int(classes))
}

// logitsAndLabels unpacks logits [b c] and labels i32 [b], and makes one-hot vectors of the labels.
func logitsAndLabels(t *tensor.Tracer, c kit.Call) (logits, hot *expr.Node, err error) {
	var x, y tensor.Tensor
	if err := c.Unpack("logits", &x, "y", &y); err != nil {
		return nil, nil, err
	}
	if x.Shape.Axes() != "bc" {
		return nil, nil, fmt.Errorf("%s: for parameter logits: got %v, want [b c]", c.Name, x.Shape)
	}
	if err := t.EnoughClasses(c, "logits", x.Shape.Size('c')); err != nil {
		return nil, nil, err
	}
	hot, err = nn.OneHot(t.Trace, y.Node, x.Shape.Size('c'))
	return x.Node, hot, err
}

// softmaxCrossEntropy is -ln softmax(logits)[y], per example.
func softmaxCrossEntropy(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	x, hot, err := logitsAndLabels(t, c)
	if err != nil {
		return nil, err
	}
	return expr.Neg(expr.Sum(expr.Mul(hot, expr.LogSoftmax(x, "c")), "c")), nil
}

// accuracy is the fraction of examples whose largest logit is that of the label. In a tie the label gets a share, so that a classifier
// with the same logit for every class is right by chance, not always.
func accuracy(t *tensor.Tracer, c kit.Call) (*expr.Node, error) {
	x, hot, err := logitsAndLabels(t, c)
	if err != nil {
		return nil, err
	}
	top := t.Floats(expr.Equal(x, expr.Amax(x, "c")))
	ties := expr.Max(expr.Sum(top, "c"), t.Number(1)) // there is no largest logit where one is not a number
	return expr.Mean(expr.Div(expr.Sum(expr.Mul(hot, top), "c"), ties), "b"), nil
}
