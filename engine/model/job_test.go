package model_test

import (
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/nn"
	"github.com/starsweep/starsweep/engine/spec"
)

// job is the small study as a trial.
func job(t *testing.T, s study) *model.Job {
	t.Helper()
	p, reals, _ := s.trace(t)
	return &model.Job{Data: spec.Data{Name: "mnist", Size: 4}, Epochs: 3, Evaluate: spec.Evaluate{Every: 1, Grid: 4}, Program: p, Reals: reals}
}

func TestATrialsIDIsItsContent(t *testing.T) {
	base := job(t, small)
	if got, want := base.ID(1), job(t, small).ID(1); got != want {
		t.Errorf("got %s and %s for one trial", got, want)
	}
	seen := map[string]string{base.ID(1): "base"}
	add := func(name, id string) {
		if other, taken := seen[id]; taken {
			t.Errorf("%s and %s have one ID", name, other)
		}
		seen[id] = name
	}
	add("seed", base.ID(2))
	for name, s := range map[string]study{
		"learning rate": small.with(func(s *study) { s.lr = 1e-4 }),
		"slope":         small.with(func(s *study) { s.slope = .2 }),
		"schedule":      small.with(func(s *study) { s.noise = spec.Linear(.1, .1, 3, spec.Epochs) }),
		"batch":         small.with(func(s *study) { s.batch = 2 }),
		"loss":          small.wgan(),
	} {
		add(name, job(t, s).ID(1))
	}
	for name, change := range map[string]func(j *model.Job){
		"data":             func(j *model.Job) { j.Data.Limit = 100 },
		"epochs":           func(j *model.Job) { j.Epochs = 4 },
		"evaluations":      func(j *model.Job) { j.Evaluate.Every = 2 },
		"grid":             func(j *model.Job) { j.Evaluate.Grid = 5 },
		"a number":         func(j *model.Job) { j.Reals[0].Value = spec.Constant(77) },
		"order of numbers": func(j *model.Job) { j.Reals[0], j.Reals[1] = j.Reals[1], j.Reals[0] },
		"a rebound number": func(j *model.Job) { j.Reals[len(j.Reals)-1].Value = spec.Step(1, .5, 2, spec.Steps) },
	} {
		j := job(t, small)
		change(j)
		add(name, j.ID(1))
	}
}

// Two losses make the numbers 2 and 3 in this order, one as a y + b y², the other as b y + a y².
func TestNumbersThatChangePlacesChangeTheID(t *testing.T) {
	job := func(swap bool, name string) *model.Job {
		loss := func(t *model.Trace) (*expr.Node, error) {
			y, err := t.Call("net", t.X(), func() (*expr.Node, error) { return nn.Dense(t, t.X(), nn.DenseOptions{Units: 1}) })
			if err != nil {
				return nil, err
			}
			two := spec.Constant(2)
			if name != "" {
				two = spec.Named(spec.Label{Name: name}, two)
			}
			a, b := t.Real("f.star:1:1", two), t.Real("f.star:2:1", spec.Constant(3))
			if swap {
				a, b = b, a
			}
			return expr.Mean(expr.Add(expr.Mul(a, y), expr.Mul(b, expr.Square(y))), "bc"), nil
		}
		sgd := model.Optimizer{Rule: model.SGD, Params: []model.Param{{Name: "lr"}, {Name: "momentum"}}}
		players := []model.Player{{Name: "net", Steps: 1, Optimizer: sgd, Loss: loss}}
		p, reals, err := model.Build(model.Config{DType: expr.F32, Batch: 2, Image: expr.Of(expr.F32, "c", 3)}, players, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return &model.Job{Data: spec.Data{Name: "ring"}, Epochs: 1, Program: p, Reals: reals}
	}
	one, other, named := job(false, ""), job(true, ""), job(false, "a")
	if one.Program.Fingerprint() != other.Program.Fingerprint() {
		t.Fatal("the programs differ, and this test wants two that differ in numbers only")
	}
	if one.ID(1) == other.ID(1) {
		t.Error("the numbers changed places, and the trials have one ID")
	}
	if one.ID(1) == named.ID(1) {
		t.Error("a number got a column, and the trials have one ID")
	}
}
