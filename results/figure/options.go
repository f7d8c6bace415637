package figure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
)

// Options say what a figure shows. What is empty has the default of its kind.
type Options struct {
	X, Y  string            // columns of the frame: factors or metrics, as the kind takes them
	By    string            // the column whose levels have colours
	Panel string            // the column that has a plot for each level
	Each  string            // of curves: what has a line, "configuration" or "level"
	Names map[string]string // what to write for names of columns and for levels
	Small bool              // a plot alone is as small as one of several

	Trials []string // of sheets: IDs
}

// OptionError is an error in Options.
type OptionError struct{ Option, Text string }

func (e *OptionError) Error() string { return e.Option + ": " + e.Text }

func wrong(option, format string, args ...any) error {
	return &OptionError{option, fmt.Sprintf(format, args...)}
}

// refuse is an error if an option is given that a kind does not take.
func (o Options) refuse(why string, options ...string) error {
	given := map[string]string{"x": o.X, "by": o.By, "panel": o.Panel}
	for _, option := range options {
		if given[option] != "" {
			return wrong(option, "got %q, want none: %s", given[option], why)
		}
	}
	return nil
}

// name is what to write for a column or a level.
func (o Options) name(s string) string {
	if other, given := o.Names[s]; given {
		s = other
	}
	return plain.Line(s)
}

// The most levels that a factor may have with a mark, a place on an axis or a plot of its own. Numbers with more are put into ranges.
const (
	mostMarks  = 8
	mostPlaces = 24
	mostPanels = 6
	ranges     = 6
)

// level is a value of a column, or a range of them.
type level struct {
	text string
	has  func(value any) bool
}

// scale is the levels of a column in their order.
type scale struct {
	column  string // empty for none: one level that has all rows
	levels  []level
	ordered bool // numbers
	ranged  bool // the levels are ranges
}

// place returns the place of a row among the levels, -1 for none.
func (s scale) place(r *frame.Row) int {
	value := r.Cell(s.column)
	return slices.IndexFunc(s.levels, func(l level) bool { return l.has(value) })
}

// split divides rows by their levels. Those of none are left out.
func (s scale) split(rows []frame.Row) [][]frame.Row {
	parts := make([][]frame.Row, len(s.levels))
	if s.column == "" {
		parts[0] = rows
		return parts
	}
	places, counts := make([]int, len(rows)), make([]int, len(parts))
	for i := range rows {
		if places[i] = s.place(&rows[i]); places[i] >= 0 {
			counts[places[i]]++
		}
	}
	for i, n := range counts {
		parts[i] = make([]frame.Row, 0, n)
	}
	for i, at := range places {
		if at >= 0 {
			parts[at] = append(parts[at], rows[i])
		}
	}
	return parts
}

// texts are the labels of the levels.
func (s scale) texts() (list []string) {
	for _, l := range s.levels {
		list = append(list, l.text)
	}
	return list
}

// scale returns the levels of a column in a frame.
func (o Options) scale(f *frame.Frame, option, column string, most int) (scale, error) {
	if column == "" {
		return scale{levels: []level{{text: "all", has: func(any) bool { return true }}}}, nil
	}
	if err := o.known(f, option, column); err != nil {
		return scale{}, err
	}
	s := scale{column: column, ordered: true}
	values := f.Levels(column)
	for _, v := range values {
		if _, isBool := v.(bool); isBool || v != nil && math.IsNaN(frame.Number(v)) {
			s.ordered = false
		}
	}
	if len(values) <= most {
		for _, v := range values {
			text := frame.Text(v)
			if x := frame.Number(v); v != nil && s.ordered {
				text = number(x)
			}
			s.levels = append(s.levels, level{o.name(text), func(other any) bool { return other == v }})
		}
		return s, nil
	}
	if !s.ordered {
		return scale{}, wrong(option, "%s has %d levels, want at most %d: leave some out with a condition", column, len(values), most)
	}
	s.ranged = true
	s.levels = inRanges(values)
	return s, nil
}

// known checks the name of a column.
func (o Options) known(f *frame.Frame, option, column string) error {
	columns := []string{"seed", "status"}
	for _, x := range slices.Backward(f.Factors) {
		columns = slices.Insert(columns, 0, x.Name)
	}
	columns = append(columns, f.Metrics...)
	if !slices.Contains(columns, column) {
		return wrong(option, "got %q, want a column of the trials: %s", column, strings.Join(columns, ", "))
	}
	return nil
}

// inRanges divides numbers into ranges of equal width, on a logarithmic scale if they are positive and span more than a decade.
func inRanges(values []any) (levels []level) {
	var numbers []float64
	missing := false
	for _, v := range values {
		if v == nil {
			missing = true
			continue
		}
		numbers = append(numbers, frame.Number(v))
	}
	low, high := edges(numbers)
	log := low > 0 && high > 10*low
	edge := func(i int) float64 {
		part := float64(i) / ranges
		if log {
			return low * math.Pow(high/low, part)
		}
		return low + (high-low)*part
	}
	for i := range ranges {
		from, to := edge(i), edge(i+1)
		last := i == ranges-1
		has := func(v any) bool {
			x := frame.Number(v)
			return x >= from && (x < to || last)
		}
		if slices.ContainsFunc(values, has) {
			levels = append(levels, level{number(roundTo(from, 2)) + "–" + number(roundTo(to, 2)), has})
		}
	}
	if missing {
		levels = append(levels, level{"None", func(v any) bool { return v == nil }})
	}
	return levels
}

// metric returns the metric that an option names or, by default, the first objective or metric.
func (o Options) metric(f *frame.Frame, option, name string) (string, error) {
	switch {
	case len(f.Rows) == 0:
		return "", fmt.Errorf("no trials: the condition leaves none, or none was begun")
	case len(f.Metrics) == 0:
		return "", fmt.Errorf("no values: none of %d trials has measured a metric that can be compared", len(f.Rows))
	case name != "" && !slices.Contains(f.Metrics, name):
		return "", wrong(option, "got %q, want a metric that was measured: %s", name, strings.Join(f.Metrics, ", "))
	case name != "":
		return name, nil
	}
	for _, x := range f.Objectives {
		if slices.Contains(f.Metrics, x.Metric) {
			return x.Metric, nil
		}
	}
	return f.Metrics[0], nil
}

// factor returns the factor that an option names or, by default, the first one with several levels, which it is an error to lack.
func (o Options) factor(f *frame.Frame, option, name string) (string, error) {
	if name != "" {
		return name, o.known(f, option, name)
	}
	if varied := f.Varied(); len(varied) > 0 {
		return varied[0].Name, nil
	}
	return "", wrong(option, "no hyperparameter has several levels in these trials: name a column")
}
