package starlib_test

import (
	"context"
	"testing"
)

// A tensor may be asked whether it is one: None and strings are no numbers that it could be compared with element by element.
func TestATensorIsNotNone(t *testing.T) {
	s := load(t, `
load("@std//losses.star", "hinge")
load("@std//mlp.star", "mlp")

def G(z, scale = None):
    if scale == None and z != None and z != "none":
        return nn.dense(z, 2)
    fail("a tensor is None")

def trial(p):
    return gan(data = ring(), generator = G, discriminator = mlp([4], 1), latent = normal(2), loss = hinge(),
        optimizer = adam(1e-3), batch = 4, epochs = 1)

main = study(trial = trial)
`)
	if _, err := s.Job(context.Background(), nil); err != nil {
		t.Error(err)
	}
}
