package plan_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/starsweep/starsweep/engine/expr"
	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// fakeStudy makes jobs of one weight whose width is the hyperparameter "width" and whose learning rate is "lr".
type fakeStudy struct{ space spec.Space }

// fakes is a fake study with the search of its grid.
func fakes(t *testing.T, seeds []uint32, widths []int64, lrs ...float64) (fakeStudy, *search.Blocks) {
	t.Helper()
	s := fakeStudy{space(t, widths, lrs...)}
	all, err := search.New(t.Context(), search.Study{Space: s.space, Search: spec.Search{Kind: spec.Grid}, Seeds: seeds})
	if err != nil {
		t.Fatal(err)
	}
	return s, all
}

// made is the plan of a study.
func made(t *testing.T, s plan.Study, all *search.Blocks) *plan.Plan {
	t.Helper()
	p, err := plan.Make(t.Context(), s, all)
	if err != nil {
		t.Fatal(err)
	}
	return p
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
		Optimizer: model.Optimizer{Rule: model.SGD, Params: []model.Param{{Name: "lr", Value: spec.Constant(lr.Any().(float64))},
			{Name: "momentum", Value: spec.Constant(0)}}},
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

// Points are lr=0.1 width=3, lr=0.1 width=5, lr=0.2 width=3 and lr=0.2 width=5.
func TestTrialsOfOneSeedAndOneProgramFollowEachOther(t *testing.T) {
	s, all := fakes(t, []uint32{0, 1}, []int64{3, 5}, .1, .2)
	p := made(t, s, all)
	if p.Len() != 8 || len(p.Programs) != 2 {
		t.Fatalf("got %d trials of %d programs, want 8 of 2", p.Len(), len(p.Programs))
	}
	var order []int
	ids := map[string]bool{}
	for x := range p.All() {
		order = append(order, x.Index)
		ids[x.ID] = true
	}
	if got, want := fmt.Sprint(order), "[0 2 1 3 4 6 5 7]"; got != want {
		t.Errorf("got the order %s, want %s", got, want)
	}
	if len(ids) != 8 {
		t.Errorf("got %d distinct trial IDs, want 8", len(ids))
	}
}

func TestTheSameTrialIsPlannedOnce(t *testing.T) {
	s, all := fakes(t, []uint32{7, 7}, []int64{3}, .1)
	p := made(t, s, all)
	if p.Len() != 1 || p.Repeated != 1 {
		t.Errorf("got %d trials and %d repeated, want 1 and 1", p.Len(), p.Repeated)
	}
}

func TestTheIDOfATrialDependsOnWhatItReads(t *testing.T) {
	identify := func(train func(*model.Job) string) *plan.Plan {
		s, all := fakes(t, []uint32{0, 1}, []int64{3, 5}, .1)
		p := made(t, s, all)
		if err := p.Identify(t.Context(), func(j *model.Job) (model.Inputs, error) { return model.Inputs{Train: train(j)}, nil }); err != nil {
			t.Fatal(err)
		}
		return p
	}
	old := identify(func(*model.Job) string { return "aa" })
	other := identify(func(*model.Job) string { return "bb" })
	for i := range old.Len() {
		a := old.At(i)
		if b := other.At(i); a.ID == b.ID || a.Configuration == b.Configuration || a.Inputs.Train != "aa" {
			t.Errorf("got %v and %v for trials on other images", a, b)
		}
	}
	if a, b := old.At(0), old.At(2); a.Configuration != b.Configuration || a.ID == b.ID {
		t.Errorf("got %v and %v for two seeds of one configuration", a, b)
	}
	why := errors.New("no such folder")
	if err := old.Identify(t.Context(), func(*model.Job) (model.Inputs, error) { return model.Inputs{}, why }); !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
}

func TestEveryDistinctErrorOfASpaceIsReported(t *testing.T) {
	s, all := fakes(t, []uint32{0}, []int64{3, -1, -2}, .1, .2)
	_, err := plan.Make(t.Context(), s, all)
	var errs *plan.Errors
	if !errors.As(err, &errs) {
		t.Fatalf("got %v, want errors of points", err)
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
	s, all := fakes(t, []uint32{0}, []int64{3}, .1)
	if _, err := plan.Make(ctx, s, all); !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
}

// quickStudy has jobs of one program that differ in a number.
type quickStudy struct {
	points int
	job    model.Job
}

func (s quickStudy) search(seeds ...uint32) *search.Blocks {
	at := func(i int) spec.Point { return spec.Point{{Name: "lr", Value: spec.FloatValue(float64(i + 1))}} }
	return &search.Blocks{Points: spec.NewPoints(s.points, at), Seeds: seeds}
}

func (s quickStudy) Job(_ context.Context, p spec.Point) (*model.Job, error) {
	lr, _ := p.Get("lr")
	job := s.job
	job.Reals = []model.Real{{Site: "net/lr", Value: spec.Constant(lr.Any().(float64))}}
	return &job, nil
}

func quick(t *testing.T, points int) quickStudy {
	t.Helper()
	job, err := fakeStudy{}.Job(t.Context(), spec.Point{{Name: "width", Value: spec.IntValue(3)}, {Name: "lr", Value: spec.FloatValue(1)}})
	if err != nil {
		t.Fatal(err)
	}
	return quickStudy{points, *job}
}

func TestATrialTakesFewBytes(t *testing.T) {
	const points, seeds, most = 50_000, 2, 17
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	s := quick(t, points)
	before := heap()
	p := made(t, s, s.search(0, 1))
	if got := (heap() - before) / p.Len(); got > most {
		t.Errorf("got %d bytes a trial, want at most %d", got, most)
	}
	if len(p.Programs) != 1 || len(p.Families) != 1 || p.Families[0].Trials != points*seeds || p.Len() != points*seeds {
		t.Errorf("got %d trials, %d programs, families %v", p.Len(), len(p.Programs), p.Families)
	}
	last := p.At(p.Len() - 1)
	if lr, _ := last.Point.Get("lr"); lr != spec.FloatValue(points) || last.Seed != 1 || last.Index != points*seeds-1 ||
		last.Place != points*seeds ||
		last.ID != p.ID(p.Len()-1) || last.ID != spec.TrialID(last.Configuration, 1) {
		t.Errorf("got the last trial %+v", last)
	}
}

func TestAPlanIsTheSameOnAnyNumberOfCores(t *testing.T) {
	texts := map[string]bool{}
	for _, cores := range []int{1, 4} {
		was := runtime.GOMAXPROCS(cores)
		s, all := fakes(t, []uint32{0, 1}, []int64{5, 3, 7, 2}, .1, .2, .3)
		p := made(t, s, all)
		runtime.GOMAXPROCS(was)
		text := ""
		for x := range p.All() {
			text += fmt.Sprintln(x.Index, x.Place, x.Point, x.Seed, x.ID, x.Job.Program.Fingerprint())
		}
		texts[text] = true
	}
	if len(texts) != 1 {
		t.Errorf("got %d plans of one study", len(texts))
	}
}

func TestCancellingEndsAPlanAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &interruptedStudy{quickStudy: quick(t, 20_000), cancel: func() { cancel(errEnough) }}
	_, err := plan.Make(ctx, s, s.search(0))
	if n := s.jobs.Load(); !errors.Is(err, errEnough) || n > 10_000 {
		t.Errorf("got %v after %d of 20,000 jobs, want %v after 100", err, n, errEnough)
	}
}

var errEnough = errors.New("enough")

// interruptedStudy cancels the plan at its hundredth job.
type interruptedStudy struct {
	quickStudy
	jobs   atomic.Int32
	cancel func()
}

func (s *interruptedStudy) Job(ctx context.Context, p spec.Point) (*model.Job, error) {
	if s.jobs.Add(1) == 100 {
		s.cancel()
	}
	return s.quickStudy.Job(ctx, p)
}

// wrongStudy has another error at every point.
type wrongStudy struct{ quickStudy }

func (wrongStudy) Job(_ context.Context, p spec.Point) (*model.Job, error) {
	return nil, fmt.Errorf("s.star:1:1: got %v", p)
}

func TestTheNumberOfErrorsIsBounded(t *testing.T) {
	s := wrongStudy{quick(t, 20_000)}
	_, err := plan.Make(t.Context(), s, s.search(0))
	var errs *plan.Errors
	if !errors.As(err, &errs) || len(errs.List) < 1000 || len(errs.List) > 1100 || errs.Points != 20_000 {
		t.Errorf("got %v, want about 1000 errors", err)
	}
}
