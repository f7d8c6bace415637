package runner

import (
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
)

func TestTheReasonOfAnotherConfigurationIsSaid(t *testing.T) {
	fid, kid := spec.Metric{Name: "fid"}, spec.Metric{Name: "kid", Args: []spec.Arg{{Name: "size", Value: 40}}}
	small := spec.Metric{Name: "kid", Args: []spec.Arg{{Name: "size", Value: 20}}}
	data := spec.Data{Name: "mnist"}
	now := model.Inputs{Train: "aa", Measure: spec.Measure{Metrics: []spec.Metric{fid}, Samples: 100}}
	for _, c := range []struct {
		is       func(*results.Trial, *plan.Trial)
		settings [2]string
		want     string
	}{
		{is: func(_ *results.Trial, p *plan.Trial) { p.Inputs.Measure.Metrics = []spec.Metric{fid, kid} },
			want: "the evaluation has gained kid(size=40)"},
		{is: func(_ *results.Trial, p *plan.Trial) { p.Inputs.Measure.Metrics = nil }, want: "the evaluation no longer has fid()"},
		{is: func(r *results.Trial, p *plan.Trial) {
			r.Measure.Metrics, p.Inputs.Measure.Metrics = []spec.Metric{small}, []spec.Metric{kid}
		}, want: "the evaluation has kid(size=40) instead of kid(size=20)"},
		{is: func(_ *results.Trial, p *plan.Trial) { p.Inputs.Measure.Samples = 200 },
			want: "the evaluation takes 200 samples, and took 100"},
		{is: func(r *results.Trial, _ *plan.Trial) { r.Data = "ring()" }, want: "the data are mnist(), and were ring()"},
		{is: func(r *results.Trial, _ *plan.Trial) { r.Train = "bb" }},                  // a warning tells of the images
		{is: func(r *results.Trial, _ *plan.Trial) { r.Measure.Features = "pixels:1" }}, // and of the extractor
		{settings: [2]string{`{"batch":8,"lr":1,"old":1}`, `{"batch":16,"lr":1,"new":2}`},
			want: "the script or its settings have changed (batch is 16, was 8, new is new, old is gone)"},
		{settings: [2]string{`{"a":1,"b":1,"c":1,"d":1}`, `{"a":2,"b":2,"c":2,"d":2}`},
			want: "the script or its settings have changed (a is 2, was 1, b is 2, was 1, c is 2, was 1, 1 more)"},
		{settings: [2]string{`{"batch":8}`, `{"batch":8}`}, want: "the script has changed"},
	} {
		was := results.State{Trial: results.Trial{Data: data.String(), Train: "aa", Measure: now.Measure}, Settings: c.settings[0]}
		is := plan.Trial{Job: &model.Job{Data: data}, Inputs: now}
		if c.is != nil {
			c.is(&was.Trial, &is)
		}
		if got := changed(was, is, c.settings[1]); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}
