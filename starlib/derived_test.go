package starlib_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/starlib"
)

// ratios has derived hyperparameters of each kind, some of others and one with a condition.
const ratios = `
load("@std//losses.star", "hinge", "wasserstein_gp")
load("@std//mlp.star", "mlp")

def trial(p):
    loss = wasserstein_gp(weight = p.weight) if p.wgan else hinge()
    return gan(data = ring(), generator = mlp([p.width], 2), discriminator = mlp([4], 1), latent = normal(2), loss = loss,
        optimizer = {"generator": adam(lr = p.lr), "discriminator": adam(lr = p.lr_d)}, batch = 4, epochs = 1)

def space():
    factors = [2, 3]
    return {
        "loss":   choice("hinge", "wgan"),
        "lr":     choice(0.001, 0.01),
        "wgan":   derived(lambda p: p.loss == "wgan"),
        "ratio":  choice(1, 2),
        "lr_d":   derived(lambda p: p.lr * p.ratio),
        "width":  derived(lambda p: factors[p.ratio - 1] * p.least),
        "weight": when(derived(lambda p: max(p.lr_d * 100, 1)), loss = "wgan"),
        "name":   derived(lambda p: "%s of %d" % (p.loss, p.width)),
    }

main = study(trial = trial, space = space(), constraint = lambda p: p.lr_d < 0.02, settings = {"least": 2},
    profiles = {
        "other": {"space": {"lr_d": derived(lambda p: p.lr / 4), "lr": choice(0.5)}},
        "listed": {"search": points([{"loss": "wgan", "lr": 0.001, "ratio": 2, "lr_d": 0.002, "wgan": True},
                                     {"loss": "hinge", "lr": 0.01, "ratio": 1}])},
        "drawn": {"search": tpe(5, startup = 3), "space": {"lr": log_uniform(1e-4, 1e-2)}},
    })
`

func textsOf(points []spec.Point) (texts []string) {
	for _, p := range points {
		texts = append(texts, p.String())
	}
	return texts
}

func under(t *testing.T, s *starlib.Study, profile string, set ...string) *starlib.Study {
	t.Helper()
	s, err := s.With(profile, set)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDerivedHyperparametersFollowFromTheOthers(t *testing.T) {
	study := load(t, ratios)
	for _, c := range []struct {
		study *starlib.Study
		n     int
		want  []string // the first points
	}{
		{study, 6, []string{
			`loss="hinge" lr=0.001 wgan=False ratio=1 lr_d=0.001 width=4 name="hinge of 4"`,
			`loss="hinge" lr=0.001 wgan=False ratio=2 lr_d=0.002 width=6 name="hinge of 6"`,
			`loss="hinge" lr=0.01 wgan=False ratio=1 lr_d=0.01 width=4 name="hinge of 4"`,
			`loss="wgan" lr=0.001 wgan=True ratio=1 lr_d=0.001 width=4 weight=1.0 name="wgan of 4"`}},
		{under(t, study, "", "ratio=2", "least=1"), 2, []string{
			`loss="hinge" lr=0.001 wgan=False ratio=2 lr_d=0.002 width=3 name="hinge of 3"`}},
		{under(t, study, "other", "ratio=1", "loss=wgan", "least=2"), 0, nil},
		{under(t, study, "listed"), 2, []string{
			`loss="wgan" lr=0.001 wgan=True ratio=2 lr_d=0.002 width=6 weight=1.0 name="wgan of 6"`,
			`loss="hinge" lr=0.01 wgan=False ratio=1 lr_d=0.01 width=4 name="hinge of 4"`}},
		{under(t, study, "listed", "ratio=1"), 2, []string{
			`loss="wgan" lr=0.001 wgan=True ratio=1 lr_d=0.001 width=4 weight=1.0 name="wgan of 4"`}},
	} {
		points, err := listed(c.study)
		if c.n == 0 {
			if err == nil || !strings.Contains(err.Error(), "constraint: none of the 1 points satisfies it") {
				t.Errorf("got %v, want no point: lr_d is 0.125", err)
			}
			continue
		}
		if got := textsOf(points); err != nil || len(got) != c.n || !slices.Equal(got[:len(c.want)], c.want) {
			t.Errorf("got %d points, %v\n%s\nwant\n%s", len(got), err, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
		for _, p := range points {
			if _, err := c.study.Job(context.Background(), p); err != nil {
				t.Error(err)
			}
		}
		if w := c.study.Warnings(); len(w) != 1 || !strings.Contains(w[0], "no trial reads the hyperparameter name") {
			t.Errorf("got the warnings %q, want one: what others are derived from is read with them", w)
		}
	}
}

// Columns have their types before there are points, and a profile or a value that is set changes none.
func TestDerivedHyperparametersHaveTheTypeOfTheirValues(t *testing.T) {
	study := load(t, ratios)
	for _, s := range []*starlib.Study{study, under(t, study, "drawn", "ratio=1", "loss=hinge")} {
		var got []string
		for _, d := range s.Space {
			if d.Derived {
				got = append(got, fmt.Sprint(d.Name, " ", d.Kind))
			}
		}
		if want := []string{"wgan bool", "lr_d float", "width int", "weight float", "name string"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A search that learns has no coordinate for what is derived, and the constraint sees it.
func TestDrawnPointsHaveWhatIsDerived(t *testing.T) {
	study := under(t, load(t, ratios), "drawn")
	points, err := listed(study)
	if err != nil || len(points) != 100 {
		t.Fatalf("got %d points, %v", len(points), err)
	}
	for _, p := range points {
		lr, _ := p.Get("lr")
		ratio, _ := p.Get("ratio")
		got, _ := p.Get("lr_d")
		if want := lr.Any().(float64) * float64(ratio.Any().(int64)); got.Any() != want || want >= 0.02 {
			t.Errorf("%v: got lr_d %v, want %v", p, got, want)
		}
	}
}

// What a function captured is frozen like all that trials read.
func TestDerivedHyperparametersChangeNothing(t *testing.T) {
	_, err := starlib.Loader{}.Load(context.Background(), "s.star", []byte(`
def space():
    seen = []
    def count(p):
        seen.append(p.a)
        return len(seen)
    return {"a": choice(1, 2), "n": derived(count)}

main = study(trial = lambda p: None, space = space())
`))
	want := "s.star:5:20: append: cannot append to frozen list (at a=2)"
	if at := new(starlib.Error); !errors.As(err, &at) || !strings.HasPrefix(at.Error(), "s.star:5:20: append: cannot append to frozen list") {
		t.Errorf("got %v, want %s", err, want)
	}
}
