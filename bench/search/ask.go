package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// request is the search that peers.py asks for. Objectives are minimized.
type request struct {
	Kind       spec.SearchKind
	Trials     int
	Even       int
	Seed       uint64
	Objectives int
	Workers    int // trials that are in progress at the same time
	Before     int // random trials, with random objectives, that come before
	Space      []struct {
		Name    string
		Lo, Hi  float64
		Log     bool
		Int     bool
		Choices []string
		When    map[string][]string
	}
}

// answer is a suggestion.
type answer struct {
	Point   map[string]any `json:"point"`
	Seconds float64        `json:"seconds"` // that it took
}

// ask suggests points. Each line that it reads has the objectives of the oldest one that has none yet.
func ask(to io.Writer, from io.Reader) error {
	in, out := json.NewDecoder(from), json.NewEncoder(to)
	var r request
	if err := in.Decode(&r); err != nil {
		return err
	}
	study, err := r.study()
	if err != nil {
		return err
	}
	source, err := search.NewLearner(context.Background(), study)
	if err != nil {
		return err
	}
	h, err := r.earlier(study)
	if err != nil {
		return err
	}
	ended := h.Len()
	for {
		began := time.Now()
		s, err := source.Next(h.Len(), h)
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a := answer{map[string]any{}, time.Since(began).Seconds()}
		for _, x := range s.Point {
			if x.Value.Kind() != spec.None {
				a.Point[x.Name] = x.Value.Any()
			}
		}
		h = append(h, sweep.Trial{Suggestion: s, ID: fmt.Sprint(s.Index), State: sweep.Running, Budget: 1})
		if err := out.Encode(a); err != nil {
			return err
		}
		if h.Len()-ended < max(1, r.Workers) {
			continue
		}
		var values []float64
		if err := in.Decode(&values); err != nil {
			return err
		}
		e := sweep.Epoch{Epoch: 1, Evaluated: true, Values: map[string]float64{}}
		for j, v := range values {
			e.Values[objective(j)] = v
		}
		h[ended].State, h[ended].Epochs = sweep.Completed, []sweep.Epoch{e}
		ended++
	}
}

// earlier are the trials that come before.
func (r request) earlier(study search.Study) (h sweep.Trials, err error) {
	if r.Before == 0 {
		return nil, nil
	}
	study.Search = spec.Search{Kind: spec.Random, Trials: r.Before, Seed: r.Seed + 1}
	blocks, err := search.New(context.Background(), study)
	if err != nil {
		return nil, err
	}
	draws := model.NewSource(uint32(r.Seed), "objectives")
	for i := range r.Before {
		e := sweep.Epoch{Epoch: 1, Evaluated: true, Values: map[string]float64{}}
		for j := range r.Objectives {
			e.Values[objective(j)] = draws.Uniform()
		}
		h = append(h, sweep.Trial{Suggestion: blocks.At(i), ID: fmt.Sprint(i), State: sweep.Completed, Budget: 1, Epochs: []sweep.Epoch{e}})
	}
	return h, nil
}

func objective(j int) string { return fmt.Sprint("y", j) }

func (r request) study() (s search.Study, err error) {
	s = search.Study{Search: spec.Search{Kind: r.Kind, Trials: r.Trials, Even: r.Even, Seed: r.Seed}, Seeds: []uint32{0}}
	for j := range r.Objectives {
		s.Objectives = append(s.Objectives, pareto.Objective{Name: objective(j), Direction: pareto.Min})
	}
	for _, x := range r.Space {
		var d spec.Dim
		kind := spec.Float
		if x.Int {
			kind = spec.Int
		}
		if x.Choices != nil {
			d, err = spec.Choice(x.Name, texts(x.Choices)...)
		} else {
			d, err = spec.Range(x.Name, kind, x.Lo, x.Hi, x.Log)
		}
		if err != nil {
			return s, err
		}
		for name, values := range x.When {
			d.When = append(d.When, spec.Condition{Name: name, Values: texts(values)})
		}
		s.Space = append(s.Space, d)
	}
	return s, nil
}

func texts(list []string) (values []spec.Value) {
	for _, t := range list {
		values = append(values, spec.StringValue(t))
	}
	return values
}
