// Package metric compares generated samples with real ones: Fréchet distance, precision and recall, density and coverage, kernel
// distance, Inception score, PRD curves, Parzen windows, and the rule of collapse. Everything is a function of feature matrices,
// except for the variety of pixels. The package knows nothing of scripts, image formats, files or devices, so scripts and tables can
// import it without the engine: large products of float32 are computed by a function that the caller passes (see Multiply), and
// everything that must be exact is computed here in float64.
//
// The table All declares each metric next to its computation. Scripts, the command eval, runner/evaluation and the comparison of
// results read a metric's name, parameters, columns and conditions from there.
package metric

import (
	"context"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
)

// All are the metrics, in the order of lists. A new metric is a file of this package with its Definition, and its name in this list.
var All = []Definition{fid, kid, precisionRecall, densityCoverage, inceptionScore, prd, parzenWindow}

// Definition declares a metric and computes it.
type Definition struct {
	Name    string // in scripts and on the command line
	Doc     string // what it is and who defines it, in one line
	Params  []Param
	Columns []Column // of the tables, in the order of the numbers that compute returns
	Logits  bool     // it compares logits, which not all features have
	Default bool     // the command eval computes it if no metric is named
	Biased  bool     // it is far too high for no more samples than features

	// MinSamples is the least number of samples of each set, and why; nil: 1.
	MinSamples func(m spec.Metric) (n int, why string)

	// derive adds to the statistics of one set what the metric derives from it; nil: nothing.
	derive func(ctx context.Context, p *Products, s *Stats, m spec.Metric) error
	// compute returns the numbers of the columns. Its random numbers come from c.draws.
	compute func(ctx context.Context, c *Comparison, m spec.Metric) ([]float64, error)
	// memory estimates the memory of both for n samples of d features per set, in addition to the features.
	memory func(m spec.Metric, n, d int) Memory
}

// Param declares an argument: a whole number from 1, or a real number above 0.
type Param struct {
	Name    string
	Real    bool
	Default float64 // 0: there is none, and real images that are not compared choose the argument if it is missing
	Flag    string  // help of the flag of eval that sets it, under the same name; "": there is none
	Clamp   bool    // eval lowers the default to the number of samples
}

// Column declares a column of the tables.
type Column struct {
	Name      string
	Better    pareto.Direction // of all but deviations
	Deviation bool             // over subsets or splits of the samples; it has no floor
	Shows     Sign             // what the number says about collapse
	Low, High float64          // the numbers that the definition allows, infinite where it has no bound
}

// Sign says what a column says about collapse: see Observation.
type Sign int

const (
	Nothing  Sign = iota
	Reach         // how much of the real set samples reach
	Fidelity      // how many samples look real
)

// Memory is the memory that a metric takes, in bytes.
type Memory struct {
	Set    int // of what is derived from one set, which stays as long as the set does
	Device int // on the device that multiplies, which may keep it for reuse
	Work   int // for the rest of the computation
}

const single, double = 4, 8 // bytes of float32 and float64

// Lookup returns the definition of a metric.
func Lookup(name string) (Definition, bool) {
	if i := slices.IndexFunc(All, func(m Definition) bool { return m.Name == name }); i >= 0 {
		return All[i], true
	}
	return Definition{}, false
}

// Bounds are the numbers that the definition of a column allows: infinite where it has no bound, and for other numbers.
func Bounds(column string) (low, high float64) {
	for _, m := range All {
		for _, c := range m.Columns {
			if c.Name == spec.Course(column) {
				return c.Low, c.High
			}
		}
	}
	return math.Inf(-1), math.Inf(1)
}

// Names lists the names of metrics.
func Names(all []Definition) (names []string) {
	for _, m := range all {
		names = append(names, m.Name)
	}
	return names
}

// Standard is the metric with its default arguments, as papers take it.
func (m Definition) Standard() spec.Metric {
	s := spec.Metric{Name: m.Name}
	for _, a := range m.Params {
		if a.Default != 0 {
			s = s.With(a.Name, a.Default)
		}
	}
	return s
}

// NeedsOthers reports whether m leaves an argument to be chosen by real images that are not compared.
func NeedsOthers(m spec.Metric) bool { return ChosenParam(m) != "" }

// ChosenParam is the parameter whose argument m leaves to other real images; "" if m has all of its arguments.
func ChosenParam(m spec.Metric) string {
	row, _ := Lookup(m.Name)
	for _, a := range row.Params {
		if m.Arg(a.Name) == 0 {
			return a.Name
		}
	}
	return ""
}

func (m Definition) columnNames() (names []string) {
	for _, c := range m.Columns {
		names = append(names, c.Name)
	}
	return names
}
