package results

import (
	"bytes"
	"fmt"
	"image/png"
	"slices"

	"github.com/starsweep/starsweep/engine/spec"
)

// Table is one of the tables of a study, and the name of the folder that holds its segments.
type Table string

const (
	Trials  Table = "trials"  // one row a finished trial
	Epochs  Table = "epochs"  // one row a trial and epoch
	Samples Table = "samples" // one row a sample sheet
	Pareto  Table = "pareto"  // one row a point of a front; computed from the epochs, see View.Pareto
)

// Tables returns all tables.
func Tables() []Table { return append(recorded(), Pareto) }

// recorded are the tables whose rows the journal has.
func recorded() []Table { return []Table{Trials, Epochs, Samples} }

// Field is a column of a table.
type Field struct {
	Name     string
	Type     Type
	Nullable bool
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

// Every table begins with the identity of the trial, followed by its hyperparameters and the lists below, with the metrics where
// Fields inserts them. The pareto table begins with its scope, and has no trial where it joins several.
var (
	identity = []Field{{"trial", TypeString, false}, {"configuration", TypeString, false}, {"study", TypeString, false},
		{"index", TypeInt32, false}}
	origin = []Field{{"seed", TypeInt64, false}, {"train_digest", TypeString, false}, {"test_digest", TypeString, true}}

	trialOutcome = []Field{
		{"status", TypeString, false},
		{"reason", TypeString, false},
		{"epochs", TypeInt32, false},
		{"epochs_planned", TypeInt32, false},
		{"steps", TypeInt64, false},
		{"parameters", TypeInt64, false},
		{"images", TypeInt64, false},
	}
	trialOrigin = []Field{
		{"seconds_train", TypeFloat, false},
		{"seconds_evaluate", TypeFloat, false},
		{"seconds_compile", TypeFloat, false},
		{"images_per_second", TypeFloat, false}, // while training
		{"compilations", TypeInt32, false},
		{"program", TypeString, false},
		{"settings", TypeString, false}, // JSON
		{"script", TypeString, false},
		{"version", TypeString, false},
		{"backend", TypeString, false},
		{"device", TypeString, false},
		{"started", TypeTime, false},
	}
	epochPosition = []Field{{"epoch", TypeInt32, false}, {"step", TypeInt64, false}, {"images", TypeInt64, false}}
	measurement   = []Field{{"measure", TypeString, true}, {"samples", TypeInt32, true}, {"extractor", TypeString, true}}
	epochTimes    = []Field{
		{"backend", TypeString, false},
		{"seconds_train", TypeFloat, false},
		{"seconds_evaluate", TypeFloat, false},
		{"images_per_second", TypeFloat, false}, // while training
	}
	samplePicture = []Field{
		{"epoch", TypeInt32, false},
		{"kind", TypeString, false},
		// Not width and height, which are natural names of hyperparameters.
		{"image_width", TypeInt32, false},
		{"image_height", TypeInt32, false},
		{"png", TypeBytes, false},
	}
	paretoPosition = []Field{{"epoch", TypeInt32, true}, {"epochs_planned", TypeInt32, false}, {"seeds", TypeInt32, false}}
	paretoMeasure  = []Field{{"measure", TypeString, false}, {"backend", TypeString, true}, {"in_plan", TypeBool, false}}
	paretoStanding = []Field{{"rank", TypeInt32, false}, {"contribution", TypeFloat, false}, {"hypervolume", TypeFloat, false}}
)

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
func (m Meta) Fields(t Table) []Field {
	fields := slices.Clone(identity)
	for _, c := range m.Columns {
		fields = append(fields, Field{c.Name, columnTypes[c.Kind], c.Optional})
	}
	fields = append(fields, origin...)
	if t == Pareto {
		return m.paretoFields(fields)
	}
	var metrics []Field
	for _, name := range m.Metrics {
		metrics = append(metrics, Field{name, TypeFloat, true})
	}
	switch t {
	case Trials:
		fields = append(fields, trialOutcome...)
		for _, o := range m.Objectives {
			fields = append(fields, Field{"best_" + o.Metric, TypeFloat, true}, Field{"best_" + o.Metric + "_epoch", TypeInt32, true})
		}
		return slices.Concat(fields, metrics, measurement, trialOrigin)
	case Epochs:
		return slices.Concat(fields, epochPosition, metrics, measurement, epochTimes)
	default:
		return append(fields, samplePicture...)
	}
}

// paretoFields returns the columns of the pareto table, which begins like the others but has rows of no single trial.
func (m Meta) paretoFields(fields []Field) []Field {
	for i, f := range fields {
		fields[i].Nullable = f.Nullable || f.Name == "trial" || f.Name == "index" || f.Name == "seed"
	}
	var values, references []Field
	for _, o := range m.Objectives {
		values = append(values, Field{o.Metric, TypeFloat, false}, Field{"std_" + o.Metric, TypeFloat, true})
		references = append(references, Field{"reference_" + o.Metric, TypeFloat, false})
	}
	return slices.Concat([]Field{{"scope", TypeString, false}}, fields, paretoPosition, values, paretoMeasure, paretoStanding, references)
}

var columnTypes = map[spec.Kind]Type{spec.Bool: TypeBool, spec.Int: TypeInt64, spec.Float: TypeFloat, spec.String: TypeString}

// row begins a row with the columns that all tables share.
func (m Meta) row(t Trial) Row {
	row := Row{"trial": t.ID, "configuration": t.Configuration, "study": m.Study, "index": int32(t.Index), "seed": t.Seed,
		"train_digest": spec.Short(t.Train)}
	if t.Test != "" {
		row["test_digest"] = spec.Short(t.Test)
	}
	for _, c := range m.Columns {
		row[c.Name] = t.Point[c.Name]
	}
	return row
}

func (m Meta) trialRow(t *trial) Row {
	row, o := m.row(t.Trial), t.outcome
	row["status"], row["reason"] = string(o.Status), o.Reason
	row["epochs"], row["epochs_planned"], row["steps"] = int32(len(t.epochs)), int32(t.Length), t.steps
	row["parameters"], row["images"] = o.Parameters, t.images
	for _, objective := range m.Objectives {
		if best, measured := t.best[objective.Metric]; measured {
			row["best_"+objective.Metric], row["best_"+objective.Metric+"_epoch"] = best.Value, int32(best.Epoch)
		}
	}
	for name, v := range t.last {
		row[name] = v
	}
	row.measured(t.evaluated, t.Measure)
	row["seconds_train"], row["seconds_evaluate"], row["seconds_compile"] = t.secondsTrain, t.secondsEvaluate, o.SecondsCompile
	row["images_per_second"] = rate(t.images, t.secondsTrain)
	row["compilations"], row["program"], row["settings"], row["script"] = int32(o.Compilations), o.Program, o.Settings, o.Script
	row["version"], row["backend"], row["device"] = o.Version, o.Backend, o.Device
	row["started"] = t.Started
	return row
}

func (m Meta) epochRow(t *trial, e Epoch) Row {
	row := m.row(t.Trial)
	row["epoch"], row["step"], row["images"] = int32(e.Epoch), e.Step, e.Images
	for name, v := range e.Metrics {
		row[name] = v
	}
	row.measured(e.Evaluated, t.Measure)
	row["backend"] = e.Backend
	row["seconds_train"], row["seconds_evaluate"] = e.SecondsTrain, e.SecondsEvaluate
	row["images_per_second"] = rate(e.Images, e.SecondsTrain)
	return row
}

// measured adds what the metrics of a row were measured on, if they were.
func (r Row) measured(evaluated bool, m spec.Measure) {
	if text := m.String(); evaluated && text != "" {
		r["measure"] = text
	}
	if evaluated && m.Samples > 0 {
		r["samples"], r["extractor"] = int32(m.Samples), m.Features
	}
}

func (m Meta) sampleRow(t *trial, s Sample) (Row, error) {
	picture, err := png.DecodeConfig(bytes.NewReader(s.PNG))
	if err != nil {
		return nil, fmt.Errorf("sample of trial %s, epoch %d: %w", s.Trial, s.Epoch, err)
	}
	row := m.row(t.Trial)
	row["epoch"], row["kind"] = int32(s.Epoch), s.Kind
	row["image_width"], row["image_height"], row["png"] = int32(picture.Width), int32(picture.Height), s.PNG
	return row, nil
}

// rate is images per second, 0 where no time passed.
func rate(images int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(images) / seconds
}
