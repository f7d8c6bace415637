package model_test

import (
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
)

// job is the small study as a trial.
func job(t *testing.T, s study) *model.Job {
	t.Helper()
	p, _ := s.build(t)
	values, err := p.Schedules(s.players())
	if err != nil {
		t.Fatal(err)
	}
	return &model.Job{Data: spec.Data{Name: "mnist", Size: 4}, Epochs: 3, Evaluate: spec.Evaluate{Every: 1, Grid: 4}, Program: p, Values: values}
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
		"a number":         func(j *model.Job) { j.Values[0] = spec.Constant(77) },
		"order of numbers": func(j *model.Job) { j.Values[0], j.Values[1] = j.Values[1], j.Values[0] },
		"a rebound number": func(j *model.Job) { j.Values[len(j.Values)-1] = spec.Step(1, .5, 2, spec.Steps) },
	} {
		j := job(t, small)
		change(j)
		add(name, j.ID(1))
	}
}
