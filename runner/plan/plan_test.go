package plan_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/plan"
)

// fakeStudy makes jobs of one weight whose width is the hyperparameter "width" and whose learning rate is "lr".
type fakeStudy struct{ space spec.Space }

func (s fakeStudy) Points() ([]spec.Point, error) {
	return s.space.Points(spec.Search{Kind: spec.Grid}, nil)
}

func (s fakeStudy) Job(_ context.Context, p spec.Point) (*model.Job, error) {
	width, _ := p.Get("width")
	lr, _ := p.Get("lr")
	n := int(width.Any().(int64))
	if n < 0 {
		return nil, fmt.Errorf("s.star:1:1: got a width of %d", n)
	}
	players := []model.Player{{
		Name: "net", Steps: 1,
		Optimizer: model.Optimizer{Rule: model.SGD, Params: []model.Param{{Name: "lr", Value: spec.Constant(lr.Any().(float64))}, {Name: "momentum", Value: spec.Constant(0)}}},
		Loss: func(t *model.Trace) (*expr.Node, error) {
			return t.Call("net", t.X(), func() (*expr.Node, error) {
				layer, err := t.Layer("dense")
				w := t.Weight(layer, "kernel", expr.Of(expr.F32, "c", n), model.Constant(1))
				return expr.Sum(expr.Square(w), "c"), err
			})
		},
	}}
	program, reals, err := model.Build(model.Config{Batch: 4, Image: expr.Of(expr.F32, "c", 2)}, players, nil, nil)
	if err != nil {
		return nil, err
	}
	return &model.Job{Data: spec.Data{Name: "ring"}, Epochs: 1, Program: program, Reals: reals}, nil
}

func space(t *testing.T, widths []int64, lrs ...float64) spec.Space {
	t.Helper()
	var w, l []spec.Value
	for _, x := range widths {
		w = append(w, spec.IntValue(x))
	}
	for _, x := range lrs {
		l = append(l, spec.FloatValue(x))
	}
	lr, err := spec.Choice("lr", l...)
	if err != nil {
		t.Fatal(err)
	}
	width, err := spec.Choice("width", w...)
	if err != nil {
		t.Fatal(err)
	}
	return spec.Space{lr, width}
}

func TestTrialsOfOneProgramFollowEachOther(t *testing.T) {
	p, err := plan.Make(t.Context(), fakeStudy{space(t, []int64{3, 5}, .1, .2)}, []uint32{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Trials) != 8 || len(p.Programs) != 2 {
		t.Fatalf("got %d trials of %d programs, want 8 of 2", len(p.Trials), len(p.Programs))
	}
	var order []int
	ids := map[string]bool{}
	for _, x := range p.Trials {
		order = append(order, x.Index)
		ids[x.ID] = true
	}
	if got, want := fmt.Sprint(order), "[0 1 4 5 2 3 6 7]"; got != want {
		t.Errorf("got the order %s, want %s", got, want)
	}
	if len(ids) != 8 {
		t.Errorf("got %d distinct trial IDs, want 8", len(ids))
	}
}

func TestTheSameTrialIsPlannedOnce(t *testing.T) {
	p, err := plan.Make(t.Context(), fakeStudy{space(t, []int64{3}, .1)}, []uint32{7, 7})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Trials) != 1 || p.Repeated != 1 {
		t.Errorf("got %d trials and %d repeated, want 1 and 1", len(p.Trials), p.Repeated)
	}
}

func TestTrialsAreWhoTheyAreByWhatTheyRead(t *testing.T) {
	identify := func(train func(*model.Job) string) *plan.Plan {
		p, err := plan.Make(t.Context(), fakeStudy{space(t, []int64{3, 5}, .1)}, []uint32{0, 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Identify(func(j *model.Job) (model.Inputs, error) { return model.Inputs{Train: train(j)}, nil }); err != nil {
			t.Fatal(err)
		}
		return p
	}
	old := identify(func(*model.Job) string { return "aa" })
	other := identify(func(*model.Job) string { return "bb" })
	for i, a := range old.Trials {
		if b := other.Trials[i]; a.ID == b.ID || a.Configuration == b.Configuration || a.Inputs.Train != "aa" {
			t.Errorf("got %v and %v for trials on other images", a, b)
		}
	}
	if a, b := old.Trials[0], old.Trials[1]; a.Configuration != b.Configuration || a.ID == b.ID {
		t.Errorf("got %v and %v for two seeds of one configuration", a, b)
	}
	why := errors.New("no such folder")
	if err := old.Identify(func(*model.Job) (model.Inputs, error) { return model.Inputs{}, why }); !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
}

func TestEveryDistinctFaultOfASpaceIsTold(t *testing.T) {
	_, err := plan.Make(t.Context(), fakeStudy{space(t, []int64{3, -1, -2}, .1, .2)}, []uint32{0})
	var faults *plan.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want faults", err)
	}
	want := `s.star:1:1: got a width of -1
  in 2 of 6 configurations, first with lr=0.1 width=-1
s.star:1:1: got a width of -2
  in 2 of 6 configurations, first with lr=0.1 width=-2`
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestACancelledPlanStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := plan.Make(ctx, fakeStudy{space(t, []int64{3}, .1)}, []uint32{0}); !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
}
