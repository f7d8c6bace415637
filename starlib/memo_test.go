package starlib_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/starsweep/starsweep/starlib"
)

// tanh is a function of tensors and math.tanh one of numbers, and both call themselves tanh.
func TestBuiltinsOfOneNameAreNotOneNetwork(t *testing.T) {
	const script = `
load("@std//losses.star", "hinge")
load("@std//mlp.star", "mlp")

def trial(p):
    f = math.tanh if p.wrong else tanh
    return gan(data = ring(), generator = mlp([4], 2), discriminator = mlp([4], 1, activation = f), latent = normal(2),
        loss = hinge(), optimizer = sgd(lr = 1e-3), batch = 8, epochs = 1)

main = study(trial = trial, space = {"wrong": choice(%s)})
`
	for _, order := range []string{"False, True", "True, False"} {
		s, err := starlib.Loader{}.Load(context.Background(), "study.star", fmt.Appendf(nil, script, order))
		if err != nil {
			t.Fatal(err)
		}
		points, err := s.Points()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			wrong, _ := p.Get("wrong")
			if _, err := s.Job(context.Background(), p); (err != nil) != wrong.Any().(bool) {
				t.Errorf("in the order %s, %v: got the error %v", order, p, err)
			}
		}
	}
}
