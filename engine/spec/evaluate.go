package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Evaluate says when and how a trial is looked at.
type Evaluate struct {
	Every    int       // epochs between evaluations; the last epoch is always one
	Grid     int       // pictures on the sheet of samples
	Metrics  []Metric  // what is measured of samples; none: there is only the sheet
	Samples  int       // how many generated images metrics compare with as many real ones; 0 without metrics
	Real     string    // where the real ones are from: "train", the data of the trial, or "test", the test split of the same set
	Features string    // the extractor whose features of both are compared, by its name in the rows
	Collapse *Collapse // nil: nobody looks for collapse
}

// Due reports whether an epoch, counted from 1, is evaluated.
func (e Evaluate) Due(epoch, epochs int) bool {
	return epoch == epochs || e.Every > 0 && epoch%e.Every == 0
}

// Columns are the names of all that an evaluation measures, floors last.
func (e Evaluate) Columns() (names []string) {
	var floors []string
	for _, m := range e.Metrics {
		names = append(names, m.Columns()...)
		for _, floored := range m.floored() {
			floors = append(floors, floored+Floor)
		}
	}
	if len(e.Metrics) > 0 {
		names = append(names, Spread)
	}
	return append(names, floors...)
}

const (
	// Floor ends the column of what real images score against other real ones.
	Floor = "_floor"
	// Spread is the column of the features' spread, as a part of the real ones'.
	Spread = "spread"
)

// String is canonical.
func (e Evaluate) String() string {
	s := fmt.Sprintf("every=%d grid=%d", e.Every, e.Grid)
	if len(e.Metrics) == 0 {
		return s
	}
	s += fmt.Sprintf(" metrics=%v samples=%d real=%s features=%s", e.Metrics, e.Samples, e.Real, e.Features)
	if e.Collapse != nil {
		s += fmt.Sprintf(" collapse=%v", *e.Collapse)
	}
	return s
}

// Validate tells all faults that can be seen without data and networks.
func (e Evaluate) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(e.Real == "" || e.Real == "train" || e.Real == "test", "real: got %q, want \"train\" or \"test\"", e.Real)
	check(e.Grid <= maxDrawn, "grid: got %d images on a sheet, want at most %d", e.Grid, maxDrawn)
	check(e.Samples <= maxDrawn, "samples: got %d, want at most %d", e.Samples, maxDrawn)
	if len(e.Metrics) == 0 {
		check(e.Samples == 0, "got samples = %d and no metrics to measure them by: the size of the sheet is grid", e.Samples)
		check(e.Collapse == nil, "collapse: got a rule and no metrics, want precision_recall() or density_coverage(), by which collapse is seen")
		return errors.Join(errs...)
	}
	check(e.Samples > 0, "got %d samples, want at least 1", e.Samples)
	var seen []string
	for _, m := range e.Metrics {
		check(!slices.Contains(seen, m.Name), "metrics: got %s twice", m.Name)
		seen = append(seen, m.Name)
		if least, why := m.least(); e.Samples < least {
			check(false, "%v: got %d samples, want %d or more: %s", m, e.Samples, least, why)
		}
		check(m.Name != InceptionScore || hasLogits(e.Features),
			"inception_score: got the features %q, which have no logits: want those of inception() or small()", e.Features)
	}
	looks := slices.Contains(seen, PrecisionRecall) || slices.Contains(seen, DensityCoverage)
	check(e.Collapse == nil || looks, "collapse: got no metric that tells of it, want precision_recall() or density_coverage()")
	return errors.Join(errs...)
}

// maxDrawn bounds the images of an evaluation: a hundred times what published comparisons take.
const maxDrawn = 10_000_000

// Metric is a measure of generated images against real ones. Fields that its name does not use are zero.
type Metric struct {
	Name    string  `json:"name"`
	K       int     `json:"k,omitempty"`       // neighbours: precision_recall, density_coverage
	Subsets int     `json:"subsets,omitempty"` // kid
	Size    int     `json:"size,omitempty"`    // kid
	Splits  int     `json:"splits,omitempty"`  // inception_score
	Sigma   float64 `json:"sigma,omitempty"`   // parzen; 0: the likeliest for other real images
}

// The metrics.
const (
	FID             = "fid"
	PrecisionRecall = "precision_recall"
	DensityCoverage = "density_coverage"
	KID             = "kid"
	InceptionScore  = "inception_score"
	PRD             = "prd"
	Parzen          = "parzen"
)

// StandardMetric is a metric as papers take it: what scripts and commands measure where they say no more than its name.
func StandardMetric(name string) Metric {
	m := Metric{Name: name}
	switch name {
	case PrecisionRecall:
		m.K = 3
	case DensityCoverage:
		m.K = 5
	case KID:
		m.Subsets, m.Size = 100, 1000
	case InceptionScore:
		m.Splits = 10
	}
	return m
}

// Columns are the names of its numbers.
func (m Metric) Columns() []string {
	switch m.Name {
	case PrecisionRecall:
		return []string{"precision", "recall"}
	case DensityCoverage:
		return []string{"density", "coverage"}
	case KID:
		return []string{"kid", "kid_std"}
	case InceptionScore:
		return []string{"inception_score", "inception_score_std"}
	case PRD:
		return []string{"prd_f8", "prd_f1_8"}
	}
	return []string{m.Name}
}

// floored are the columns that have a floor: all but deviations.
func (m Metric) floored() []string {
	return slices.DeleteFunc(m.Columns(), func(name string) bool { return strings.HasSuffix(name, "_std") })
}

// least is how many samples the metric needs, and why.
func (m Metric) least() (int, string) {
	switch m.Name {
	case FID:
		return 2, "it takes covariances"
	case PrecisionRecall, DensityCoverage:
		return m.K + 1, "each needs k neighbours"
	case KID:
		return m.Size, "subsets are drawn without replacement"
	case InceptionScore:
		return m.Splits, "each split needs one"
	case PRD:
		return prdClusters, fmt.Sprintf("they are put in %d clusters", prdClusters)
	}
	return 1, ""
}

// prdClusters is how many clusters the authors of PRD take (Sajjadi et al. 2018).
const prdClusters = 20

// String is canonical, and what a script says.
func (m Metric) String() string {
	switch m.Name {
	case PrecisionRecall, DensityCoverage:
		return fmt.Sprintf("%s(k=%d)", m.Name, m.K)
	case KID:
		return fmt.Sprintf("kid(subsets=%d, size=%d)", m.Subsets, m.Size)
	case InceptionScore:
		return fmt.Sprintf("inception_score(splits=%d)", m.Splits)
	case Parzen:
		if m.Sigma > 0 {
			return fmt.Sprintf("parzen(sigma=%s)", shortest(m.Sigma))
		}
	}
	return m.Name + "()"
}

// Extractors are those of engine/feature, by name.
var Extractors = []string{"inception", "inception-ttur", "inception-keras", "small-mnist", "small-cifar10", PixelFeatures, RandomFeatures}

// FeatureChannels is how many channels the images of an extractor must have; 0 if it takes grey and colour.
func FeatureChannels(extractor string) int {
	if extractor == "small-mnist" {
		return 1
	}
	return 0
}

// Features that are not those of a trained network.
const (
	PixelFeatures  = "pixels"
	RandomFeatures = "random"
	PointFeatures  = "points" // the coordinates of points in the plane; no extractor
)

// hasLogits reports whether features may come with logits.
func hasLogits(features string) bool {
	return !slices.Contains([]string{PixelFeatures, RandomFeatures, PointFeatures}, features)
}

// Collapse is the rule by which a generator counts as collapsed; engine/metric has its meaning.
type Collapse struct {
	Stop                           bool // end the trial then
	Evaluations                    int
	Reach, Spread, Fidelity, Modes float64
}

// StandardCollapse is the rule of scripts that give none.
func StandardCollapse() Collapse {
	return Collapse{Evaluations: 2, Reach: 0.05, Spread: 0.25, Fidelity: 0.7, Modes: 0.3}
}

// String is canonical.
func (c Collapse) String() string {
	return fmt.Sprintf("(stop=%t, evaluations=%d, reach=%s, spread=%s, fidelity=%s, modes=%s)",
		c.Stop, c.Evaluations, shortest(c.Reach), shortest(c.Spread), shortest(c.Fidelity), shortest(c.Modes))
}
