package starlib_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/starlib"
)

// augmented is a study whose loss is the mean over two images of 3 x 3 pixels of (augmented image) · kernel.
const augmented = `
load("@std//augment.star", %q)

def net(x):
    return nn.dense(flatten(x), 1, bias = False)

def trial(p):
    return job(data = images("x", size = 3, channels = 1), batch = 2, epochs = 1,
        players = {"net": player(network = net, loss = lambda net, x: mean(net(%s)), optimizer = sgd(lr = 0))})

main = study(trial = trial)
`

// Whatever is drawn, each image is one of those that the augmentation may give, and in many steps each of them comes.
func TestAugmentationsGiveTheirImages(t *testing.T) {
	const side = 3
	at := func(x vec, h, w int) float64 {
		if h < 0 || w < 0 || h >= side || w >= side {
			return -1
		}
		return x[h*side+w]
	}
	type move func(x vec, h, w int) float64
	var shifts []move
	for down := -1; down <= 1; down++ {
		for right := -1; right <= 1; right++ {
			shifts = append(shifts, func(x vec, h, w int) float64 { return at(x, h-down, w-right) })
		}
	}
	for _, c := range []struct {
		name, call string
		moves      []move
		steps      int
	}{
		{"random_flip", "random_flip(x)", []move{at, func(x vec, h, w int) float64 { return at(x, h, side-1-w) }}, 40},
		{"random_shift", "random_shift(x, pixels = 1)", shifts, 150},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := starlib.Loader{Catalogue: catalogue, DType: expr.F64}.Load(context.Background(), "x.star", fmt.Appendf(nil, augmented, c.name, c.call))
			if err != nil {
				t.Fatal(err)
			}
			job, err := s.Job(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var x, kernel vec
			for i := range 2 * side * side {
				x = append(x, math.Sin(float64(1+i*i)))
			}
			for i := range side * side {
				kernel = append(kernel, math.Cos(float64(i*i*i)))
			}
			score := func(x vec, m move) (sum float64) {
				for i, k := range kernel {
					sum += k * m(x, i/side, i%side)
				}
				return sum
			}
			seen := map[[2]int]bool{}
			for step := range c.steps {
				got := run(t, map[string]vec{"seed": {1}, "step": {float64(step)}, "x0": x, "net/dense1/kernel": kernel}, job.Program.Readings[0].Node)[0][0]
				found := false
				for i, a := range c.moves {
					for j, b := range c.moves {
						if math.Abs((score(x[:side*side], a)+score(x[side*side:], b))/2-got) < 1e-12 {
							seen[[2]int{i, j}], found = true, true
						}
					}
				}
				if !found {
					t.Fatalf("step %d: got %g, which no augmented images give", step, got)
				}
			}
			first, second := map[int]bool{}, map[int]bool{}
			for pair := range seen {
				first[pair[0]], second[pair[1]] = true, true
			}
			if n := len(c.moves); len(first) != n || len(second) != n || len(seen) <= n {
				t.Errorf("got %d and %d kinds of images in %d pairs, want %d of each, drawn by themselves", len(first), len(second), len(seen), n)
			}
		})
	}
}
