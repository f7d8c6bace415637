package results

import (
	"fmt"
	"slices"
)

// Epoch is a row of the epochs table.
type Epoch struct {
	Trial           string  `json:"trial"`
	Epoch           int     `json:"epoch"`               // from 1, without a gap
	Step            int64   `json:"step"`                // steps since the trial began
	Images          int64   `json:"images"`              // real images processed in this epoch
	Metrics         Metrics `json:"metrics"`             // those measured; the others are null
	Evaluated       bool    `json:"evaluated,omitempty"` // metrics and tests were measured, by the trial's measure
	Backend         string  `json:"backend"`             // with the kernels and the precision that decide the last bits
	SecondsTrain    float64 `json:"seconds_train"`
	SecondsEvaluate float64 `json:"seconds_evaluate"`
}

// epochColumns are the columns of the epochs table after those that all tables share.
var epochColumns = slices.Concat([]column{
	stored("epoch", func(r *record) *int { return &r.Epoch.Epoch }, "from 1"),
	stored("step", func(r *record) *int64 { return &r.Epoch.Step }, "iterations since the trial began"),
	stored("images", func(r *record) *int64 { return &r.Epoch.Images }, "real images read in this epoch"),
}, measuredNumbers, measuredBy(func(r *record) *bool { return &r.Epoch.Evaluated }), []column{
	stored("backend", func(r *record) *string { return &r.Epoch.Backend }, "as in the trials table").origin(),
	stored("seconds_train", func(r *record) *float64 { return &r.Epoch.SecondsTrain }, "training time").timing(),
	stored("seconds_evaluate", func(r *record) *float64 { return &r.Epoch.SecondsEvaluate },
		"time for samples, metrics and tests, without one-time work such as features of real images").timing(),
	computed("images_per_second", func(r *record) float64 { return rate(r.Epoch.Images, r.Epoch.SecondsTrain) }, "training speed").timing(),
})

// measuredNumbers are the columns of the numbers that an epoch has. The first stands for all; the others only document.
var measuredNumbers = []column{
	family("loss_*PLAYER*", TypeFloat, "loss of the player: mean over the iterations, of its last update in each",
		numbers(func(r *record) Metrics { return r.Epoch.Metrics })),
	alsoNamed("grad_norm_*PLAYER*", TypeFloat, "norm of its gradient before clipping, all weights together: mean over the iterations"),
	alsoNamed("d_real, d_fake", TypeFloat,
		"[mean output of the critic](language.md#d_real-and-d_fake) on real and on generated examples; no sigmoid"),
	alsoNamed("lr_*PLAYER*", TypeFloat, "learning rate at the last step of the epoch"),
	alsoNamed("*NAME*", TypeFloat, "each `real(x, name = \"NAME\")` at the last step; `noise` is the deviation of instance noise"),
	alsoNamed("*NAME*", TypeFloat, "each `watch`, mean over the iterations"),
	alsoNamed("test_*NAME*", TypeFloat, "each `test`, mean over the test split; null at epochs without evaluation"),
	alsoNamed("*metrics*", TypeFloat,
		"the [metrics](language.md#metrics) requested by the script, listed below; null at epochs without evaluation"),
	alsoNamed("spread", TypeFloat,
		"root of the total variance of generated features, relative to real ones; null if the real ones are all equal"),
	alsoNamed("variety", TypeFloat,
		"share of the variance of pixels that is between images, relative to real ones; null for points and for equal real images"),
	alsoNamed("distinctness", TypeFloat,
		"how far the nearest other image is, as a part of the mean distance, relative to real ones; null for points and if real images recur"),
	alsoNamed("*METRIC*_floor", TypeFloat, "score of other real images against the real ones, `samples` of each"),
}

// epochOf is the epoch that a row shows.
func (m Meta) epochOf(row Row) *Epoch {
	r := m.layout(Epochs).record(row)
	r.Epoch.Trial = r.Trial.ID
	return &r.Epoch
}

// Epochs returns the rows of a trial's epochs, in order.
func (v *View) Epochs(id string) ([]Epoch, error) { return v.LastEpochs(id, unlimited) }

// LastEpochs returns the rows of the last epochs of a trial, at most n of them, in order.
func (v *View) LastEpochs(id string, n int) (rows []Epoch, err error) {
	v.mu.Lock()
	t := v.fold.trial(id)
	var recorded []*row
	if t != nil {
		recorded = slices.Clone(t.epochRows[max(0, len(t.epochRows)-n):])
	}
	v.mu.Unlock()
	if t == nil {
		return nil, fmt.Errorf("trial %s was never begun", id)
	}
	for _, r := range recorded {
		e, err := v.readEpoch(r)
		if err != nil {
			return nil, err
		}
		rows = append(rows, e)
	}
	return rows, err
}
