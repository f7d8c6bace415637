package export

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// Numbers of Optuna's journal: operations, directions and states.
const (
	createStudy, setStudyUserAttr, setStudySystemAttr, createTrial = 0, 2, 3, 4

	minimize, maximize = 1, 2

	stateRunning, stateComplete, statePruned, stateFail = 0, 1, 2, 3
)

var trialStates = map[results.Status]int{results.Interrupted: stateRunning, results.Paused: stateRunning, results.Completed: stateComplete,
	results.Pruned: statePruned, results.Collapsed: statePruned, results.Skipped: statePruned, results.Failed: stateFail,
	results.Diverged: stateFail}

// operation is a line of the journal.
type operation struct {
	Code          int            `json:"op_code"`
	Worker        string         `json:"worker_id"`
	StudyName     string         `json:"study_name,omitempty"`
	Directions    []int          `json:"directions,omitempty"`
	StudyID       *int           `json:"study_id,omitempty"`
	UserAttr      map[string]any `json:"user_attr,omitempty"`
	SystemAttr    map[string]any `json:"system_attr,omitempty"`
	*trialCreated                // of createTrial
}

// trialCreated is a trial, which the journal may create in its last state.
type trialCreated struct {
	State         int               `json:"state"`
	Started       string            `json:"datetime_start"`
	Ended         string            `json:"datetime_complete,omitempty"`
	Value         *python           `json:"value"`  // of one objective
	Values        []python          `json:"values"` // of several
	Distributions map[string]string `json:"distributions"`
	Params        map[string]any    `json:"params"`
	UserAttrs     map[string]any    `json:"user_attrs"`
	SystemAttrs   map[string]any    `json:"system_attrs"`
	Intermediate  map[int]python    `json:"intermediate_values"`
}

// writeOptuna writes journal.log, which Optuna's JournalStorage and its dashboard open, and the sample sheets as artifacts. A trial has
// the last values of the objectives, and those of the first objective by epoch as intermediate values.
func writeOptuna(s *study, f *folder) error {
	if len(s.meta.Objectives) == 0 {
		return refuse("study %s: got no objectives, want one for Optuna: name some, such as --objective fid=min", s.meta.Study)
	}
	return f.create("journal.log", func(w io.Writer) error {
		j := json.NewEncoder(w)
		j.SetEscapeHTML(false)
		var zero int
		directions, names := []int{}, []string{}
		for _, o := range s.meta.Objectives {
			direction := minimize
			if o.Direction == pareto.Max {
				direction = maximize
			}
			directions, names = append(directions, direction), append(names, o.Metric)
		}
		const worker = "starsweep"
		operations := []operation{
			{Code: createStudy, Worker: worker, StudyName: s.meta.Study, Directions: directions},
			{Code: setStudySystemAttr, Worker: worker, StudyID: &zero, SystemAttr: map[string]any{"study:metric_names": names}},
			{Code: setStudyUserAttr, Worker: worker, StudyID: &zero, UserAttr: map[string]any{"script": s.meta.Script}},
		}
		for _, o := range operations {
			if err := j.Encode(o); err != nil {
				return err
			}
		}
		distributions := s.distributions()
		for _, t := range s.trials {
			created, err := s.optunaTrial(t, distributions, f)
			if err != nil {
				return err
			}
			if err := j.Encode(operation{Code: createTrial, Worker: worker, StudyID: &zero, trialCreated: created}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *study) optunaTrial(t *trial, distributions map[string]distribution, f *folder) (*trialCreated, error) {
	c := &trialCreated{State: trialStates[t.Status], Started: isoTime(t.Started), Distributions: map[string]string{}, Params: map[string]any{},
		UserAttrs: map[string]any{}, SystemAttrs: map[string]any{}, Intermediate: map[int]python{}}
	for _, p := range s.point(t) {
		if d, chosen := distributions[p.name]; chosen {
			c.Distributions[p.name], c.Params[p.name] = d.json, d.internal(p.value)
		} else {
			c.UserAttrs[p.name] = portable(p.value)
		}
	}
	for _, fact := range s.facts(t) {
		c.UserAttrs[fact.name] = portable(fact.value)
	}
	refused := c.State == statePruned && len(s.meta.Objectives) > 1 // Optuna's samplers fail on intermediate values of such trials
	end := t.Started
	for e, err := range s.epochs(t) {
		if err != nil {
			return nil, err
		}
		end = e.end
		for _, v := range e.values {
			c.UserAttrs[v.name] = python(v.value) // in the end, the last value
			if v.name == s.meta.Objectives[0].Metric && !math.IsNaN(v.value) && !refused {
				c.Intermediate[e.number] = python(v.value)
			}
		}
	}
	s.giveValues(t, c)
	if !t.unfinished() {
		c.Ended = isoTime(end)
	}
	for p, err := range s.sheets(t) {
		if err != nil {
			return nil, err
		}
		if err := addArtifact(c, t.ID, p, f); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// giveValues gives a trial its values: all objectives, or none. A completed trial without all of them counts as failed, because Optuna
// wants the values of complete trials.
func (s *study) giveValues(t *trial, c *trialCreated) {
	for _, o := range s.meta.Objectives {
		value, measured := t.Last[o.Metric]
		if !measured || math.IsNaN(value) || c.State == stateFail || c.State == stateRunning {
			c.Values = nil
			if c.State == stateComplete {
				c.State = stateFail
			}
			return
		}
		c.Values = append(c.Values, python(value))
	}
	if len(c.Values) == 1 {
		c.Value, c.Values = &c.Values[0], nil
	}
}

// addArtifact writes a sample sheet where a FileSystemArtifactStore finds it.
func addArtifact(c *trialCreated, trial string, p sheet, f *folder) error {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d", trial, p.kind, p.epoch))
	id := hex.EncodeToString(sum[:16])
	about, err := json.Marshal(map[string]any{"artifact_id": id, "filename": p.file(), "mimetype": "image/png", "encoding": nil})
	if err != nil {
		return err
	}
	c.SystemAttrs["artifacts:"+id] = string(about)
	return f.write("artifacts/"+id, p.png)
}

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000-07:00") }

// distribution is the range of a hyperparameter, as Optuna has it.
type distribution struct {
	json    string
	choices []any // of a categorical one
}

// internal is a value as the journal has it: the number, or the index of the choice.
func (d distribution) internal(value any) any {
	for i, choice := range d.choices {
		if choice == value {
			return i
		}
	}
	return portable(value)
}

// distributions spans the values of the trials: numbers a range, logarithmic if they are positive and span more than a decade, and others
// the list. The tables do not record the ranges of the script. What is derived has none: Optuna would take it for a hyperparameter.
func (s *study) distributions() map[string]distribution {
	list := map[string]distribution{}
	for _, c := range s.meta.Columns {
		levels := s.levels(c.Name)
		if len(levels) == 0 || c.Derived {
			continue
		}
		class, attributes := "CategoricalDistribution", map[string]any{"choices": levels}
		low, high := numeric(levels[0]), numeric(levels[len(levels)-1])
		finite := !math.IsInf(low, 0) && !math.IsInf(high, 0)
		switch {
		case c.Kind == spec.Int && finite:
			class, attributes = "IntDistribution", map[string]any{"low": int64(low), "high": int64(high), "step": 1}
		case c.Kind == spec.Float && finite:
			class, attributes = "FloatDistribution", map[string]any{"low": low, "high": high, "step": nil}
		}
		d := distribution{}
		if class == "CategoricalDistribution" {
			d.choices = levels
			attributes["choices"] = pythonList(levels)
		} else {
			attributes["log"] = low > 0 && high > 10*low
		}
		text, err := json.Marshal(map[string]any{"name": class, "attributes": attributes})
		if err != nil {
			continue // no value that a point may have
		}
		d.json = string(text)
		list[c.Name] = d
	}
	return list
}

func pythonList(levels []any) (list []any) {
	for _, level := range levels {
		if x, isFloat := level.(float64); isFloat {
			level = python(x)
		}
		list = append(list, level)
	}
	return list
}
