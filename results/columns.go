package results

import (
	"image"
	"slices"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
)

// column declares a column of a table, once: its name, its type, what docs/tables.md says of it, how its value follows from what the
// journal records, and how that follows from the value, for Create to recover rows that only a table still has. Fields, rows, reserved
// names and the document derive from the lists of declarations, which lie beside the types of the entries: trials.go, epochs.go,
// samples.go, measurements.go, pareto_columns.go.
type column struct {
	Field
	value func(*record) any
	back  func(*record, any)    // the inverse; nil where other columns imply the value
	each  func(m Meta) []column // the columns that a study has in the place of this one, which then only documents them
}

// record is what a row shows. A table's columns use some of its fields.
type record struct {
	Study       string
	Trial       Trial
	Total       summary // of the trial's epochs
	Outcome     Outcome
	Epoch       Epoch
	Sample      Sample
	Picture     image.Config // the size of the sample
	Measurement Measurement
	Standing    standing
}

// stored declares a column of a number or text that the journal has.
func stored[T any](name string, at func(*record) *T, doc string) column {
	return column{
		Field: Field{Name: name, Type: typeOf(new(T)), Doc: doc},
		value: func(r *record) any { return cellOf(at(r)) },
		back:  func(r *record, cell any) { setCell(at(r), cell) },
	}
}

// computed declares a column that follows from others. The type of the values is that of a Row.
func computed[T any](name string, value func(*record) T, doc string) column {
	return column{Field: Field{Name: name, Type: typeOf(new(T)), Doc: doc}, value: func(r *record) any { return value(r) }}
}

// family declares the columns that a study decides, which documents describe in one line, under a pattern of their names.
func family(pattern string, typ Type, doc string, each func(Meta) []column) column {
	return column{Field: Field{Name: pattern, Type: typ, Doc: doc}, each: each}
}

// alsoNamed documents other columns of the family before it.
func alsoNamed(pattern string, typ Type, doc string) column {
	return family(pattern, typ, doc, func(Meta) []column { return nil })
}

// nullWhere makes a column nullable: it is null where the condition holds.
func (c column) nullWhere(condition func(*record) bool) column {
	value := c.value
	c.Nullable = true
	c.value = func(r *record) any {
		if condition(r) {
			return nil
		}
		return value(r)
	}
	return c
}

// timing marks a column that differs between runs which are equal.
func (c column) timing() column {
	c.Timing = true
	return c
}

// origin marks a column that says where a row comes from.
func (c column) origin() column {
	c.Origin = true
	return c
}

// typeOf is the type of the column for values of a Go type.
func typeOf(p any) Type {
	switch p.(type) {
	case *bool:
		return TypeBool
	case *int, *int32:
		return TypeInt32
	case *int64:
		return TypeInt64
	case *float64:
		return TypeFloat
	case *string, *Status, *Failure, *Scope:
		return TypeString
	case *time.Time:
		return TypeTime
	case *[]byte:
		return TypeBytes
	}
	panic("no type of column has such values") // in a declaration, which every test evaluates
}

// cellOf is a value of an entry as a Row has it.
func cellOf(p any) any {
	switch p := p.(type) {
	case *bool:
		return *p
	case *int:
		return int32(*p)
	case *int64:
		return *p
	case *float64:
		return *p
	case *string:
		return *p
	case *Status:
		return string(*p)
	case *Failure:
		return string(*p)
	case *Scope:
		return string(*p)
	case *time.Time:
		return *p
	case *[]byte:
		return *p
	}
	return nil
}

// setCell is the inverse of cellOf, with null as the zero value.
func setCell(p, cell any) {
	switch p := p.(type) {
	case *bool:
		*p, _ = cell.(bool)
	case *int:
		n, _ := cell.(int32)
		*p = int(n)
	case *int64:
		*p, _ = cell.(int64)
	case *float64:
		*p, _ = cell.(float64)
	case *string:
		*p, _ = cell.(string)
	case *Status:
		s, _ := cell.(string)
		*p = Status(s)
	case *Failure:
		s, _ := cell.(string)
		*p = Failure(s)
	case *Scope:
		s, _ := cell.(string)
		*p = Scope(s)
	case *time.Time:
		*p, _ = cell.(time.Time)
	case *[]byte:
		*p, _ = cell.([]byte)
	}
}

// shared are the columns with which every table begins. The pareto table begins with its scope, and has no trial where it joins several.
var shared = []column{
	stored("trial", func(r *record) *string { return &r.Trial.ID },
		"ID of the trial: its configuration and its seed").origin(),
	stored("configuration", func(r *record) *string { return &r.Trial.Configuration },
		"ID of everything that determines the numbers of a trial, except its seed and its budget of epochs").origin(),
	stored("study", func(r *record) *string { return &r.Study }, "name of the study").origin(),
	stored("index", func(r *record) *int { return &r.Trial.Index }, "position of the trial in the plan when it began").origin(),
	family("*hyperparameters*", "", "as named in the script", func(m Meta) (list []column) {
		for _, c := range m.Columns {
			list = append(list, column{
				Field: Field{Name: c.Name, Type: columnTypes[c.Kind], Nullable: c.Optional, Origin: true},
				value: func(r *record) any { return r.Trial.Point[c.Name] },
				back:  func(r *record, cell any) { r.Trial.Point[c.Name] = cell },
			})
		}
		return list
	}),
	stored("seed", func(r *record) *int64 { return &r.Trial.Seed }, "").origin(),
	computed("train_digest", func(r *record) string { return spec.Short(r.Trial.Train) },
		"content of the training images: the first 16 digits of the SHA-256 that `starsweep data show` prints").origin(),
	computed("test_digest", func(r *record) string { return spec.Short(r.Trial.Test) },
		"content of the test split; null if the trial does not read it").
		nullWhere(func(r *record) bool { return r.Trial.Test == "" }).origin(),
}

var columnTypes = map[spec.Kind]Type{spec.Bool: TypeBool, spec.Int: TypeInt64, spec.Float: TypeFloat, spec.String: TypeString}

// measuredBy declares the columns that say what the metrics of a row were measured on. They are null where none were.
func measuredBy(evaluated func(*record) *bool) []column {
	measure := computed("measure", func(r *record) string { return r.Trial.Measure.String() },
		"what the metrics and tests of this row compare; see [Comparable values](#comparable-values)").
		nullWhere(func(r *record) bool { return !*evaluated(r) || r.Trial.Measure.String() == "" })
	measure.back = func(r *record, cell any) { *evaluated(r) = cell != nil }
	unsampled := func(r *record) bool { return !*evaluated(r) || r.Trial.Measure.Samples == 0 }
	return []column{
		measure,
		computed("samples", func(r *record) int32 { return int32(r.Trial.Measure.Samples) },
			"number of generated images, and of real images, compared").nullWhere(unsampled),
		computed("extractor", func(r *record) string { return r.Trial.Measure.Features },
			"name and digest of the features, such as `small-mnist:c6674cf9e653d95b`").nullWhere(unsampled),
	}
}

// numbers are the columns of the study's metrics, whose values a map may lack.
func numbers(values func(*record) Metrics) func(Meta) []column {
	return func(m Meta) (list []column) {
		for _, name := range m.Metrics {
			list = append(list, column{
				Field: Field{Name: name, Type: TypeFloat, Nullable: true},
				value: func(r *record) any {
					if v, measured := values(r)[name]; measured {
						return v
					}
					return nil
				},
				back: func(r *record, cell any) {
					if v, measured := cell.(float64); measured {
						values(r)[name] = v
					}
				},
			})
		}
		return list
	}
}

// layout are the columns of a table of one study, in order.
type layout []column

// layout returns the columns of a table.
func (m Meta) layout(t Table) (l layout) {
	for _, c := range declarations[t] {
		if c.each != nil {
			l = append(l, c.each(m)...)
		} else {
			l = append(l, c)
		}
	}
	return l
}

// declarations are the columns of the tables.
var declarations = map[Table][]column{
	Trials:       slices.Concat(shared, trialColumns),
	Epochs:       slices.Concat(shared, epochColumns),
	Samples:      slices.Concat(shared, sampleColumns),
	Measurements: slices.Concat(shared, measurementColumns),
	Pareto:       paretoColumns,
}

// row returns the row of a record.
func (l layout) row(r *record) Row {
	row := make(Row, len(l))
	for _, c := range l {
		row[c.Name] = c.value(r)
	}
	return row
}

// record is the inverse of row, as far as the columns tell.
func (l layout) record(row Row) *record {
	r := &record{Trial: Trial{Point: Values{}}, Total: newSummary(), Epoch: Epoch{Metrics: Metrics{}},
		Measurement: Measurement{Metrics: Metrics{}}}
	for _, c := range l {
		if c.back != nil {
			c.back(r, row[c.Name])
		}
	}
	return r
}
