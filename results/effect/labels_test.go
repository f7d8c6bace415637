package effect_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/effect"
	"github.com/starsweep/starsweep/results/frame"
)

// The numbers are those of statsmodels' cohens_kappa: testdata/oracle.py.
func TestKappaIsThatOfStatsmodels(t *testing.T) {
	k := effect.Kappa(20, 5, 3, 36)
	near(t, "kappa", k.Value, 0.7336108220603538, 1e-12)
	near(t, "low", k.Low, 0.5617266929053386, 1e-12)
	near(t, "high", k.High, 0.9054949512153689, 1e-12)
	if k := effect.Kappa(0, 0, 0, 12); !math.IsNaN(k.Value) {
		t.Errorf("got %+v for judges who always say no", k)
	}
	near(t, "of judges who agree", effect.Kappa(5, 0, 0, 5).Value, 1, 1e-12)
}

func TestTheRuleIsComparedWithTheEye(t *testing.T) {
	f := &frame.Frame{}
	labels := map[string]bool{"t0": true, "t1": false, "t2": true, "t3": false, "t4": false, "t5": true}
	for i, s := range []results.Status{results.Collapsed, results.Collapsed, results.Completed, results.Pruned, results.Diverged,
		results.Interrupted, results.Completed} {
		f.Rows = append(f.Rows, frame.Row{ID: fmt.Sprint("t", i), Status: s})
	}
	j, err := effect.Judge(f, labels, effect.Recorded)
	if err != nil {
		t.Fatal(err)
	}
	if j.Trials != 4 || j.Both != 1 || j.Rule != 1 || j.Eye != 1 || j.Neither != 1 || j.Unlabelled != 1 || j.Agree.Count != 2 ||
		len(j.Missed) != 1 || j.Missed[0].ID != "t2" || len(j.Alarms) != 1 || j.Alarms[0].ID != "t1" {
		t.Errorf("got %+v", j)
	}
	other, err := effect.Judge(f, labels, func(r frame.Row) (bool, error) { return r.ID == "t2", nil })
	if err != nil || other.Trials != 4 || other.Both != 1 || other.Rule != 0 || other.Eye != 1 || other.Neither != 2 {
		t.Errorf("another rule: got %+v, %v", other, err)
	}
	wrong := errors.New("wrong")
	if _, err := effect.Judge(f, labels, func(frame.Row) (bool, error) { return false, wrong }); !errors.Is(err, wrong) {
		t.Errorf("got %v, want the error of the rule", err)
	}
}
