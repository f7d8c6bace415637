package model_test

import (
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/engine/spec"
)

// The loss makes 2 and 3 in this order, uses them in the other, and makes 4, which has a name, and 7 without using them.
func TestRealsAreNumberedAsTheyArePrinted(t *testing.T) {
	loss := func(t *model.Trace) (*expr.Node, error) {
		two, three := t.Real("f.star:1:1", spec.Constant(2)), t.Real("f.star:2:1", spec.Constant(3))
		t.Real("f.star:3:1", spec.Named(spec.Label{Name: "idle"}, spec.Constant(4)))
		t.Real("f.star:4:1", spec.Constant(7))
		y, err := t.Call("net", t.X(), func() (*expr.Node, error) { return nn.Dense(t, t.X(), nn.DenseOptions{Units: 1}) })
		if err != nil {
			return nil, err
		}
		return expr.Mul(three, expr.Sin(expr.Mul(two, expr.Mean(y, "bc")))), nil
	}
	sgd := model.Optimizer{Rule: model.SGD, Params: []model.Param{{Name: "lr", Value: spec.Constant(5)},
		{Name: "momentum", Value: spec.Constant(6)}}}
	players := []model.Player{{Name: "net", Steps: 1, Optimizer: sgd, Loss: loss}}
	p, reals, err := model.Build(model.Config{DType: expr.F32, Batch: 2, Image: expr.Of(expr.F32, "c", 3)}, players, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var sites []string
	for _, r := range reals {
		sites = append(sites, r.Site)
	}
	if got := slices.Sorted(slices.Values(sites)); !slices.Equal(got, []string{"f.star:1:1", "f.star:2:1", "f.star:3:1", "net/lr",
		"net/momentum"}) ||
		p.Reals != 4 || sites[4] != "f.star:3:1" {
		t.Errorf("got %d numbers %v, want those that are used, and after them the one with a name", p.Reals, sites)
	}
	if two, three := slices.Index(sites, "f.star:1:1"), slices.Index(sites, "f.star:2:1"); two < three {
		t.Errorf("got the places %v, those of the trace: this test wants others", sites)
	}
	text := expr.Print(p.Step()...)
	line := func(pattern string) []string {
		t.Helper()
		found := regexp.MustCompile(`(?m)^` + pattern + ` : `).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("got no line %s in\n%s", pattern, text)
		}
		return found
	}
	product := line(`%\d+ = sin (%\d+)`)[1] // of the two and the mean
	factors := line(product + ` = mul (%\d+) (%\d+)`)[1:]
	r := regexp.MustCompile(`(?m)^(?:` + factors[0] + "|" + factors[1] + `) = real r(\d+) : `).FindStringSubmatch(text)
	if r == nil {
		t.Fatalf("got no real among the factors in\n%s", text)
	}
	n, err := strconv.Atoi(r[1])
	if err != nil {
		t.Fatal(err)
	}
	if got := reals[n].Site; got != "f.star:1:1" {
		t.Errorf("r%d of\n%s\ngot the place of %s, want that of the 2", n, text, got)
	}
}
