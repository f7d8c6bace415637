package results

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
)

// Trial identifies a trial. Every one of its rows repeats it.
type Trial struct {
	ID      string    `json:"id"`    // by content; letters, digits, - and _
	Index   int       `json:"index"` // position in the plan in which it began
	Point   Values    `json:"point"` // a value for each column; optional ones may be missing
	Seed    int64     `json:"seed"`
	Started time.Time `json:"started"`

	// Configuration identifies everything that decides the trial's numbers except its seed and its length, and therefore also what
	// follows: trials that share it are replicates.
	Configuration string       `json:"configuration"`
	Length        int          `json:"length"`           // planned epochs
	Data          string       `json:"data"`             // its images, in the words of the script
	Train         string       `json:"train"`            // digest of the training images, in hex
	Test          string       `json:"test,omitempty"`   // of the test split; empty where nothing reads it
	Measure       spec.Measure `json:"measure,omitzero"` // what evaluations compare with
}

// Outcome finishes a trial. The trials table takes steps, images, seconds, last and best values from the epochs.
type Outcome struct {
	Trial          string  `json:"trial"`
	Status         Status  `json:"status"`            // a final one
	Reason         string  `json:"reason"`            // empty if the status needs none
	Failure        Failure `json:"failure,omitempty"` // of a trial that failed
	Parameters     int64   `json:"parameters"`
	Program        string  `json:"program"`  // fingerprint
	Settings       string  `json:"settings"` // values of the script's settings, as a JSON object
	Script         string  `json:"script"`   // hash
	Version        string  `json:"version"`
	Backend        string  `json:"backend"`
	Device         string  `json:"device"`
	SecondsCompile float64 `json:"seconds_compile"`  // of the run that finished the trial
	Compilations   int     `json:"compilations"`     // likewise
	Reused         string  `json:"reused,omitempty"` // directory of the study that trained it, if another did
}

// Status is the state of a trial.
type Status string

// All statuses except the last three are final.
const (
	Completed   Status = "completed"
	Pruned      Status = "pruned"      // stopped early by the search
	Failed      Status = "failed"      // an error
	Skipped     Status = "skipped"     // the script chose not to train it
	Diverged    Status = "diverged"    // a loss or a parameter became NaN or infinite
	Collapsed   Status = "collapsed"   // mode collapse
	Interrupted Status = "interrupted" // begun and not finished, perhaps running now; in no table
	Paused      Status = "paused"      // begun, and to be continued when the search says so; in no table
	Running     Status = "running"     // a live process trains it; nothing records it: see Status.Stands
)

// Stands is the status as people see it: running of a trial that is not finished and that a live process holds, as View.Trained tells.
func (s Status) Stands(held bool) Status {
	if held && !s.Final() {
		return Running
	}
	return s
}

// Final reports whether a trial with this status has ended.
func (s Status) Final() bool {
	switch s {
	case Completed, Pruned, Failed, Skipped, Diverged, Collapsed:
		return true
	}
	return false
}

// Failure is the class of the error of a trial that failed, which decides whether the next run trains it again.
type Failure string

const (
	FailureMemory Failure = "memory" // it does not fit; it is not run again unless asked for
	FailureDevice Failure = "device" // the device was lost
	FailureScript Failure = "script" // the script is in error
	FailureData   Failure = "data"   // the images cannot be read
	FailureOther  Failure = ""
)

// summary is what the epochs of a trial add up to.
type summary struct {
	epochs                        int
	steps, images                 int64
	secondsTrain, secondsEvaluate float64
	last                          Metrics           // the last measured value of each
	evaluated                     bool              // an epoch was
	best                          map[string][]Best // of each objective, by epoch: each better than the one before
}

// Best is the best value of an objective and its epoch.
type Best struct {
	Value float64
	Epoch int
}

func newSummary() summary { return summary{last: Metrics{}, best: map[string][]Best{}} }

// clone shares nothing that add changes.
func (s summary) clone() summary {
	s.last, s.best = maps.Clone(s.last), maps.Clone(s.best)
	return s
}

// add adds the next epoch.
func (s *summary) add(e Epoch, objectives []Objective) {
	s.epochs++
	s.steps = e.Step
	s.images += e.Images
	s.secondsTrain += e.SecondsTrain
	s.secondsEvaluate += e.SecondsEvaluate
	for name, value := range e.Metrics {
		s.last[name] = value
	}
	s.evaluated = s.evaluated || e.Evaluated
	for _, o := range objectives {
		value, measured := e.Metrics[o.Metric]
		if !measured || math.IsNaN(value) {
			continue
		}
		if old, any := s.bestUntil(unlimited, o.Metric); !any || o.Better(value, old.Value) {
			s.best[o.Metric] = append(s.best[o.Metric], Best{value, e.Epoch})
		}
	}
}

// bestUntil is the best value of an objective up to an epoch.
func (s *summary) bestUntil(epoch int, objective string) (b Best, measured bool) {
	for _, next := range s.best[objective] {
		if next.Epoch <= epoch {
			b, measured = next, true
		}
	}
	return b, measured
}

// trialColumns are the columns of the trials table after those that all tables share.
var trialColumns = slices.Concat([]column{
	stored("status", func(r *record) *Status { return &r.Outcome.Status }, "completed, pruned, collapsed, diverged, failed or skipped"),
	stored("reason", func(r *record) *string { return &r.Outcome.Reason },
		"details of the status: the epoch and step of a divergence, the error of a failure, the script's words for a skip"),
	stored("failure", func(r *record) *Failure { return &r.Outcome.Failure },
		"class of the error: memory, device, script or data; null for other errors and for trials that did not fail").
		nullWhere(func(r *record) bool { return r.Outcome.Failure == FailureOther }),
	stored("epochs", func(r *record) *int { return &r.Total.epochs }, "epochs trained"),
	stored("epochs_planned", func(r *record) *int { return &r.Trial.Length }, "the budget of epochs when the trial last began").origin(),
	stored("steps", func(r *record) *int64 { return &r.Total.steps }, "iterations trained; an iteration updates every player"),
	stored("parameters", func(r *record) *int64 { return &r.Outcome.Parameters }, "trained parameters of all players; null if skipped").
		nullWhere(skipped),
	stored("images", func(r *record) *int64 { return &r.Total.images }, "real images read"),
	family("best_*OBJECTIVE*", TypeFloat, "the best value of each objective", bestColumns),
	alsoNamed("best_*OBJECTIVE*_epoch", TypeInt32, "its epoch"),
	family("*values*", TypeFloat, "the last value of each epochs column from loss_*PLAYER* to *METRIC*_floor",
		numbers(func(r *record) Metrics { return r.Total.last })),
}, measuredBy(func(r *record) *bool { return &r.Total.evaluated }), []column{
	stored("seconds_train", func(r *record) *float64 { return &r.Total.secondsTrain }, "time spent on training").timing(),
	stored("seconds_evaluate", func(r *record) *float64 { return &r.Total.secondsEvaluate }, "time spent on evaluation").timing(),
	stored("seconds_compile", func(r *record) *float64 { return &r.Outcome.SecondsCompile },
		"compile time in the run that finished the trial; 0 if another trial had compiled the program").timing(),
	computed("images_per_second", func(r *record) float64 { return rate(r.Total.images, r.Total.secondsTrain) }, "during training").timing(),
	stored("compilations", func(r *record) *int { return &r.Outcome.Compilations }, "graphs compiled for this trial").timing(),
	stored("program", func(r *record) *string { return &r.Outcome.Program },
		"fingerprint: trials that share it differ only in numbers, data and seeds; null if skipped").
		nullWhere(skipped).origin(),
	stored("settings", func(r *record) *string { return &r.Outcome.Settings },
		"the settings of the script, with profile and `--set` applied, as a JSON object").origin(),
	stored("script", func(r *record) *string { return &r.Outcome.Script },
		"hash of the script and the files it loads; copies are in `script/`").origin(),
	stored("version", func(r *record) *string { return &r.Outcome.Version }, "version of starsweep").origin(),
	stored("backend", func(r *record) *string { return &r.Outcome.Backend },
		"with the kernels and precision that determine the last bits: `cpu avx512`, `cpu avx512 bf16`, `go`, `xla:cuda`; null if skipped").
		nullWhere(skipped).origin(),
	stored("device", func(r *record) *string { return &r.Outcome.Device }, "description of the device; null if skipped").
		nullWhere(skipped).timing(),
	stored("reused", func(r *record) *string { return &r.Outcome.Reused },
		"directory of the study that the trial was taken over from, by `run --reuse`; null if it was trained in this one").
		nullWhere(func(r *record) bool { return r.Outcome.Reused == "" }).origin(),
	stored("started", func(r *record) *time.Time { return &r.Trial.Started }, "when the trial began").timing(),
})

// skipped reports whether the trial of a row has no program.
func skipped(r *record) bool { return r.Outcome.Status == Skipped }

// bestColumns are the best value of each objective, and its epoch.
func bestColumns(m Meta) (list []column) {
	for _, o := range m.Objectives {
		best := func(r *record) Best { b, _ := r.Total.bestUntil(unlimited, o.Metric); return b }
		never := func(r *record) bool { return best(r).Epoch == 0 }
		list = append(list,
			computed("best_"+o.Metric, func(r *record) float64 { return best(r).Value }, "").nullWhere(never),
			computed("best_"+o.Metric+"_epoch", func(r *record) int32 { return int32(best(r).Epoch) }, "").nullWhere(never))
	}
	return list
}

// outcomeOf is the outcome that a row shows.
func (m Meta) outcomeOf(row Row) (*Outcome, *rowCount) {
	r := m.layout(Trials).record(row)
	r.Outcome.Trial = r.Trial.ID
	return &r.Outcome, &rowCount{Epochs: r.Total.epochs} // the number of pictures is unknown
}

// rate is images per second, 0 where no time passed.
func rate(images int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(images) / seconds
}
