// Package importance says which hyperparameters a metric depends on: as the share of the variance of the metric that each explains, alone
// and in pairs.
//
// On a full grid, where every combination of levels was trained with the same seeds, the shares are exact: functional analysis of variance
// (Hooker 2007; Hutter, Hoos and Leyton-Brown 2014) over the grid itself, without a model of the metric. Elsewhere PED-ANOVA (Watanabe,
// Bansal and Hutter 2023) compares how the best trials and all trials are distributed. What cannot be told is an error. The package
// computes on frames; the commands, figures and the report show its results.
package importance

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
)

// Method says how shares were computed.
type Method string

// The methods.
const (
	ANOVA Method = "anova"     // exact, on a full grid
	PED   Method = "ped-anova" // of the best trials among all
)

// Citation names the publication of a method.
func (m Method) Citation() string {
	if m == PED {
		return "PED-ANOVA: Watanabe, Bansal and Hutter, IJCAI 2023"
	}
	return "functional analysis of variance: Hutter, Hoos and Leyton-Brown, ICML 2014, exact on the full grid"
}

// Analysis is what was found.
type Analysis struct {
	Metric   string
	Method   Method
	Log      bool     // it is of the logarithm of the metric
	N        int      // trials analysed
	Cells    int      // combinations of levels
	Seeds    []int64  // with ANOVA: those of every cell
	Effects  []Effect // main effects and pairs, the greatest share first
	Higher   float64  // with ANOVA: share of the interactions of three and more
	Residual float64  // with ANOVA: share of the variance over seeds; NaN with one seed
	Best     int      // with PED-ANOVA: trials that count as the best
	Notes    []string // what is left out, and what to know before relying on it
}

// Effect is what one hyperparameter explains, or two together beyond what each explains alone.
type Effect struct {
	Factors   []string
	Share     float64 // of the variance; with PED-ANOVA of the sum over hyperparameters
	Low, High float64 // the interval of the share; NaN if it cannot be told
	Chance    float64 // with ANOVA: the share expected if the factors had no effect, by the variance over seeds; NaN with one seed
	P         float64 // with ANOVA: probability of such a share by chance, of the F test; NaN with one seed
}

// Name is lr, or lr × loss.
func (e Effect) Name() string { return strings.Join(e.Factors, " × ") }

// Options of an analysis.
type Options struct {
	Log    bool   // analyse the logarithm of the metric, whose values span decades
	Method Method // empty: ANOVA where it is possible, else PED
}

// Intervals are the middle 95 % of resamplings, drawn from this seed.
const Seed = 13

// Resamplings is how many resamplings an interval comes from.
func (m Method) Resamplings() int {
	if m == PED {
		return redrawings
	}
	return resamplings
}

// Analyze analyses a metric over the varied factors of a frame. It is an error if too few trials have the metric, if it does not vary, or
// if no factor does; with Options.Method ANOVA also if the trials are no full grid.
func Analyze(f *frame.Frame, metric string, o Options) (*Analysis, error) {
	rows, err := measuredRows(f, metric, o.Log)
	if err != nil {
		return nil, err
	}
	a := &Analysis{Metric: metric, Log: o.Log, Residual: math.NaN()}
	if missing := len(f.Rows) - len(rows); missing > 0 {
		a.Notes = append(a.Notes, fmt.Sprintf("%s without %s, left out; if they failed or collapsed because of a hyperparameter, "+
			"the shares do not show it", plain.Count(missing, "trial"), metric))
	}
	factors := a.analysable(f, rows)
	if len(factors) == 0 {
		return nil, fmt.Errorf("importance of hyperparameters for %s: none has several values in the %d trials that have it", metric, len(rows))
	}
	low, high := rows[0].y, rows[0].y
	for _, r := range rows {
		low, high = min(low, r.y), max(high, r.y)
	}
	switch {
	case low == high:
		return nil, fmt.Errorf("importance of hyperparameters for %s: all %d trials have the value %v", metric, len(rows), low)
	case !o.Log && low > 0 && high > 10*low:
		a.Notes = append(a.Notes, fmt.Sprintf("%s spans more than a decade, and its greatest values decide the shares: consider its logarithm",
			metric))
	}
	grid, why := gridOf(rows, factors)
	switch {
	case o.Method == ANOVA && grid == nil:
		return nil, fmt.Errorf("importance of hyperparameters for %s: no full grid: %s", metric, why)
	case o.Method == PED || grid == nil:
		a.Method = PED
		if o.Method != PED {
			a.Notes = append(a.Notes, "no full grid: "+why)
		}
		return a, a.byDensities(f, rows, factors)
	}
	if len(factors) == 1 && len(grid.seeds) == 1 { // nothing could vary but by it
		return nil, fmt.Errorf("importance of hyperparameters for %s: %s is the only one that varies, and there is one seed: want more seeds",
			metric, factors[0].Name)
	}
	a.Method = ANOVA
	a.byVariances(grid)
	return a, nil
}

// row is a trial with its value.
type row struct {
	frame.Row
	y float64 // the metric or its logarithm
}

func measuredRows(f *frame.Frame, metric string, log bool) (rows []row, err error) {
	for _, r := range f.Rows {
		y, measured := r.Values[metric]
		if !measured {
			continue
		}
		if log && y <= 0 {
			return nil, fmt.Errorf("importance of hyperparameters for %s: trial %s has the value %v, which has no logarithm", metric, r.ID, y)
		}
		if log {
			y = math.Log(y)
		}
		rows = append(rows, row{r, y})
	}
	if len(rows) < 2 {
		return nil, fmt.Errorf("importance of hyperparameters for %s: %d of %d trials have a value that can be compared, want several", metric,
			len(rows), len(f.Rows))
	}
	return rows, nil
}

// analysable are the factors with several levels among the rows that all of them have. What follows from them is none.
func (a *Analysis) analysable(f *frame.Frame, rows []row) (factors []frame.Factor) {
	if derived := f.Derived(); len(derived) > 0 {
		a.Notes = append(a.Notes, "left out, since the others decide what is derived from them: "+plain.List(derived))
	}
	for _, x := range f.Varied() {
		present := map[any]bool{}
		for _, r := range rows {
			present[r.Point[x.Name]] = true
		}
		everywhere := !present[nil]
		x.Levels = slices.DeleteFunc(slices.Clone(x.Levels), func(level any) bool { return !present[level] })
		switch {
		case everywhere && len(x.Levels) > 1:
			factors = append(factors, x)
		case !everywhere && len(present) > 1:
			a.Notes = append(a.Notes, x.Name+" applies to some trials only and is left out: look at these alone")
		}
	}
	return factors
}

// order sorts effects, the greatest share first.
func order(effects []Effect) {
	slices.SortStableFunc(effects, func(a, b Effect) int {
		switch {
		case a.Share > b.Share:
			return -1
		case a.Share < b.Share:
			return 1
		}
		return len(a.Factors) - len(b.Factors)
	})
}
