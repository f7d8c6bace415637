package starlib_test

import (
	"context"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib"
)

// The label's share of the largest logits: whole, a third of a tie of three, none.
func TestAccuracySharesTies(t *testing.T) {
	const script = `
def trial(p):
    f = lambda net, x, y: accuracy(net(x), y)
    return job(data = ring(modes = 3), batch = 4, epochs = 1, watch = {"right": f}, players = {"net": player(
        network = lambda x: nn.dense(x, 3, bias = False), optimizer = sgd(lr = 0.0),
        loss = lambda net, x, y: mean(softmax_cross_entropy(net(x), y)))})

main = study(trial = trial)
`
	s, err := starlib.Loader{Catalogue: catalogue, DType: expr.F64}.Load(context.Background(), "study.star", []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	job, err := s.Job(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range job.Program.Recorded {
		if r.Name != "right" {
			continue
		}
		inputs := map[string]vec{"seed": {1}, "step": {0}, "y0": {0, 1, 2, 0},
			"x0":                  {1, 0, 1, 0, 0, 0, 0, 1},
			"net/dense1/kernel":   {5, 1, 1, 2, 2, 3}, // logits 5 1 1, 5 1 1, 0 0 0, 2 2 3
			"net/dense1/kernel.m": make(vec, 6)}
		if got, want := run(t, inputs, r.Node)[0][0], (1+0+1./3+0)/4; got != want {
			t.Errorf("got an accuracy of %g, want %g", got, want)
		}
		return
	}
	t.Fatal("the watch is not recorded")
}
