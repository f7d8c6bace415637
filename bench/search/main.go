// Command search runs the searches of a study without training, for peers.py to compare with others. Nothing imports it.
//
//	search points -kind sobol [-dimensions 2] [-trials 64] [-seed 0]
//
// prints the points of the unit cube, one a line, numbers separated by spaces.
//
//	search ask
//
// reads a request (see ask.go), and then suggests a point for every line of objectives that it reads.
//
//	search rules docs/studies/mnist_grid
//	search tenth docs/studies/mnist_grid
//
// print tables of what rules save and lose on a recorded grid, and of how far searches come with a tenth of its epochs.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "search:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) > 0 && args[0] == "points":
		return points(os.Stdout, args[1:])
	case len(args) == 1 && args[0] == "ask":
		return ask(os.Stdout, os.Stdin)
	case len(args) == 2 && args[0] == "rules":
		return rules(os.Stdout, args[1])
	case len(args) == 2 && args[0] == "tenth":
		return tenth(os.Stdout, args[1])
	}
	return errors.New("want points, ask, rules or tenth: see the package comment")
}

func points(to io.Writer, args []string) error {
	flags := flag.NewFlagSet("points", flag.ContinueOnError)
	kind := flags.String("kind", "sobol", "random, sobol or latin_hypercube")
	dimensions := flags.Int("dimensions", 2, "dimensions of the cube")
	trials := flags.Int("trials", 64, "number of points")
	seed := flags.Uint64("seed", 0, "seed of the search")
	if err := flags.Parse(args); err != nil {
		return err
	}
	study := search.Study{Search: spec.Search{Kind: spec.SearchKind(*kind), Trials: *trials, Seed: *seed}, Seeds: []uint32{0}}
	for j := range *dimensions {
		d, err := spec.Range(fmt.Sprint("x", j), spec.Float, 0, 1, false)
		if err != nil {
			return err
		}
		study.Space = append(study.Space, d)
	}
	blocks, err := search.New(context.Background(), study)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(to)
	for i := range blocks.Points.Len() {
		for j, x := range blocks.Points.At(i) {
			if j > 0 {
				fmt.Fprint(w, " ")
			}
			fmt.Fprint(w, x.Value.Any())
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
