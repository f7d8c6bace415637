package frame

import (
	"cmp"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// factors are the hyperparameters with their levels in the rows.
func factors(columns []results.Column, rows []Row) []Factor {
	var varied, constant, derived []Factor
	for _, c := range columns {
		x := Factor{Name: c.Name, Kind: c.Kind, Derived: c.Derived}
		seen := map[any]bool{nil: true}
		for _, r := range rows {
			if level := r.Point[c.Name]; !seen[level] {
				seen[level] = true
				x.Levels = append(x.Levels, level)
			}
		}
		if c.Kind != spec.String {
			slices.SortStableFunc(x.Levels, func(a, b any) int { return cmp.Compare(Number(a), Number(b)) })
		}
		if n := len(x.Levels); n > 0 && (c.Kind == spec.Int || c.Kind == spec.Float) {
			low, high := Number(x.Levels[0]), Number(x.Levels[n-1])
			x.Log = low > 0 && high/low > 10*(1+1e-9)
		}
		switch {
		case x.Derived:
			derived = append(derived, x)
		case len(x.Levels) > 1:
			varied = append(varied, x)
		default:
			constant = append(constant, x)
		}
	}
	return slices.Concat(varied, constant, derived)
}

// Number is a level as a number: a truth value as 0 or 1, a text or none as NaN.
func Number(level any) float64 {
	switch x := level.(type) {
	case bool:
		if x {
			return 1
		}
		return 0
	case int64:
		return float64(x)
	case float64:
		return x
	}
	return math.NaN()
}

// Text is a level as people read it: in the notation of scripts, texts without quotes, safe to print.
func Text(level any) string {
	switch x := level.(type) {
	case string:
		return plain.Line(x)
	case bool:
		return spec.BoolValue(x).String()
	case int64:
		return spec.IntValue(x).String()
	case float64:
		return spec.FloatValue(x).String()
	}
	return "None"
}

// Group is rows that share the levels of some factors.
type Group struct {
	Levels []any // of the factors by which it is grouped; nil where one does not apply
	Rows   []Row
}

// Groups groups the rows by the columns named, usually factors: see Row.Cell. Groups are in the order of the levels of the first column,
// then of the second, and so on; rows to which a column does not apply come last.
func (f *Frame) Groups(by ...string) []Group {
	places := make([]map[any]int, len(by))
	for i, name := range by {
		places[i] = f.places(name)
	}
	var groups []Group
	at := map[string]int{}
	for _, r := range f.Rows {
		levels := make([]any, len(by))
		key := make([]byte, 0, 8*len(by))
		for i, name := range by {
			levels[i] = r.Cell(name)
			place := places[i][levels[i]]
			key = append(key, byte(place>>24), byte(place>>16), byte(place>>8), byte(place))
		}
		g, known := at[string(key)]
		if !known {
			g = len(groups)
			at[string(key)] = g
			groups = append(groups, Group{Levels: levels})
		}
		groups[g].Rows = append(groups[g].Rows, r)
	}
	slices.SortStableFunc(groups, func(a, b Group) int {
		for i := range by {
			if c := cmp.Compare(places[i][a.Levels[i]], places[i][b.Levels[i]]); c != 0 {
				return c
			}
		}
		return 0
	})
	return groups
}

// Levels are the values of a column in their order: those of a factor in the order of its levels, other numbers in ascending order, and
// texts in that of the rows. The last one is nil if the column does not apply to some row.
func (f *Frame) Levels(name string) (levels []any) {
	seen := map[any]bool{}
	numeric := true
	for i := range f.Rows {
		if level := f.Rows[i].Cell(name); !seen[level] {
			seen[level] = true
			if level != nil {
				levels = append(levels, level)
				numeric = numeric && !math.IsNaN(Number(level))
			}
		}
	}
	if x, isFactor := f.Factor(name); isFactor {
		levels = slices.DeleteFunc(slices.Clone(x.Levels), func(level any) bool { return !seen[level] })
	} else if numeric {
		slices.SortStableFunc(levels, func(a, b any) int { return cmp.Compare(Number(a), Number(b)) })
	}
	if seen[nil] {
		levels = append(levels, nil)
	}
	return levels
}

// places numbers the values of a column in their order.
func (f *Frame) places(name string) map[any]int {
	places := map[any]int{}
	for i, level := range f.Levels(name) {
		places[level] = i
	}
	return places
}

// Values are the values of a metric in a group, without the rows that have none.
func (g Group) Values(metric string) (values []float64) {
	for _, r := range g.Rows {
		if x, measured := r.Values[metric]; measured {
			values = append(values, x)
		}
	}
	return values
}

// Summary summarizes the values of a metric in a group.
func (g Group) Summary(metric string) Summary {
	s := Summarize(g.Values(metric))
	seeds := map[int64]bool{}
	for _, r := range g.Rows {
		if _, measured := r.Values[metric]; measured {
			seeds[r.Seed] = true
		}
	}
	s.Seeds = len(seeds)
	return s
}
