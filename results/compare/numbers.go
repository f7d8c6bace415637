package compare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/starsweep/starsweep/results"
)

// Number is the first difference of a trial, by table, epoch and column.
type Number struct {
	Trial  Trial         `json:"trial"`
	Table  results.Table `json:"table"`
	Epoch  int           `json:"epoch,omitempty"`  // 0 in the trials table
	Kind   string        `json:"kind,omitempty"`   // of a sample; the measure of a measurement
	Column string        `json:"column,omitempty"` // empty where one side lacks the row
	Got    string        `json:"got"`              // in B
	Want   string        `json:"want"`             // in A
}

// Column is a column with differences.
type Column struct {
	Table   results.Table `json:"table"`
	Column  string        `json:"column"`
	Differ  int           `json:"differ"`  // number of cells
	Largest Ratio         `json:"largest"` // relative difference
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

// difference is the relative difference of two cells that differ: infinite if they are not two finite numbers, 0 for zeros of two signs.
func difference(a, b any) Ratio {
	x, isX := number(a)
	y, isY := number(b)
	if isX && isY {
		if x == y {
			return 0
		}
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

// comparison gathers the differences of numbers.
type comparison struct {
	label   func(results.Trial) string
	firsts  map[string]*Number // by trial
	columns map[place]*Column
}

// place is a column of a table.
type place struct {
	table  results.Table
	column string
}

// numbers compares the trials and their rows.
func (r *Result) numbers(a, b *results.View, o Options) error {
	same := results.SameConfiguration
	if o.ByPoint {
		same = results.SamePoint(a.Meta())
	}
	c := comparison{label: func(t results.Trial) string { return a.Meta().Label(t.Point, t.Seed) }, firsts: map[string]*Number{},
		columns: map[place]*Column{}}
	tolerance := results.Tolerance{Relative: o.Tolerance}
	agreement, err := results.Compare(a, b, results.CompareOptions{Tolerance: tolerance, Same: same, Each: c.cell})
	if err != nil {
		return err
	}
	r.Trials, r.Cells = agreement.Trials, agreement.Cells
	inA, inB := texts(a, same), texts(b, same)
	for _, k := range agreement.OnlyA {
		if k.Table == results.Trials && !inB[same(k.Trial)] {
			r.OnlyA = append(r.OnlyA, Trial{k.Trial.ID, c.label(k.Trial)})
		} else {
			c.note(k, "", "no row", "a row")
		}
	}
	for _, k := range agreement.OnlyB {
		if k.Table == results.Trials && !inA[same(k.Trial)] {
			r.OnlyB = append(r.OnlyB, Trial{k.Trial.ID, b.Meta().Label(k.Trial.Point, k.Trial.Seed)})
		} else {
			c.note(k, "", "a row", "no row")
		}
	}
	r.Numbers, r.Columns = c.list(a), c.largest()
	return nil
}

// texts are those of all trials of a study.
func texts(v *results.View, same func(results.Trial) string) map[string]bool {
	all := map[string]bool{}
	for _, t := range v.Trials() {
		all[same(t.Trial)] = true
	}
	return all
}

// cell notes a cell that differs.
func (c *comparison) cell(d results.CellDifference) {
	c.note(d.RowKey, d.Column, text(d.B), text(d.A))
	at := place{d.Table, d.Column}
	column := c.columns[at]
	if column == nil {
		column = &Column{Table: d.Table, Column: d.Column, Largest: -1}
		c.columns[at] = column
	}
	column.Differ++
	if ratio := difference(d.A, d.B); ratio > column.Largest {
		column.Largest, column.Trial, column.Epoch = ratio, d.Trial.ID, d.Epoch
	}
}

// note notes a difference of a trial unless an earlier one is known. Of one row, the first that it is told of counts.
func (c *comparison) note(k results.RowKey, column, got, want string) {
	n := &Number{Trial{k.Trial.ID, c.label(k.Trial)}, k.Table, k.Epoch, k.Kind, column, got, want}
	if old := c.firsts[k.Trial.ID]; old == nil || n.before(old) {
		c.firsts[k.Trial.ID] = n
	}
}

// order is the one in which tables are looked at: what the trials table says follows from the epochs.
var order = []results.Table{results.Epochs, results.Samples, results.Measurements, results.Trials}

func (n *Number) before(m *Number) bool {
	return cmp.Or(cmp.Compare(slices.Index(order, n.Table), slices.Index(order, m.Table)), cmp.Compare(n.Epoch, m.Epoch),
		cmp.Compare(n.Kind, m.Kind)) < 0
}

// list are the first differences, in the order of the trials of a.
func (c *comparison) list(a *results.View) []Number {
	list := []Number{}
	for _, t := range a.Trials() {
		if n := c.firsts[t.ID]; n != nil {
			list = append(list, *n)
		}
	}
	return list
}

// largest are the columns with differences, the largest first.
func (c *comparison) largest() []Column {
	list := []Column{}
	for _, column := range c.columns {
		list = append(list, *column)
	}
	slices.SortFunc(list, func(a, b Column) int {
		return cmp.Or(cmp.Compare(b.Largest, a.Largest), cmp.Compare(slices.Index(order, a.Table), slices.Index(order, b.Table)),
			cmp.Compare(a.Column, b.Column))
	})
	return list
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
