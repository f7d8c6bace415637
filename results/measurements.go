package results

import (
	"slices"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
)

// Measurement is a row of the measurements table: the kept weights of a trial, evaluated again by another measure. It may follow the
// end of its trial.
type Measurement struct {
	Trial           string  `json:"trial"`
	Epoch           int     `json:"epoch"`               // of the weights
	Metrics         Metrics `json:"metrics"`             // those measured, of the study's
	Measure         string  `json:"measure"`             // text of the spec.Measure
	Samples         int     `json:"samples,omitempty"`   // of the measure
	Extractor       string  `json:"extractor,omitempty"` // likewise
	Backend         string  `json:"backend"`
	SecondsEvaluate float64 `json:"seconds_evaluate"`
}

// measurementColumns are the columns of the measurements table after those that all tables share.
var measurementColumns = []column{
	stored("epoch", func(r *record) *int { return &r.Measurement.Epoch }, "epoch of the weights"),
	family("*metrics*", TypeFloat,
		"as in the epochs table, with `spread`, `variety`, `distinctness` and *METRIC*_floor; null where this measure does not have the metric",
		func(m Meta) []column {
			evaluated := m
			evaluated.Metrics = slices.DeleteFunc(slices.Clone(m.Metrics), func(name string) bool { return !slices.Contains(ofImages, name) })
			return numbers(func(r *record) Metrics { return r.Measurement.Metrics })(evaluated)
		}),
	stored("measure", func(r *record) *string { return &r.Measurement.Measure },
		"what the metrics of this row compare; see [Comparable values](#comparable-values)"),
	stored("samples", func(r *record) *int { return &r.Measurement.Samples }, "number of generated images, and of real images, compared"),
	stored("extractor", func(r *record) *string { return &r.Measurement.Extractor }, "name and digest of the features"),
	stored("backend", func(r *record) *string { return &r.Measurement.Backend }, "where the images were generated and compared").origin(),
	stored("seconds_evaluate", func(r *record) *float64 { return &r.Measurement.SecondsEvaluate }, "time for samples and metrics").timing(),
}

// ofImages are the columns that compare images, of all metrics that there are.
var ofImages = func() []string {
	e := spec.Evaluation{Samples: 1}
	for _, d := range metric.All {
		e.Metrics = append(e.Metrics, d.Standard())
	}
	return metric.Columns(e)
}()

// measurementOf is the measurement that a row shows.
func (m Meta) measurementOf(row Row) *Measurement {
	r := m.layout(Measurements).record(row)
	r.Measurement.Trial = r.Trial.ID
	return &r.Measurement
}

// Measurements returns the measurements of a trial, by epoch and measure.
func (v *View) Measurements(trial string) (list []Measurement, err error) {
	for row, err := range v.RowsByTrial(Measurements)(trial) {
		if err != nil {
			return nil, err
		}
		list = append(list, *v.Meta().measurementOf(row))
	}
	return list, nil
}
