package metric

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/spec"
)

const (
	// Floor is the suffix of the columns of floors: the scores of real images compared with other real ones.
	Floor = "_floor"
	// Spread is the column of the spread of features, relative to that of the real ones.
	Spread = "spread"
	// testPrefix is the prefix of the columns of a script's tests.
	testPrefix = "test_"
)

// Columns lists the columns of an evaluation, floors last, and then those of its final evaluation.
func Columns(e spec.Evaluation) (names []string) {
	var floors []string
	for _, m := range e.Metrics {
		row, _ := Lookup(m.Name)
		for _, c := range row.Columns {
			names = append(names, c.Name)
			if !c.Deviation {
				floors = append(floors, c.Name+Floor)
			}
		}
	}
	if len(e.Metrics) > 0 {
		names = append(names, Spread)
		if e.Features != spec.PointFeatures {
			names = append(names, Variety, Distinctness)
		}
	}
	names = append(names, floors...)
	if e.Final != nil {
		for _, name := range Columns(*e.Final) {
			names = append(names, spec.FinalPrefix+name)
		}
	}
	return names
}

// Validate reports all problems of an evaluation that are visible without data and networks. Logits says whether its features may have
// logits.
func Validate(e spec.Evaluation, logits bool) error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(e.Real == "" || e.Real == "train" || e.Real == "test", "real: got %q, want \"train\" or \"test\"", e.Real)
	check(e.Sheet <= maxDrawn, "sheet: got %d images, want at most %d", e.Sheet, maxDrawn)
	check(e.Samples <= maxDrawn, "samples: got %d, want at most %d", e.Samples, maxDrawn)
	if len(e.Metrics) == 0 {
		check(e.Samples == 0, "got samples = %d and no metrics to compute from them: the size of the sheet is the argument sheet", e.Samples)
		check(e.Collapse == nil, "collapse: got a rule and no metrics, want %s, which detect collapse", detectors())
		return errors.Join(errs...)
	}
	check(e.Samples > 0, "got %d samples, want at least 1", e.Samples)
	var seen []string
	for _, m := range e.Metrics {
		row, ok := Lookup(m.Name)
		if !ok {
			errs = append(errs, unknown(m))
			continue
		}
		check(!slices.Contains(seen, m.Name), "metrics: got %s twice", m.Name)
		seen = append(seen, m.Name)
		if row.MinSamples != nil {
			n, why := row.MinSamples(m)
			check(e.Samples >= n, "%v: got %d samples, want %d or more: %s", m, e.Samples, n, why)
		}
		check(logits || !row.Logits, "%s: got the features %q, which have no logits: want those of inception() or small()", m.Name, e.Features)
	}
	check(e.Collapse == nil || DetectCollapse(e.Metrics), "collapse: got no metric that detects it, want %s", detectors())
	return errors.Join(errs...)
}

// maxDrawn bounds the images of an evaluation: a hundred times the number in published comparisons.
const maxDrawn = 10_000_000

// DetectCollapse reports whether a rule of collapse can be applied to the columns of some metrics.
func DetectCollapse(metrics []spec.Metric) bool {
	return slices.ContainsFunc(metrics, func(m spec.Metric) bool {
		row, _ := Lookup(m.Name)
		return row.detectsCollapse()
	})
}

func (m Definition) detectsCollapse() bool {
	return slices.ContainsFunc(m.Columns, func(c Column) bool { return c.Shows == Reach })
}

// detectors names the metrics that detect collapse.
func detectors() string {
	var calls []string
	for _, m := range All {
		if m.detectsCollapse() {
			calls = append(calls, m.Name+"()")
		}
	}
	return strings.Join(calls, " or ")
}

// MemoryOf estimates the memory of some metrics for n samples of d features per set.
func MemoryOf(metrics []spec.Metric, n, d int) (m Memory) {
	for _, x := range metrics {
		if row, _ := Lookup(x.Name); row.memory != nil {
			need := row.memory(x, n, d)
			m.Set += need.Set
			m.Device = max(m.Device, need.Device)
			m.Work = max(m.Work, need.Work)
		}
	}
	return m
}

// Deciding is the part of a measure that decides whether the values of some columns are comparable. A metric depends on its
// arguments, the features, the number of samples and the real images; its floor, and a metric whose arguments other real images
// choose, also on the set of floors. Tests depend on the images that they evaluate, and all other columns, losses and watches, on the
// training images, whose digest is passed. What an equation computes is up to the script: a column has the same meaning in all trials
// of a study. Columns of final evaluations depend on their own measure.
func Deciding(m spec.Measure, train string, columns ...string) (part spec.Measure) {
	var finals []string
	for _, column := range columns {
		if base, isFinal := strings.CutPrefix(column, spec.FinalPrefix); isFinal && m.Final != nil {
			finals = append(finals, base)
			continue
		}
		base, isFloor := strings.CutSuffix(column, Floor)
		i := slices.IndexFunc(m.Metrics, func(x spec.Metric) bool {
			row, _ := Lookup(x.Name)
			return slices.Contains(row.columnNames(), base)
		})
		switch {
		case i >= 0:
			x := m.Metrics[i]
			if !slices.ContainsFunc(part.Metrics, x.Equal) {
				part.Metrics = append(part.Metrics, x)
			}
			if isFloor || NeedsOthers(x) {
				part.Floor = m.Floor
			}
			fallthrough
		case column == Spread && m.Samples > 0:
			part.Samples, part.Real, part.Features = m.Samples, m.Real, m.Features
		case OfPixels(column) && m.Samples > 0:
			part.Samples, part.Real = m.Samples, m.Real
		case strings.HasPrefix(column, testPrefix) && m.Tests != "":
			part.Tests = m.Tests
		default:
			part.Train = spec.Short(train)
		}
	}
	if finals != nil {
		final := Deciding(*m.Final, train, finals...)
		part.Final = &final
	}
	return part
}
