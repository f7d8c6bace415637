package starlib_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// constrained has a trial that refuses what its constraint leaves out.
const constrained = `
load("@std//mlp.star", "mlp")

def allowed(p):
    return p.width * p.depth <= p.most and (p.loss != "b" or p.width == 2)

def trial(p):
    if not allowed(p):
        fail("this point is not in the search")
    if p.width == 2 and p.depth == 1:
        return skip("width %d is too little for one layer" % p.width)
    def loss(net, x):
        return mean(square(net(x))) * p.weight
    return job(data = ring(), players = {"net": player(network = mlp([p.width] * p.depth, 1), loss = loss, optimizer = sgd(lr = 0.1))},
        batch = 8, epochs = p.epochs)

main = study(trial = trial, constraint = allowed, settings = {"most": 4, "epochs": 1, "weight": 0.5}, profiles = {"large": {"most": 100}},
    space = {"loss": choice("a", "b"), "width": choice(2, 4), "depth": choice(1, 2)})
`

func TestAConstraintIsAskedBeforeAnythingIsTraced(t *testing.T) {
	study := load(t, constrained)
	points := func(set ...string) string {
		with, err := study.With("", set)
		if err != nil {
			t.Fatal(err)
		}
		points, err := listed(with)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			if err := tracedOrSkipped(t.Context(), with, p); err != nil {
				t.Errorf("%v: %v", p, err)
			}
		}
		return fmt.Sprint(points)
	}
	want := `[loss="a" width=2 depth=1 loss="a" width=2 depth=2 loss="a" width=4 depth=1 loss="b" width=2 depth=1 loss="b" width=2 depth=2]`
	if got := points(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// It sees settings and pinned values.
	if got, want := points("most=2", "loss=a"), `[loss="a" width=2 depth=1]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	large, err := study.With("large", nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := searched(large)
	if err != nil || b.Len() != 6 || b.LeftOut != 2 {
		t.Errorf("got %d trials and %d points left out of the profile large, %v", b.Len(), b.LeftOut, err)
	}
	if w := load(t, constrained).Warnings(); !slices.ContainsFunc(w, func(w string) bool { return strings.Contains(w, "setting most") }) {
		t.Errorf("got the warnings %q before the constraint was asked", w)
	}
	if w := large.Warnings(); slices.ContainsFunc(w, func(w string) bool { return strings.Contains(w, "setting most") }) {
		t.Errorf("got the warnings %q of a setting that the constraint reads", w)
	}
}

func TestAConstraintIsAFunctionOfThePoint(t *testing.T) {
	study := load(t, constrained)
	all, err := search.New(t.Context(), search.Study{Space: study.Space, Search: study.Search, Seeds: []uint32{0}})
	if err != nil {
		t.Fatal(err)
	}
	first := map[string]bool{}
	for range 3 {
		for i := range all.Len() {
			p := all.At(all.Len() - 1 - i).Point
			ok, err := study.Constraint()(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if was, asked := first[p.String()]; asked && was != ok {
				t.Errorf("%v: got %t and %t", p, was, ok)
			}
			first[p.String()] = ok
		}
	}
	if load(t, cube).Constraint() != nil {
		t.Error("got a constraint of a study that has none")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := study.Constraint()(ctx, all.At(0).Point); !errors.Is(err, why) {
		t.Errorf("got %v when interrupted, want %v", err, why)
	}
}

func TestASkippedPointHasAReason(t *testing.T) {
	study := load(t, constrained)
	points, err := listed(study)
	if err != nil {
		t.Fatal(err)
	}
	var skipped []string
	for _, p := range points {
		_, err := study.Job(t.Context(), p)
		var skip *model.Skipped
		if errors.As(err, &skip) {
			skipped = append(skipped, skip.Reason)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if got, want := fmt.Sprint(skipped), "[width 2 is too little for one layer width 2 is too little for one layer]"; got != want {
		t.Errorf("got the reasons %s, want %s", got, want)
	}
}

// What decides whether a point is skipped is read like any other number: each point has its own answer, whatever came before.
func TestSkippingDependsOnThePointAlone(t *testing.T) {
	const script = `
load("@std//mlp.star", "mlp")

def trial(p):
    if p.lr * p.scale > 0.5:
        return skip("a rate of %g" % (p.lr * p.scale))
    loss = lambda net, x: mean(square(net(x)))
    players = {"net": player(network = mlp([2], 1), loss = loss, optimizer = sgd(lr = p.lr))}
    return job(data = ring(), players = players, batch = 8, epochs = 1)

main = study(trial = trial, space = {"lr": choice(0.1, 0.4), "scale": choice(1.0, 2.0)})
`
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {3, 0, 3, 1}} {
		study := load(t, script)
		points, err := listed(study)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range order {
			_, err := study.Job(t.Context(), points[i])
			var skip *model.Skipped
			if skips := errors.As(err, &skip); skips != (i == 3) || skips && skip.Reason != "a rate of 0.8" {
				t.Errorf("%v, %v: got %v", order, points[i], err)
			}
		}
	}
}

// A trial that breaks off because a number is wrong is an error at the points where it is, even if others are skipped.
func TestSkippingHidesNoError(t *testing.T) {
	const script = `
def trial(p):
    sgd(lr = p.lr)
    return skip("always")

main = study(trial = trial, space = {"lr": choice(0.1, -0.1)})
`
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		study := load(t, script)
		points, err := listed(study)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range order {
			_, err := study.Job(t.Context(), points[i])
			if skips := errors.As(err, new(*model.Skipped)); err == nil || skips != (i == 0) {
				t.Errorf("%v, %v: got %v", order, points[i], err)
			}
		}
	}
}

func TestAHyperparameterOfTheConstraintAloneIsUnread(t *testing.T) {
	study := load(t, `main = study(trial = lambda p: skip("%d" % p.a), space = {"a": choice(1, 2), "b": choice(1, 2)}, settings = {"c": 3},
    constraint = lambda p: p.a + p.b < p.c)`)
	points, err := listed(study)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		if err := tracedOrSkipped(t.Context(), study, p); err != nil {
			t.Error(err)
		}
	}
	want := []string{"study.star:1:13: no trial reads the hyperparameter b: use p.b, or remove it from the space"}
	if got := study.Warnings(); !slices.Equal(got, want) {
		t.Errorf("got the warnings %q, want %q", got, want)
	}
}

func TestTheWeightsThatStay(t *testing.T) {
	for script, want := range map[string]string{
		`main = study(trial = lambda p: None)`:                "",
		`main = study(trial = lambda p: None, keep = "all")`:  "all",
		`main = study(trial = lambda p: None, keep = "none")`: "none",
	} {
		s := load(t, script)
		if with, err := s.With("", nil); s.Keep != want || err != nil || with.Keep != want {
			t.Errorf("%s: got %q, want %q", script, s.Keep, want)
		}
	}
}

func TestAConstraintIsFast(t *testing.T) {
	study := load(t, `main = study(trial = lambda p: None, space = {"a": uniform(0, 1), "b": uniform(0, 1)}, search = random(trials = 20000),
    constraint = lambda p: p.a < p.b)`)
	start := time.Now()
	points, err := listed(study)
	if err != nil || len(points) != 20_000 {
		t.Fatalf("got %d points, %v", len(points), err)
	}
	each := time.Since(start) / 40_000
	t.Logf("%v a point", each)
	for _, p := range points[:100] {
		a, _ := p.Get("a")
		b, _ := p.Get("b")
		if a.Any().(float64) >= b.Any().(float64) {
			t.Errorf("got the point %v", p)
		}
	}
	if each > time.Millisecond {
		t.Errorf("got %v a point, want microseconds", each)
	}
}
