package nn_test

import (
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
)

// A single value minus its mean is 0; torch.nn.BatchNorm1d(8)(torch.ones(1, 8)) is a ValueError, "Expected more than 1
// value per channel when training".
func TestBatchNormWantsMoreThanOneValue(t *testing.T) {
	for _, c := range []struct {
		batch int
		image expr.Shape
		ok    bool
	}{
		{1, flat(8), false}, {1, image(1, 1, 8), false}, {2, flat(8), true}, {1, image(1, 2, 8), true}, {2, image(1, 1, 8), true},
	} {
		_, err := tryBuild(c.batch, c.image, func(t *model.Trace, x *expr.Node) (*expr.Node, error) {
			return nn.BatchNorm(t, x, nn.NormOptions{Scale: true, Center: true})
		})
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "want more than one value per channel in training") {
			t.Errorf("batch %d of %v: got %v, want it to be right: %t", c.batch, c.image, err, c.ok)
		}
	}
}
