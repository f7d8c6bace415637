package evaluation_test

import (
	"testing"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/lower"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/runner/evaluation"
)

func backend(t *testing.T) lower.Device {
	t.Helper()
	b, err := train.Open("cpu", train.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.Device()
}

// comparer is a Comparer whose warnings are collected.
func comparer(t *testing.T, cache string) (*evaluation.Comparer, *[]string) {
	t.Helper()
	var warnings []string
	store := &data.Store{}
	b := evaluation.New(evaluation.Config{Device: backend(t), Cache: cache, Open: store.Open,
		Warn: func(err error) { warnings = append(warnings, err.Error()) }})
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, &warnings
}

// standard is a metric with its default arguments.
func standard(name string) spec.Metric {
	row, ok := metric.Lookup(name)
	if !ok {
		panic(name)
	}
	return row.Standard()
}

var everything = []spec.Metric{standard("fid"), standard("precision_recall"), standard("density_coverage"),
	standard("kid").With("subsets", 5).With("size", 50), standard("prd"), standard("parzen")}

func ring(count int) spec.Data { return complete(spec.Data{Name: "ring", Count: count}) }

// complete fills in every default, as scripts do.
func complete(d spec.Data) spec.Data {
	for _, s := range data.Declarations() {
		if s.Name == d.Name {
			return s.Complete(d)
		}
	}
	panic(d.Name)
}

func onPoints(samples int) spec.Evaluation {
	return spec.Evaluation{Sheet: 4, Samples: samples, Real: "test", Features: spec.PointFeatures, Metrics: everything}
}

// images returns those of a set.
func images(t *testing.T, d spec.Data) evaluation.Images {
	t.Helper()
	set, err := (&data.Store{}).Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return func(from, to int) ([]float32, error) {
		x, index := make([]float32, (to-from)*set.H*set.W*set.C), make([]int32, to-from)
		for i := range index {
			index[i] = int32(from + i)
		}
		set.Batch(x, index)
		return x, nil
	}
}

func measure(t *testing.T, b *evaluation.Comparer, d spec.Data, e spec.Evaluation, generated evaluation.Images) map[string]float64 {
	t.Helper()
	x, err := b.Open(t.Context(), d, e)
	if err != nil {
		t.Fatal(err)
	}
	values, err := x.Score(t.Context(), generated)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// digits are evaluated by the features of an untrained network, with 24 samples per set.
func digits() (spec.Data, spec.Evaluation) {
	return complete(spec.Data{Name: "mnist12k"}), spec.Evaluation{Samples: 24, Real: "test", Features: "random",
		Metrics: []spec.Metric{standard("fid"), standard("precision_recall")}}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
