package plan_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// longStudy has jobs of one program whose number is "lr", if the point has it, and whose epochs are "epochs". It skips those of 13.
type longStudy struct{ quickStudy }

func (s longStudy) Job(_ context.Context, p spec.Point) (*model.Job, error) {
	job := s.job
	epochs, _ := p.Get("epochs")
	if job.Epochs = int(epochs.Any().(int64)); job.Epochs == 13 {
		return nil, &model.Skipped{Reason: "13 brings bad luck"}
	}
	if lr, ok := p.Get("lr"); ok {
		job.Reals = []model.Real{{Site: "net/lr", Value: spec.Constant(lr.Any().(float64))}}
	}
	return &job, nil
}

// lasting are points of some epochs.
func lasting(epochs ...int64) (points []spec.Point) {
	for _, n := range epochs {
		points = append(points, spec.Point{{Name: "epochs", Value: spec.IntValue(n)}})
	}
	return points
}

func identify(t *testing.T, p *plan.Plan) {
	t.Helper()
	if err := p.Identify(t.Context(), func(*model.Job) (model.Inputs, error) { return model.Inputs{Train: "aa"}, nil }); err != nil {
		t.Fatal(err)
	}
}

func TestOfTrialsThatDifferInEpochsTheLongestStays(t *testing.T) {
	s := longStudy{quick(t, 0)}
	p := made(t, s, &search.Blocks{Points: spec.PointList(lasting(5, 10, 3, 10)...), Seeds: []uint32{0, 1}})
	for range 2 {
		if p.Len() != 2 || p.Shorter != 4 || p.Repeated != 2 || p.Epochs(0) != 10 || p.At(0).Job.Epochs != 10 || p.At(0).Index != 1 ||
			p.Families[1].Trials != 2 || p.Families[0].Trials != 0 {
			t.Errorf("got %d trials of %d epochs, %d shorter, %d repeated", p.Len(), p.Epochs(0), p.Shorter, p.Repeated)
		}
		identify(t, p)
	}
	want := "2 trials, 1 program (2 trials left out: the same as others; 4 trials left out: the first epochs of longer ones)"
	if got := p.Summary(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// More epochs, a value and a seed leave the IDs of the trials that were there.
func TestGainedEpochsValuesAndSeedsLeaveTrialsTheSame(t *testing.T) {
	ids := func(epochs int64, seeds []uint32, lrs ...float64) (ids []string) {
		var points []spec.Point
		for i, p := range lasting(slices.Repeat([]int64{epochs}, len(lrs))...) {
			points = append(points, append(p, spec.Assignment{Name: "lr", Value: spec.FloatValue(lrs[i])}))
		}
		p := made(t, longStudy{quick(t, 0)}, &search.Blocks{Points: spec.PointList(points...), Seeds: seeds})
		identify(t, p)
		for i := range p.Len() {
			ids = append(ids, p.ID(i))
		}
		return ids
	}
	before := ids(5, []uint32{0, 1}, .1, .2)
	if got := ids(7, []uint32{0, 1}, .1, .2); !slices.Equal(got, before) {
		t.Errorf("epochs: got the trials %v, want %v", got, before)
	}
	if got := ids(5, []uint32{0, 1, 2}, .1, .2); len(got) != 6 || !slices.Equal(got[:4], before) {
		t.Errorf("a seed: got the trials %v, want them to begin with %v", got, before)
	}
	got := ids(5, []uint32{0, 1}, .3, .1, .2)
	for _, id := range before {
		if !slices.Contains(got, id) {
			t.Errorf("a value: got the trials %v, want %v among them", got, before)
		}
	}
	if len(got) != 6 {
		t.Errorf("a value: got %d trials, want 6", len(got))
	}
}

func TestSkippedTrialsComeFirstInTheirBlock(t *testing.T) {
	s := longStudy{quick(t, 0)}
	p := made(t, s, &search.Blocks{Points: spec.PointList(lasting(5, 13)...), Seeds: []uint32{0, 1}, LeftOut: 1})
	var before []string
	for range 2 {
		var got []string
		for x := range p.All() {
			got = append(got, fmt.Sprintf("%d/%d %q %t %t", x.Index, x.Seed, x.Skip, p.Skips(x.Place-1), x.Job == nil))
			if x.Skip != "" {
				before = append(before, x.ID+x.Configuration)
			}
		}
		want := `1/0 "13 brings bad luck" true true, 0/0 "" false false, 3/1 "13 brings bad luck" true true, 2/1 "" false false`
		if strings.Join(got, ", ") != want || p.Skipped != 2 || p.Epochs(0) != 0 {
			t.Errorf("got %v, want %s", got, want)
		}
		identify(t, p)
	}
	if len(before) != 4 || before[0] == before[1] || before[0] != before[2] {
		t.Errorf("got the IDs %v of two skipped trials, before and after they are identified", before)
	}
	if got, want := p.Summary(), "2 trials, 1 program (2 trials skipped by the script; 1 point left out by the constraint)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Two points that are skipped for one reason are two trials, whose rows tell them apart.
func TestSkippedTrialsAreAsManyAsTheirPoints(t *testing.T) {
	one, other := lasting(13)[0], append(lasting(13)[0], spec.Assignment{Name: "lr", Value: spec.FloatValue(1)})
	p := made(t, longStudy{quick(t, 0)}, &search.Blocks{Points: spec.PointList(one, other, one), Seeds: []uint32{0}})
	if p.Len() != 2 || p.Skipped != 2 || p.Repeated != 1 || p.ID(0) == p.ID(1) {
		t.Errorf("got %d trials, %d skipped and %d repeated, with the IDs %s and %s", p.Len(), p.Skipped, p.Repeated, p.ID(0), p.ID(1))
	}
}

// doubling suggests 1, 2, 4 epochs and so on, each once the trial before has ended, as long as they are at most 16. Its third suggestion
// is the first one again.
type doubling struct{}

func (doubling) Least() int { return 0 }
func (doubling) Most() int  { return 6 }

func (doubling) Next(i int, h sweep.History) (sweep.Suggestion, error) {
	switch {
	case i > 5:
		return sweep.Suggestion{}, io.EOF
	case i > 0 && !h.At(i-1).State.Final():
		return sweep.Suggestion{}, sweep.ErrWait
	}
	lr := spec.FloatValue(float64(i % 3))
	return sweep.Suggestion{Index: i, Point: append(lasting(1 << i)[0], spec.Assignment{Name: "lr", Value: lr}), Seed: 7,
		Saw: sweep.Seen{"a": {Epochs: i}}}, nil
}

func TestAPlanGainsTrials(t *testing.T) {
	s := longStudy{quick(t, 0)}
	p, err := plan.Grow(t.Context(), s, doubling{}, spec.PointList(lasting(1, 13)...))
	if err != nil {
		t.Fatal(err)
	}
	identify(t, p)
	if p.Len() != 0 || len(p.Programs) != 1 || len(p.Families) != 1 {
		t.Errorf("got %d trials, %d programs, %d families of a sample", p.Len(), len(p.Programs), len(p.Families))
	}
	var h sweep.Trials
	var places []int
	for {
		suggestion, err := p.Next(h)
		if errors.Is(err, sweep.ErrWait) {
			h[len(h)-1].State = sweep.Completed
			continue
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if suggestion.Index != p.Suggested() {
			t.Errorf("got suggestion %d, want %d", suggestion.Index, p.Suggested())
		}
		place, err := p.Add(t.Context(), suggestion)
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, place)
		h = append(h, sweep.Trial{Suggestion: suggestion, State: sweep.Waiting})
	}
	if got, want := fmt.Sprint(places), "[0 1 2 0 1 2]"; got != want {
		t.Errorf("got the places %s, want %s", got, want)
	}
	// The same trials with more epochs take the place of the shorter ones.
	for i, want := range []int{8, 16, 32} {
		x := p.At(i)
		if p.Epochs(i) != want || x.Job.Epochs != want || x.Index != i+3 || x.Saw["a"].Epochs != i+3 ||
			x.Inputs.Train != "aa" || x.ID != p.ID(i) {
			t.Errorf("got %+v in place %d, want %d epochs", x, i, want)
		}
	}
	place, err := p.Add(t.Context(), sweep.Suggestion{Index: 6, Point: lasting(13)[0]})
	if err != nil || place != 3 || !p.Skips(3) || p.At(3).Skip == "" || p.Skipped != 1 {
		t.Errorf("got place %d and %v for a trial that is skipped", place, err)
	}
	if p.PlaceOf(1) != 1 || p.PlaceOf(4) != 1 || p.PlaceOf(6) != 3 {
		t.Errorf("got the places %d, %d and %d of suggestions 1, 4 and 6, want 1, 1 and 3", p.PlaceOf(1), p.PlaceOf(4), p.PlaceOf(6))
	}
	if p.Len() != 4 || p.Suggested() != 7 {
		t.Errorf("got %d trials of %d suggestions", p.Len(), p.Suggested())
	}
}

// seeded is sure of two seeds of each of three points, which may have four.
type seeded struct{ doubling }

func (seeded) Least() int { return 3 * 2 }
func (seeded) Most() int  { return 3 * 4 }

// Points that differ in their epochs alone have the same trials, and one that is skipped gets no more seeds.
func TestAPlanKnowsHowManyTrialsThereAreAtLeast(t *testing.T) {
	p, err := plan.Grow(t.Context(), longStudy{quick(t, 0)}, seeded{}, spec.PointList(lasting(5, 7, 13)...))
	if err != nil {
		t.Fatal(err)
	}
	want := "2 to 4 trials, 1 program among 3 points of the space (2 trials skipped by the script)"
	if got := p.Summary(); got != want || p.Least() != 4 || p.Most() != 6 || p.Source() == nil {
		t.Errorf("got %d to %d trials, %q, want 4 to 6, %q", p.Least(), p.Most(), got, want)
	}
}

func TestAPlanReportsWrongSuggestionsAndSamples(t *testing.T) {
	s := wrongStudy{quick(t, 0)}
	p, err := plan.Grow(t.Context(), s, doubling{}, spec.PointList())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Add(t.Context(), sweep.Suggestion{Point: lasting(1)[0]}); err == nil || p.Len() != 0 || p.Suggested() != 0 {
		t.Errorf("got %v and %d trials of a point with an error", err, p.Len())
	}
	var errs *plan.Errors
	if _, err := plan.Grow(t.Context(), s, doubling{}, spec.PointList(lasting(1)...)); !errors.As(err, &errs) {
		t.Errorf("got %v for a sample with an error", err)
	}
	why := errors.New("no such folder")
	p, _ = plan.Grow(t.Context(), longStudy{quick(t, 0)}, doubling{}, spec.PointList())
	if err := p.Identify(t.Context(), func(*model.Job) (model.Inputs, error) { return model.Inputs{}, why }); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Add(t.Context(), sweep.Suggestion{Point: lasting(1)[0]}); !errors.Is(err, why) || p.Len() != 0 {
		t.Errorf("got %v for data that cannot be read, want %v", err, why)
	}
	whole := made(t, longStudy{quick(t, 0)}, &search.Blocks{Points: spec.PointList(lasting(2)...), Seeds: []uint32{1}})
	if _, err := whole.Next(nil); !errors.Is(err, io.EOF) || whole.Suggested() != 1 || whole.PlaceOf(0) != 0 {
		t.Errorf("got %v after the last suggestion, want the end", err)
	}
}
