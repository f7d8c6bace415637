package results

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"reflect"
	"slices"
)

// CompareOptions say which trials Compare compares, and how closely.
type CompareOptions struct {
	Tolerance
	Trials []string           // IDs in the first study; nil: all
	Same   func(Trial) string // trials with equal texts are compared; nil: SameConfiguration

	Each func(CellDifference) // is told of every difference, of which there may be many; nil: they are collected
}

// Tolerance is how far numbers may be apart to count as equal: by Absolute, and Relative times the larger one. The zero value wants
// them equal bit for bit, but any NaN equals any other.
type Tolerance struct{ Relative, Absolute float64 }

// Agreement is what Compare found.
type Agreement struct {
	Trials, Rows, Cells int              // that both studies have and that were compared
	Different           []CellDifference // trial by trial, unless Each took them
	OnlyA, OnlyB        []RowKey         // what the other study lacks: trials, and rows of trials that both have
}

// RowKey identifies a row of a table, or a trial.
type RowKey struct {
	Table Table
	Trial Trial  // in the first study, if it has it
	Epoch int    // 0 in the trials table
	Kind  string // of a sample; the measure of a measurement
}

// CellDifference is a value that differs. A and B are values of a Row, nil for null.
type CellDifference struct {
	RowKey
	Column string
	A, B   any
}

// SameConfiguration is the text of a trial for comparing trials of one configuration and seed, whose numbers must be equal.
func SameConfiguration(t Trial) string { return fmt.Sprint(t.Configuration, " ", t.Seed) }

// SamePoint returns the text of a trial for comparing trials of equal hyperparameters, those of m, and seeds, in studies that may
// differ in everything else.
func SamePoint(m Meta) func(Trial) string {
	return func(t Trial) string { return m.Label(t.Point, t.Seed) }
}

// Compare compares the results of two studies, trial by trial and row by row, in the columns that both have. It leaves out timings, the
// columns that identify a trial and those that say where a row comes from. Where a study has several trials of one text, that of the
// newest plan is compared or, among several of these, the last.
func Compare(a, b *View, o CompareOptions) (Agreement, error) {
	if o.Same == nil {
		o.Same = SameConfiguration
	}
	left, right := byText(a, o.Same), byText(b, o.Same)
	c := comparing{tolerance: o.Tolerance, each: o.Each}
	if c.each == nil {
		c.each = func(d CellDifference) { c.Different = append(c.Different, d) }
	}
	for _, t := range recorded() {
		c.tables = append(c.tables, tablePair{t, comparedColumns(a, b, t), a.RowsByTrial(t), b.RowsByTrial(t)})
	}
	for _, s := range a.Trials() {
		text := o.Same(s.Trial)
		if left[text].ID != s.ID || o.Trials != nil && !slices.Contains(o.Trials, s.ID) {
			continue
		}
		partner, both := right[text]
		if !both {
			c.OnlyA = append(c.OnlyA, RowKey{Table: Trials, Trial: s.Trial})
			continue
		}
		c.Trials++
		if err := c.trial(s.Trial, partner); err != nil {
			return Agreement{}, err
		}
	}
	for _, s := range b.Trials() {
		text := o.Same(s.Trial)
		if _, both := left[text]; !both && right[text].ID == s.ID && o.Trials == nil {
			c.OnlyB = append(c.OnlyB, RowKey{Table: Trials, Trial: s.Trial})
		}
	}
	return c.Agreement, nil
}

// byText returns the trial of each text.
func byText(v *View, text func(Trial) string) map[string]Trial {
	chosen, inPlan := map[string]Trial{}, map[string]bool{}
	for _, s := range v.Trials() {
		if key := text(s.Trial); s.InPlan || !inPlan[key] {
			chosen[key], inPlan[key] = s.Trial, s.InPlan
		}
	}
	return chosen
}

// comparedColumns returns the columns of a table that hold results, and that both studies have.
func comparedColumns(a, b *View, t Table) (names []string) {
	there := map[string]Type{}
	for _, f := range b.Fields(t) {
		there[f.Name] = f.Type
	}
	for _, f := range a.Fields(t) {
		if !f.Timing && !f.Origin && there[f.Name] == f.Type {
			names = append(names, f.Name)
		}
	}
	return names
}

// RowsByTrial returns a function that yields the rows which a table has of a trial, as they are recorded now. Not for Pareto.
func (v *View) RowsByTrial(t Table) func(id string) iter.Seq2[Row, error] {
	v.mu.Lock()
	defer v.mu.Unlock()
	rows := map[string][]*row{}
	for _, r := range v.fold.rows(t) {
		rows[r.trial.id] = append(rows[r.trial.id], r)
	}
	return func(id string) iter.Seq2[Row, error] { return v.readRows(t, rows[id]) }
}

// comparing is a comparison under way.
type comparing struct {
	Agreement
	tolerance Tolerance
	each      func(CellDifference)
	tables    []tablePair
}

// tablePair is a table of two studies.
type tablePair struct {
	table   Table
	columns []string
	a, b    func(id string) iter.Seq2[Row, error]
}

// trial compares the rows of two trials, one of each study.
func (c *comparing) trial(a, b Trial) error {
	for _, t := range c.tables {
		left, err := keyed(t.table, a, t.a(a.ID))
		if err != nil {
			return err
		}
		right, err := keyed(t.table, a, t.b(b.ID))
		if err != nil {
			return err
		}
		for _, x := range left {
			i, both := slices.BinarySearchFunc(right, x, keyedRow.compare)
			if !both {
				c.OnlyA = append(c.OnlyA, x.key)
				continue
			}
			c.row(t.columns, x, right[i].row)
		}
		for _, x := range right {
			if _, both := slices.BinarySearchFunc(left, x, keyedRow.compare); !both {
				c.OnlyB = append(c.OnlyB, x.key)
			}
		}
	}
	return nil
}

// row compares two rows of equal keys.
func (c *comparing) row(columns []string, a keyedRow, b Row) {
	c.Rows++
	for _, name := range columns {
		c.Cells++
		if !c.tolerance.equal(a.row[name], b[name]) {
			c.each(CellDifference{a.key, name, a.row[name], b[name]})
		}
	}
}

// keyedRow is a row of a trial.
type keyedRow struct {
	key RowKey
	row Row
}

func (r keyedRow) compare(other keyedRow) int {
	return cmp.Or(cmp.Compare(r.key.Epoch, other.key.Epoch), cmp.Compare(r.key.Kind, other.key.Kind))
}

// keyed reads the rows of a trial in order. Their keys name the trial t.
func keyed(table Table, t Trial, rows iter.Seq2[Row, error]) (list []keyedRow, err error) {
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		key := RowKey{Table: table, Trial: t}
		if epoch, ok := row["epoch"].(int32); ok {
			key.Epoch = int(epoch)
		}
		if key.Kind, _ = row["kind"].(string); table == Measurements {
			key.Kind, _ = row["measure"].(string)
		}
		list = append(list, keyedRow{key, row})
	}
	slices.SortFunc(list, keyedRow.compare)
	return list, nil
}

// equal reports whether two cells are equal.
func (t Tolerance) equal(a, b any) bool {
	x, isFloat := a.(float64)
	y, areFloats := b.(float64)
	if !isFloat || !areFloats {
		return reflect.DeepEqual(a, b)
	}
	if math.IsNaN(x) || math.IsNaN(y) || math.IsInf(x, 0) || math.IsInf(y, 0) || t == (Tolerance{}) {
		return math.Float64bits(x) == math.Float64bits(y) || math.IsNaN(x) && math.IsNaN(y)
	}
	return math.Abs(x-y) <= t.Absolute+t.Relative*max(math.Abs(x), math.Abs(y))
}
