// Package frame lays a study out as data for analysis: one row a trial, with the levels of its factors (the hyperparameters) and one
// value of each metric, such that the values of a metric can be compared. Figures, tables, importance, the report and the live page are
// made of frames. It reads a study through package results; what is left out, and why, is part of the frame.
package frame

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// Frame is the trials of a study.
type Frame struct {
	Study      string
	Factors    []Factor // those with several levels first, then those with one, then derived ones; the seed is none
	Metrics    []string // those with a value in some row, in the order of the tables
	Objectives []results.Objective
	Measures   map[string]string // by metric: what all its values were measured by
	Rows       []Row             // by index, seed and ID
	Left       []Omission

	columns []results.Column
	foreign map[string]map[string]bool // by trial: the metrics of which it has values of another measure
}

// Factor is a hyperparameter.
type Factor struct {
	Name   string
	Kind   spec.Kind
	Levels []any // its values in the rows: numbers in ascending order, others in the order of the trials; bool, int64, float64 or string
	Log    bool  // positive numbers over more than one decade

	Derived bool // its levels follow from those of others: it is no factor of its own
}

// Row is a trial.
type Row struct {
	ID            string
	Index         int
	Seed          int64
	Configuration string
	Status        results.Status // as it stands: see results.Status.Stands
	Reason        string
	Started       time.Time
	Epoch         int                // of the values; 0 without any
	Point         map[string]any     // nil where a hyperparameter does not apply
	Values        map[string]float64 // finite; none of a trial that may not be compared with others
	Seconds       float64            // trained and evaluated
}

// Omission says what a frame leaves out.
type Omission struct {
	Reason string // in the plural, after the number
	N      int
}

func (o Omission) String() string {
	reason := o.Reason
	if o.N == 1 {
		for _, noun := range []string{"trial", "value"} {
			if before, after, has := strings.Cut(reason, noun+"s"); has {
				reason = before + noun + after
				break
			}
		}
	}
	return fmt.Sprintf("%d %s", o.N, reason)
}

// Options choose the rows and the values. The zero value takes the trials of the newest plan, at their last measured epoch.
type Options struct {
	Where    func(columns map[string]any) (bool, error) // which rows; nil for all. See Columns
	Best     bool                                       // values of the epoch where the first objective is best, not of the last one
	AllPlans bool                                       // trials of earlier plans as well
	Measured bool                                       // values that the command measure recorded, not those of the training
	Measure  string                                     // a part of the text of the measure of the objectives; empty for that of most rows
}

// Columns are the names that Where may find in its columns: hyperparameters, metrics, and trial, configuration, seed, status, epoch and
// seconds. A value that a trial does not have is nil.
func Columns(m results.Meta) []string {
	names := []string{"trial", "configuration", "seed", "status", "epoch", "seconds"}
	for _, c := range m.Columns {
		names = append(names, c.Name)
	}
	return append(names, m.Metrics...)
}

// Cells are the columns of a row, by name, as Where gets them.
func (r *Row) Cells(columns []string) map[string]any {
	cells := make(map[string]any, len(columns))
	for _, name := range columns {
		cells[name] = r.Cell(name)
	}
	return cells
}

// Cell is the value of a column, nil if the trial has none.
func (r *Row) Cell(name string) any {
	switch name {
	case "trial":
		return r.ID
	case "configuration":
		return r.Configuration
	case "seed":
		return r.Seed
	case "status":
		return string(r.Status)
	case "epoch":
		return int64(r.Epoch)
	case "seconds":
		return r.Seconds
	}
	if level, isFactor := r.Point[name]; isFactor {
		return level
	}
	if value, measured := r.Values[name]; measured {
		return value
	}
	return nil
}

// Of lays out a study. It is an error if Options.Measure is part of no measure, or of several, and if Where returns one.
func Of(v *results.View, o Options) (*Frame, error) {
	m := v.Meta()
	f := &Frame{Study: m.Study, Objectives: m.Objectives, Measures: map[string]string{}, columns: m.Columns,
		foreign: map[string]map[string]bool{}}
	trained, err := v.Trained()
	if err != nil {
		return nil, err
	}
	var gathered []candidate
	earlier := 0
	for _, s := range v.Trials() {
		if !s.InPlan && !o.AllPlans {
			earlier++
			continue
		}
		c, err := gather(v, s, o)
		if err != nil {
			return nil, err
		}
		c.row.Status = c.row.Status.Stands(trained[s.ID] != "")
		gathered = append(gathered, c)
	}
	f.leave("trials of earlier plans", earlier)
	chosen, err := f.choose(gathered, o)
	if err != nil {
		return nil, err
	}
	where := 0
	columns := Columns(m)
	for _, r := range chosen {
		if o.Where != nil {
			in, err := o.Where(r.Cells(columns))
			if err != nil {
				return nil, fmt.Errorf("trial %s: %w", r.ID, err)
			}
			if !in {
				where++
				continue
			}
		}
		f.Rows = append(f.Rows, r)
	}
	f.leave("trials outside the condition", where)
	f.countIncomparable()
	f.Factors = factors(m.Columns, f.Rows)
	f.Metrics = slices.DeleteFunc(slices.Clone(m.Metrics), func(name string) bool {
		return !slices.ContainsFunc(f.Rows, func(r Row) bool { _, measured := r.Values[name]; return measured })
	})
	return f, nil
}

// leave notes that something is left out.
func (f *Frame) leave(reason string, n int) {
	if n > 0 {
		f.Left = append(f.Left, Omission{reason, n})
	}
}

// countIncomparable notes the rows without values, by the reason.
func (f *Frame) countIncomparable() {
	reasons := []string{"failed trials, without values", "diverged trials, without values", "skipped trials, without values",
		"unfinished trials, without values", "trials that measured nothing"}
	counts := make([]int, len(reasons))
	for _, r := range f.Rows {
		if len(r.Values) > 0 {
			continue
		}
		at := 4
		switch r.Status {
		case results.Failed:
			at = 0
		case results.Diverged:
			at = 1
		case results.Skipped:
			at = 2
		case results.Interrupted, results.Paused, results.Running:
			at = 3
		}
		counts[at]++
	}
	for i, reason := range reasons {
		f.leave(reason, counts[i])
	}
}

// Factor returns a factor by its name.
func (f *Frame) Factor(name string) (x Factor, found bool) {
	i := slices.IndexFunc(f.Factors, func(x Factor) bool { return x.Name == name })
	if i < 0 {
		return Factor{}, false
	}
	return f.Factors[i], true
}

// Better says which values of a metric are better: as the objectives of the study say, or as the metric is defined. Known is false for a
// loss or another number of a script.
func (f *Frame) Better(name string) (direction pareto.Direction, known bool) {
	for _, o := range f.Objectives {
		if o.Metric == name {
			return o.Direction, true
		}
	}
	for _, d := range metric.All {
		for _, c := range d.Columns {
			if c.Name == name && !c.Deviation {
				return c.Better, true
			}
		}
	}
	return "", false
}

// Varied are the factors with several levels, without those that are derived.
func (f *Frame) Varied() []Factor {
	n := 0
	for n < len(f.Factors) && len(f.Factors[n].Levels) > 1 && !f.Factors[n].Derived {
		n++
	}
	return f.Factors[:n]
}

// Derived are the names of the derived factors with several levels.
func (f *Frame) Derived() (names []string) {
	for _, x := range f.Factors {
		if x.Derived && len(x.Levels) > 1 {
			names = append(names, x.Name)
		}
	}
	return names
}

// Label names a row by its hyperparameters and its seed, in one line that is safe to print.
func (f *Frame) Label(r *Row) string { return results.Meta{Columns: f.columns}.Label(r.Point, r.Seed) }

// Point is an epoch of a trial's course.
type Point struct {
	Epoch  int
	Values map[string]float64 // finite
}

// Course returns the values of a trial by epoch: within the plan's budget or, of a trial that may not be compared, all. Values of
// another measure than that of the frame are left out.
func (f *Frame) Course(v *results.View, id string) ([]Point, error) {
	epochs, err := course(v, id)
	if err != nil {
		return nil, err
	}
	points := make([]Point, len(epochs))
	for i, e := range epochs {
		points[i] = Point{e.Epoch, finite(e.Metrics)}
		for name := range f.foreign[id] {
			delete(points[i].Values, name)
		}
	}
	return points, nil
}

// CourseOf is Course of one metric: the epochs that have a value of it, and the values.
func (f *Frame) CourseOf(v *results.View, id, metric string) (at []int, values []float64, err error) {
	epochs, err := course(v, id)
	if err != nil || f.foreign[id][metric] {
		return nil, nil, err
	}
	for _, e := range epochs {
		if x, measured := e.Metrics[metric]; measured && !math.IsNaN(x) && !math.IsInf(x, 0) {
			at, values = append(at, e.Epoch), append(values, x)
		}
	}
	return at, values, nil
}

func course(v *results.View, id string) ([]results.Epoch, error) {
	epochs, usable := v.Course(id)
	if epochs == nil {
		if _, found := v.State(id); !found {
			return nil, fmt.Errorf("trial %s was never begun", id)
		}
	}
	if usable > 0 {
		epochs = epochs[:usable]
	}
	return epochs, nil
}

// finite are the finite numbers of m.
func finite(m results.Metrics) map[string]float64 {
	values := make(map[string]float64, len(m))
	for name, x := range m {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			values[name] = x
		}
	}
	return values
}
