package runner

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
)

// events writes what happens to the trials of this process as JSON objects, one a line, for machines: docs/terminal.md lists the fields.
type events struct {
	to      io.Writer
	now     func() time.Time
	trials  int
	process int // of several of the command; 0: it is the only one
}

// events returns the events of this process.
func (t *training) events() *events {
	e := &events{to: t.env.events, now: t.env.Now, trials: t.plan.Most()}
	if t.env.role.Of > 1 {
		e.process = t.env.role.Index
	}
	return e
}

// eventHead is what every event has.
type eventHead struct {
	Event   string    `json:"event"` // began, epoch, ended or summary
	Time    time.Time `json:"time"`
	Process int       `json:"process,omitempty"` // of --processes, from 1
}

type eventBegan struct {
	eventHead
	Trial  string         `json:"trial"`
	Place  int            `json:"place"` // in the plan, from 1
	Trials int            `json:"trials"`
	Point  results.Values `json:"point"`
	Seed   uint32         `json:"seed"`
	Epochs int            `json:"epochs"` // planned
}

type eventEpoch struct {
	eventHead
	Trial           string          `json:"trial"`
	Epoch           int             `json:"epoch"`
	Epochs          int             `json:"epochs"`
	Evaluated       bool            `json:"evaluated"`
	Values          results.Metrics `json:"values"` // columns of the epochs table
	Images          int64           `json:"images"`
	SecondsTrain    float64         `json:"seconds_train"`
	SecondsEvaluate float64         `json:"seconds_evaluate"`
	ImagesPerSecond *float64        `json:"images_per_second"`
}

type eventEnded struct {
	eventHead
	Trial   string `json:"trial"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Failure string `json:"failure,omitempty"`
}

func (e *events) head(name string) eventHead { return eventHead{name, e.now().UTC(), e.process} }

// write writes one object in one call, since several processes may share the file.
func (e *events) write(event any) error {
	line, err := json.Marshal(event)
	if err == nil {
		_, err = e.to.Write(append(line, '\n'))
	}
	return err
}

// Began implements execute.Observer, as do Epoch and Ended. A reader that is gone does not end the training.
func (e *events) Began(p plan.Trial) {
	_ = e.write(eventBegan{e.head("began"), p.ID, p.Place, e.trials, valuesOf(p.Point), p.Seed, p.Job.Epochs})
}

// Epoch implements execute.Observer.
func (e *events) Epoch(p plan.Trial, row results.Epoch) {
	_ = e.write(eventEpoch{e.head("epoch"), p.ID, row.Epoch, p.Job.Epochs, row.Evaluated, row.Metrics, row.Images, row.SecondsTrain,
		row.SecondsEvaluate, rate(row.Images, row.SecondsTrain)})
}

// Ended implements execute.Observer.
func (e *events) Ended(p plan.Trial, o results.Outcome) {
	_ = e.write(eventEnded{e.head("ended"), p.ID, string(o.Status), o.Reason, string(o.Failure)})
}

func (e *events) close() {}

// rate is a number of images a second, nil where the seconds were not measured.
func rate(images int64, seconds float64) *float64 {
	if seconds <= 0 {
		return nil
	}
	r := float64(images) / seconds
	return &r
}

// wholeLines passes on whole lines, each in one call, so that those of several processes do not mix. A line that its process did not end
// is lost with it.
type wholeLines struct {
	to io.Writer

	mu   sync.Mutex
	rest []byte
}

// Write implements io.Writer.
func (w *wholeLines) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	end := bytes.LastIndexByte(w.rest, '\n') + 1
	if end == 0 {
		return len(p), nil
	}
	_, err := w.to.Write(w.rest[:end])
	w.rest = append([]byte(nil), w.rest[end:]...)
	return len(p), err
}
