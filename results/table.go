package results

import "slices"

// Table is one of the tables of a study, and the name of the folder that holds its segments.
type Table string

const (
	Trials  Table = "trials"  // one row a finished trial
	Epochs  Table = "epochs"  // one row a trial and epoch
	Samples Table = "samples" // one row a sample sheet
	// Measurements has a row for each trial and epoch whose kept weights were evaluated by another measure.
	Measurements Table = "measurements"
	Pareto       Table = "pareto" // one row a point of a front; computed from the epochs, see View.Pareto
)

// Tables returns all tables.
func Tables() []Table { return append(recorded(), Pareto) }

// recorded are the tables whose rows the journal has.
func recorded() []Table { return []Table{Trials, Epochs, Samples, Measurements} }

// Field is a column of a table.
type Field struct {
	Name     string
	Type     Type
	Nullable bool
	Timing   bool   // it may differ between equal runs: times, speeds, the device
	Origin   bool   // it says which trial a row is of, or who made it and how, not what came out
	Doc      string // its meaning; empty where the name says it
}

// Type is the type of a field's values. The comments are their Go types in a Row.
type Type string

const (
	TypeBool   Type = "bool"   // bool
	TypeInt32  Type = "int32"  // int32
	TypeInt64  Type = "int64"  // int64
	TypeFloat  Type = "float"  // float64
	TypeString Type = "string" // string
	TypeTime   Type = "time"   // time.Time, UTC, in whole milliseconds
	TypeBytes  Type = "bytes"  // []byte
)

// Row is a row of a table: a value for each field, nil for null.
type Row map[string]any

// Reserved returns the names that every study has in some table, sorted. Hyperparameters and metrics must not have them.
func Reserved() []string {
	var names []string
	for _, t := range Tables() {
		for _, f := range (Meta{}).Fields(t) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Fields returns the columns of a table in order.
func (m Meta) Fields(t Table) (fields []Field) {
	for _, c := range m.layout(t) {
		fields = append(fields, c.Field)
	}
	return fields
}
