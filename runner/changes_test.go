package runner

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// everies is a study whose points have different evaluations of the same data.
type everies []int

func (s everies) points() *search.Blocks {
	at := func(i int) spec.Point { return spec.Point{{Name: "i", Value: spec.IntValue(int64(i))}} }
	return &search.Blocks{Points: spec.NewPoints(len(s), at), Seeds: []uint32{0}}
}

func (s everies) Job(_ context.Context, p spec.Point) (*model.Job, error) {
	i, _ := p.Get("i")
	return &model.Job{Program: &model.Program{}, Data: spec.Data{Name: "mnist"}, Epochs: 1,
		Evaluation: spec.Evaluation{Every: s[i.Any().(int64)]}}, nil
}

// Of two kinds of jobs on one data set, only one reads the test split. A change of the split is found in either order of the kinds.
func TestAChangeIsNoticedByTheKindThatReadsWhatChanged(t *testing.T) {
	for _, s := range []everies{{1, 2}, {2, 1}} {
		p, err := plan.Make(context.Background(), s, s.points())
		if err != nil {
			t.Fatal(err)
		}
		err = p.Identify(context.Background(), func(j *model.Job) (model.Inputs, error) {
			in := model.Inputs{Train: "aa"}
			if j.Evaluation.Every == 1 {
				in.Test, in.Measure = "cc", spec.Measure{Features: "pixels:1", Final: &spec.Measure{Features: "random:1"}}
			}
			return in, nil
		})
		if err != nil || len(p.Families) != 2 {
			t.Fatalf("got %d kinds, %v, want 2", len(p.Families), err)
		}
		old := results.State{Trial: results.Trial{ID: "old", Data: p.Families[0].Job.Data.String(), Train: "aa", Test: "bb",
			Measure: spec.Measure{Features: "pixels:0", Final: &spec.Measure{Features: "random:0"}}}}
		list, trials := findChanges(p, []results.State{old})
		want := []inputChange{{"the test split of " + old.Data, "bb", "cc"}, {"the extractor pixels", "0", "1"},
			{"the extractor random", "0", "1"}}
		if !reflect.DeepEqual(list, want) || len(trials[want[0]]) != 1 {
			t.Errorf("%v: got %v of %v, want %v", s, list, fmt.Sprint(trials), want)
		}
	}
}
