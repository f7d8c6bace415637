package compare

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/starsweep/starsweep/results"
)

// Number is the first difference of a trial: the row, by the order of the tables, and the column.
type Number struct {
	Trial  Trial         `json:"trial"`
	Table  results.Table `json:"table"`
	Epoch  int           `json:"epoch,omitempty"` // 0 in the trials table
	Row    string        `json:"row,omitempty"`   // what else distinguishes the row, such as the kind of a sample
	Column string        `json:"column,omitempty"`
	Got    string        `json:"got"`  // in B
	Want   string        `json:"want"` // in A
}

// Column is a column with differences.
type Column struct {
	Table   results.Table `json:"table"`
	Column  string        `json:"column"`
	Cells   int           `json:"cells"` // compared
	Differ  int           `json:"differ"`
	Largest Ratio         `json:"largest"` // relative difference of two numbers
	Trial   string        `json:"trial"`   // where it is
	Epoch   int           `json:"epoch,omitempty"`
}

// Ratio is |a-b| / max(|a|, |b|): at most 2, or infinite where one side is not a finite number.
type Ratio float64

// MarshalJSON writes infinity as a string, since JSON has no number for it.
func (r Ratio) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(r), 0) {
		return []byte(`"Infinity"`), nil
	}
	return json.Marshal(float64(r))
}

// comparison compares the rows of pairs of trials.
type comparison struct {
	a, b      *results.View
	tolerance float64
	fields    map[results.Table][]results.Field // compared
	firsts    []Number
	found     map[place]*Column
	order     []place
}

// place is a column of a table.
type place struct {
	table  results.Table
	column string
}

// elsewhere are columns that say where a row comes from: Properties compares the studies in them.
var elsewhere = []string{"trial", "study", "index", "configuration", "settings", "script", "version", "backend", "program"}

// tables are those that are compared. The pareto table follows from the epochs, as does the trials table, which is therefore the last.
func tables() []results.Table {
	others := slices.DeleteFunc(results.Tables(), func(t results.Table) bool { return t == results.Pareto || t == results.Trials })
	return append(others, results.Trials)
}

func newComparison(a, b *results.View, tolerance float64) *comparison {
	c := &comparison{a: a, b: b, tolerance: tolerance, fields: map[results.Table][]results.Field{}, firsts: []Number{},
		found: map[place]*Column{}}
	for _, t := range tables() {
		both := slices.Clone(a.Fields(t))
		for _, f := range b.Fields(t) {
			if !slices.ContainsFunc(both, func(g results.Field) bool { return g.Name == f.Name }) {
				both = append(both, f)
			}
		}
		c.fields[t] = slices.DeleteFunc(both, func(f results.Field) bool { return f.Timing || slices.Contains(elsewhere, f.Name) })
		for _, f := range c.fields[t] {
			c.order = append(c.order, place{t, f.Name})
		}
	}
	return c
}

// trials compares the rows of a pair, table by table.
func (c *comparison) trials(p pair) error {
	var first *Number
	for _, t := range tables() {
		got, err := rowsOf(c.b, t, p.b.ID)
		if err != nil {
			return err
		}
		want, err := rowsOf(c.a, t, p.a.ID)
		if err != nil {
			return err
		}
		if n := c.rows(t, p, got, want); first == nil {
			first = n
		}
	}
	if first != nil {
		first.Trial = Trial{p.a.ID, p.label}
		c.firsts = append(c.firsts, *first)
	}
	return nil
}

// rows compares the rows of a table of one trial, and returns the first difference.
func (c *comparison) rows(t results.Table, p pair, got, want map[key]results.Row) (first *Number) {
	keys := slices.Collect(maps.Keys(want))
	for k := range got {
		if _, both := want[k]; !both {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, key.compare)
	note := func(k key, column, got, want string) {
		if first == nil {
			first = &Number{Table: t, Epoch: k.epoch, Row: k.rest, Column: column, Got: got, Want: want}
		}
	}
	for _, k := range keys {
		g, w := got[k], want[k]
		if g == nil || w == nil {
			note(k, "", presence(g), presence(w))
			continue
		}
		for _, f := range c.fields[t] {
			if c.cell(place{t, f.Name}, p.a.ID, k.epoch, g[f.Name], w[f.Name]) {
				note(k, f.Name, text(g[f.Name]), text(w[f.Name]))
			}
		}
	}
	return first
}

func presence(row results.Row) string {
	if row == nil {
		return "no row"
	}
	return "a row"
}

// cell compares two cells and reports whether they differ.
func (c *comparison) cell(at place, trial string, epoch int, got, want any) bool {
	col := c.found[at]
	if col == nil {
		col = &Column{Table: at.table, Column: at.column}
		c.found[at] = col
	}
	col.Cells++
	ratio := difference(got, want)
	if float64(ratio) <= c.tolerance {
		return false
	}
	col.Differ++
	if ratio > col.Largest {
		col.Largest, col.Trial, col.Epoch = ratio, trial, epoch
	}
	return true
}

// columns are those with differences, the largest first.
func (c *comparison) columns() []Column {
	list := []Column{}
	for _, at := range c.order {
		if col := c.found[at]; col != nil && col.Differ > 0 {
			list = append(list, *col)
		}
	}
	slices.SortStableFunc(list, func(a, b Column) int { return cmp.Compare(b.Largest, a.Largest) })
	return list
}

// difference is the relative difference of two cells: 0 if they are equal, infinite if they are not two finite numbers.
func difference(a, b any) Ratio {
	x, isX := number(a)
	y, isY := number(b)
	switch {
	case !isX || !isY:
		if same(a, b) {
			return 0
		}
	case x == y, math.IsNaN(x) && math.IsNaN(y):
		return 0
	default:
		if r := math.Abs(x-y) / max(math.Abs(x), math.Abs(y)); !math.IsNaN(r) {
			return Ratio(r)
		}
	}
	return Ratio(math.Inf(1))
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case int32:
		return float64(v), true
	}
	return 0, false
}

func same(a, b any) bool {
	switch x := a.(type) {
	case []byte:
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	return a == b
}

// text is a cell for people, with all digits of a number.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return fmt.Sprintf("%d other bytes", len(v))
	}
	return fmt.Sprint(v)
}

// key is the place of a row in a trial.
type key struct {
	epoch int
	rest  string
}

func (k key) compare(l key) int {
	return cmp.Or(cmp.Compare(k.epoch, l.epoch), cmp.Compare(k.rest, l.rest))
}

// rowsOf are the rows of a trial by their places.
func rowsOf(v *results.View, t results.Table, trial string) (map[key]results.Row, error) {
	rows := map[key]results.Row{}
	for row, err := range v.RowsOf(t, trial) {
		if err != nil {
			return nil, err
		}
		var k key
		if epoch, placed := row["epoch"].(int32); placed {
			k.epoch = int(epoch)
		}
		if t != results.Epochs && t != results.Trials { // several rows an epoch
			kind, _ := row["kind"].(string)
			measure, _ := row["measure"].(string)
			k.rest = kind + measure
		}
		if rows[k] != nil {
			return nil, fmt.Errorf("%s: table %s, trial %s, epoch %d: %w", v.Dir(), t, trial, k.epoch, errColumns)
		}
		rows[k] = row
	}
	return rows, nil
}
