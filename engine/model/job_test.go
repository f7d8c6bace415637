package model_test

import (
	"slices"
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
	return &model.Job{Data: spec.Data{Name: "mnist", Size: 4}, Epochs: 3, Evaluation: spec.Evaluation{Every: 1, Sheet: 4}, Program: p,
		Reals: reals}
}

// id returns the ID of a trial whose inputs have not been read.
func id(j *model.Job, seed uint32) string { return spec.TrialID(j.Configuration(j.Unread()), seed) }

func TestATrialsIDIsItsContent(t *testing.T) {
	base := job(t, small)
	if got, want := id(base, 1), id(job(t, small), 1); got != want {
		t.Errorf("got %s and %s for one trial", got, want)
	}
	seen := map[string]string{id(base, 1): "base"}
	add := func(name, id string) {
		if other, taken := seen[id]; taken {
			t.Errorf("%s and %s have one ID", name, other)
		}
		seen[id] = name
	}
	add("seed", id(base, 2))
	for name, s := range map[string]study{
		"learning rate": small.with(func(s *study) { s.lr = 1e-4 }),
		"slope":         small.with(func(s *study) { s.slope = .2 }),
		"schedule":      small.with(func(s *study) { s.noise = spec.Linear(.1, .1, 3, spec.Epochs) }),
		"batch":         small.with(func(s *study) { s.batch = 2 }),
		"loss":          small.wgan(),
	} {
		add(name, id(job(t, s), 1))
	}
	for name, change := range map[string]func(j *model.Job){
		"data":             func(j *model.Job) { j.Data.Limit = 100 },
		"evaluations":      func(j *model.Job) { j.Evaluation.Every = 2 },
		"samples":          func(j *model.Job) { j.Evaluation.Samples = 64 },
		"features":         func(j *model.Job) { j.Evaluation.Features = "random" },
		"real images":      func(j *model.Job) { j.Evaluation.Real = "train" },
		"a metric":         func(j *model.Job) { j.Evaluation.Metrics = []spec.Metric{{Name: "fid"}} },
		"collapse":         func(j *model.Job) { j.Evaluation.Collapse = &spec.Collapse{Stop: true} },
		"a number":         func(j *model.Job) { j.Reals[0].Value = spec.Constant(77) },
		"order of numbers": func(j *model.Job) { j.Reals[0], j.Reals[1] = j.Reals[1], j.Reals[0] },
		"a rebound number": func(j *model.Job) { j.Reals[len(j.Reals)-1].Value = spec.Step(1, .5, 2, spec.Steps) },
	} {
		j := job(t, small)
		change(j)
		add(name, id(j, 1))
	}
}

func TestTheRuleOfCollapseDecidesTheID(t *testing.T) {
	of := func(change func(c *spec.Collapse)) string {
		j, rule := job(t, small), spec.StandardCollapse()
		change(&rule)
		j.Evaluation.Collapse = &rule
		return id(j, 1)
	}
	seen := []string{of(func(*spec.Collapse) {}), of(func(c *spec.Collapse) { c.Stop = true })}
	for name, got := range map[string]string{
		"variety": of(func(c *spec.Collapse) { c.Variety = 0.3 }),
		"few":     of(func(c *spec.Collapse) { c.Few = 0.9 }), "spread": of(func(c *spec.Collapse) { c.Spread = 0.4 }),
		"distinctness":                 of(func(c *spec.Collapse) { c.Distinctness = 0.3 }),
		"variety of a rule that stops": of(func(c *spec.Collapse) { c.Stop, c.Variety = true, 0.3 }),
	} {
		if slices.Contains(seen, got) {
			t.Errorf("%s does not decide the ID", name)
		}
		seen = append(seen, got)
	}
}

func TestConfigurationsDependOnlyOnWhatChangesNumbers(t *testing.T) {
	read := model.Inputs{Train: "aa", Test: "bb", Measure: spec.Measure{Metrics: []spec.Metric{{Name: "fid"}, {Name: "prd"}},
		Samples: 64}}
	base := job(t, small)
	want := base.Configuration(read)
	for name, change := range map[string]func(j *model.Job, in *model.Inputs){
		"the size of the sheet":   func(j *model.Job, _ *model.Inputs) { j.Evaluation.Sheet = 5 },
		"where the images lie":    func(j *model.Job, _ *model.Inputs) { j.Data.Path = "elsewhere" },
		"the order of metrics":    func(_ *model.Job, in *model.Inputs) { slices.Reverse(in.Measure.Metrics) },
		"the length of the trial": func(j *model.Job, _ *model.Inputs) { j.Epochs = 4 },
	} {
		j, in := job(t, small), read
		in.Measure.Metrics = slices.Clone(in.Measure.Metrics)
		if change(j, &in); j.Configuration(in) != want {
			t.Errorf("%s changes the configuration", name)
		}
	}
	for name, change := range map[string]func(in *model.Inputs){
		"training images": func(in *model.Inputs) { in.Train = "cc" },
		"real images":     func(in *model.Inputs) { in.Measure.Real = "test:cc" },
		"tests":           func(in *model.Inputs) { in.Measure.Tests = "cc" },
		"the extractor":   func(in *model.Inputs) { in.Measure.Features = "inception:cc" },
		"floors":          func(in *model.Inputs) { in.Measure.Floor = "train:cc" },
	} {
		in := read
		if change(&in); base.Configuration(in) == want {
			t.Errorf("other %s leave the configuration", name)
		}
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
	if id(one, 1) == id(other, 1) {
		t.Error("the numbers changed places, and the trials have one ID")
	}
	if id(one, 1) == id(named, 1) {
		t.Error("a number got a column, and the trials have one ID")
	}
}
