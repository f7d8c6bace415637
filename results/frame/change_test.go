package frame_test

import (
	"testing"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// The value at the last measured epoch is divided by that so many epochs earlier, if both were measured and are positive.
func TestChangeIsTheRatioOfTheLastValueToAnEarlierOne(t *testing.T) {
	between := results.Metrics{"loss_critic": 1}
	lr := results.Values{"loss": "ns", "lr": 0.1}
	w := study(t, meta,
		trial{id: "falls", point: lr, seed: 1, measure: of(100), status: results.Completed,
			epochs: []results.Metrics{measured(80, 0.1), measured(8, 0.2), measured(2, 0.5)}},
		trial{id: "short", point: lr, seed: 2, measure: of(100), status: results.Collapsed,
			epochs: []results.Metrics{measured(80, 0), measured(60, 0)}},
		trial{id: "rises", point: lr, seed: 3, measure: of(100), status: results.Completed,
			epochs: []results.Metrics{measured(5, 0), measured(4, 0), measured(10, 0.3)}},
		trial{id: "between", point: lr, seed: 4, measure: of(100), status: results.Completed,
			epochs: []results.Metrics{between, measured(4, 0.1), measured(3, 0.1)}},
		trial{id: "failed", point: lr, seed: 5, measure: of(100), status: results.Failed, epochs: []results.Metrics{measured(5, 0.5)}},
	)
	v := w.View()
	f, err := frame.Of(v, frame.Options{})
	check(t, err)
	fid, err := f.Change(v, "fid", 2)
	check(t, err)
	recall, err := f.Change(v, "recall", 2)
	check(t, err)
	if want := "fid / fid 2 epochs earlier"; fid != want || f.Measures[fid] != f.Measures["fid"] || f.Measures[fid] == "" {
		t.Errorf("got %q measured by %q, want %q measured as fid", fid, f.Measures[fid], want)
	}
	want := map[string]map[string]float64{"falls": {fid: 2.0 / 80, recall: 5}, "rises": {fid: 2}}
	for _, r := range f.Rows {
		for _, name := range []string{fid, recall} {
			got, has := r.Values[name]
			if wanted, wants := want[r.ID][name]; got != wanted || has != wants {
				t.Errorf("%s: got %s = %v (%v), want %v (%v)", r.ID, name, got, has, wanted, wants)
			}
		}
	}
}
