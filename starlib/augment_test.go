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

const side = 3 // of the images, in pixels

// move is where an augmentation takes a pixel from.
type move func(x vec, h, w int) float64

func at(x vec, h, w int) float64 {
	if h < 0 || w < 0 || h >= side || w >= side {
		return -1
	}
	return x[h*side+w]
}

// shifts are all moves by at most one pixel.
func shifts() (all []move) {
	for down := -1; down <= 1; down++ {
		for right := -1; right <= 1; right++ {
			all = append(all, func(x vec, h, w int) float64 { return at(x, h-down, w-right) })
		}
	}
	return all
}

// Every image drawn is one that the augmentation may make, and each of these occurs within many steps.
func TestAugmentationsMakeTheirImages(t *testing.T) {
	for _, c := range []struct {
		name, call string
		moves      []move
		steps      int
	}{
		{"random_flip", "random_flip(x)", []move{at, func(x vec, h, w int) float64 { return at(x, h, side-1-w) }}, 40},
		{"random_shift", "random_shift(x, pixels = 1)", shifts(), 150},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := starlib.Loader{Catalogue: catalogue, DType: expr.F64}
			s, err := l.Load(context.Background(), "x.star", fmt.Appendf(nil, augmented, c.name, c.call))
			if err != nil {
				t.Fatal(err)
			}
			job, err := s.Job(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			seen := movesSeen(t, job.Program.Recorded[0].Node, c.moves, c.steps)
			first, second := map[int]bool{}, map[int]bool{}
			for pair := range seen {
				first[pair[0]], second[pair[1]] = true, true
			}
			if n := len(c.moves); len(first) != n || len(second) != n || len(seen) <= n {
				t.Errorf("got %d and %d kinds of images in %d pairs, want %d of each, drawn independently", len(first), len(second), len(seen), n)
			}
		})
	}
}

// movesSeen runs a loss of two images for some steps, and finds the pairs of moves that explain it.
func movesSeen(t *testing.T, loss *expr.Node, moves []move, steps int) map[[2]int]bool {
	t.Helper()
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
	for step := range steps {
		inputs := map[string]vec{"seed": {1}, "step": {float64(step)}, "x0": x, "net/dense1/kernel": kernel}
		got, found := run(t, inputs, loss)[0][0], false
		for i, a := range moves {
			for j, b := range moves {
				if math.Abs((score(x[:side*side], a)+score(x[side*side:], b))/2-got) < 1e-12 {
					seen[[2]int{i, j}], found = true, true
				}
			}
		}
		if !found {
			t.Fatalf("step %d: got %g, which no augmented images explain", step, got)
		}
	}
	return seen
}
