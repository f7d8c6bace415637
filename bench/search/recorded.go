package main

import (
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// recorded is a grid that was trained to its end under several seeds. A trial that a judge ends has the first epochs of one that goes on,
// so the record has every study over these points, with whatever search and judges, to the last digit.
type recorded struct {
	space spec.Space
	seeds []uint32
	every int
	long  int                      // epochs of a trial
	ids   map[string]string        // of trials, by point and seed
	known map[string][]sweep.Epoch // by ID
}

// read reads the trials of a kept study. where is a hyperparameter and its value that they have; "" for all.
func read(dir, where, value string) (*recorded, error) {
	v, err := results.Open(dir)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	r := &recorded{ids: map[string]string{}, known: map[string][]sweep.Epoch{}}
	values := map[string][]spec.Value{}
	for _, t := range v.Trials() {
		if where != "" && fmt.Sprint(t.Point[where]) != value {
			continue
		}
		var p spec.Point
		for _, c := range v.Meta().Columns {
			x, err := spec.ValueOf(t.Point[c.Name])
			if err != nil {
				return nil, err
			}
			p = append(p, spec.Assignment{Name: c.Name, Value: x})
			if !slices.Contains(values[c.Name], x) {
				values[c.Name] = append(values[c.Name], x)
			}
		}
		rows, err := v.Epochs(t.ID)
		if err != nil {
			return nil, err
		}
		epochs := execute.EpochsOf(rows)
		r.ids[label(p, uint32(t.Seed))], r.known[t.ID] = t.ID, epochs
		r.long = max(r.long, len(epochs))
		if i := slices.IndexFunc(epochs, func(e sweep.Epoch) bool { return e.Evaluated }); r.every == 0 {
			r.every = i + 1
		}
		if !slices.Contains(r.seeds, uint32(t.Seed)) {
			r.seeds = append(r.seeds, uint32(t.Seed))
		}
	}
	slices.Sort(r.seeds)
	for _, c := range v.Meta().Columns {
		d, err := spec.Choice(c.Name, values[c.Name]...)
		if err != nil {
			return nil, err
		}
		r.space = append(r.space, d)
	}
	return r, nil
}

func label(p spec.Point, seed uint32) string { return fmt.Sprint(p, " ", seed) }

// trained is a study over recorded trials.
type trained struct {
	*recorded
	source  sweep.Source
	judges  sweep.Judges
	most    int // epochs that it may train
	epochs  int // that it has trained
	trials  sweep.Trials
	entries []sweep.Entry
	places  map[string]int // of trials, by ID
}

// train trains one trial after another, as a run with one lane does: first paused trials that are promoted, then those that the source has
// at once, then what it suggests.
func (r *recorded) train(source sweep.Source, judges sweep.Judges, most int) (*trained, error) {
	t := &trained{recorded: r, source: source, judges: judges, most: most, places: map[string]int{}}
	if all, ok := source.(*search.Blocks); ok { // which a plan has from the beginning
		for i := range all.Len() {
			t.add(all.At(i))
		}
	}
	for t.epochs < t.most {
		t.promote(false)
		if i := slices.IndexFunc(t.trials, func(t sweep.Trial) bool { return t.State == sweep.Waiting }); i >= 0 {
			t.session(&t.trials[i])
			continue
		}
		s, err := source.Next(len(t.trials), t.trials)
		if err == nil {
			t.add(s)
			continue
		}
		if !t.promote(true) {
			return t, nil // what still pauses ends
		}
	}
	return t, nil
}

func (t *trained) add(s sweep.Suggestion) {
	id := t.ids[label(s.Point, s.Seed)]
	t.places[id] = len(t.trials)
	t.trials = append(t.trials, sweep.Trial{Suggestion: s, ID: id, State: sweep.Waiting, Budget: t.long,
		Evaluation: spec.Evaluation{Every: t.every}})
}

// promote lets all paused trials go on that the judges promote.
func (t *trained) promote(over bool) (more bool) {
	for {
		promoted := t.judges.Promoted(sweep.Entries{List: t.entries, Over: over})
		if len(promoted) == 0 {
			return more
		}
		t.entries = append(t.entries, promoted[0])
		t.trials[t.places[promoted[0].Trial]].State = sweep.Waiting
		more = true
	}
}

// session trains a trial until a judge ends or pauses it.
func (t *trained) session(x *sweep.Trial) {
	for known := t.known[x.ID]; x.Last() < len(known); {
		x.Epochs = known[:x.Last()+1]
		t.epochs++
		v := t.judges.Judge(*x)
		if e, due := t.judges.Enter(*x); v.Action == sweep.Continue && due {
			e.Verdict = t.judges.Compare(*x, e, sweep.Entries{List: t.entries})
			t.entries, v = append(t.entries, e), e.Verdict
		}
		switch v.Action {
		case sweep.Pause:
			x.State = sweep.Paused
			return
		case sweep.Stop:
			x.State = v.Status
			return
		}
	}
	x.State = sweep.Completed
}

// values are the objectives of the trials at their last evaluations.
func (t *trained) values(objectives []pareto.Objective) (points [][]float64) {
	for _, x := range t.trials {
		for _, e := range slices.Backward(x.Epochs) {
			if e.Evaluated {
				var p []float64
				for _, o := range objectives {
					p = append(p, e.Values[o.Name])
				}
				points = append(points, p)
				break
			}
		}
	}
	return points
}
