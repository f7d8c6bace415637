package results_test

import (
	"slices"
	"testing"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

func TestNamesThatCannotBeColumnsAreAllReported(t *testing.T) {
	m := meta
	m.Study = ""
	m.Columns = []results.Column{
		{Name: "lr", Kind: spec.Float}, {Name: "LR", Kind: spec.Float}, {Name: "Epoch", Kind: spec.Int},
		{Name: "fid", Kind: spec.Float}, {Name: "best_fid", Kind: spec.Float}, {Name: "a b", Kind: spec.Int},
		{Name: "", Kind: spec.Int}, {Name: "3d", Kind: spec.Bool}, {Name: "depth", Kind: 9},
	}
	m.Metrics = []string{"fid", "fid", "status"}
	m.Objectives = []results.Objective{{Metric: "precision", Direction: pareto.Max}, {Metric: "fid", Direction: "less"}}
	wantError(t, m.Check(),
		`hyperparameter "LR": the name clashes with hyperparameter "lr": rename it`,
		`hyperparameter "Epoch": the name clashes with a column that every study has`,
		`hyperparameter "fid": the name clashes with metric "fid"`,
		`hyperparameter "best_fid": the name clashes with column "best_fid"`,
		`hyperparameter "a b": want a name of letters, digits and underscores`,
		`hyperparameter "": want a name`,
		`hyperparameter "3d": want a name`,
		`hyperparameter "depth": got kind 9, want bool, int, float or string`,
		`metric "fid": the name clashes with metric "fid"`,
		`metric "status": the name clashes with a column that every study has`,
		`objective "precision": want one of the metrics fid, fid, status`,
		`objective "fid": got "less", want min or max`,
		"the study has no name",
	)
	check(t, meta.Check())
}

func TestLabelsReadLikeScripts(t *testing.T) {
	m := results.Meta{Columns: []results.Column{{Name: "loss", Kind: spec.String}, {Name: "lr", Kind: spec.Float},
		{Name: "norm", Kind: spec.Bool}, {Name: "depth", Kind: spec.Int}, {Name: "beta", Kind: spec.Float}}}
	got := m.Label(results.Values{"loss": "ns", "lr": 2.0, "norm": true, "depth": int64(3)}, 7)
	if want := "loss=ns lr=2.0 norm=True depth=3 seed=7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNaturalHyperparameterNamesAreFree(t *testing.T) {
	for _, name := range []string{"loss", "lr", "latent", "batch", "width", "height", "size", "beta1", "noise", "depth", "norm"} {
		if slices.Contains(results.Reserved(), name) {
			t.Errorf("%s is reserved", name)
		}
	}
}
