package starlib_test

import (
	"context"
	"testing"
)

// A tensor can be compared with None and strings, which differ from it as a whole.
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
