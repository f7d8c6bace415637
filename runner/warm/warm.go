// Package warm decides what a search that learns sees of other studies: their finished trials that are comparable with its own, and why it
// does not see the others. The directory of the study keeps the record, so that suggestions can be made again when the other studies have
// changed or are gone. Package runner opens the studies and shows the search what the record has.
package warm

import (
	"context"
	"fmt"
	"slices"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// Study is what trials of other studies are compared with.
type Study struct {
	search.Study
	Settings spec.Settings
	Measure  string   // the way of its trials
	Train    []string // digests of the images that they are trained on
}

// Way is how a trial measures the objectives: values are comparable if it is the same.
func (s Study) Way(m spec.Measure, train string) string {
	return metric.Deciding(m, train, s.objectives()...).String()
}

func (s Study) objectives() (names []string) {
	for _, o := range s.Objectives {
		names = append(names, o.Name)
	}
	return names
}

// Record is what a search sees of other studies.
type Record struct {
	Version string   `json:"version"` // of starsweep
	Studies []Source `json:"studies"`
	Trials  []Trial  `json:"trials"`
}

// Source is another study, and what it had when the record was made.
type Source struct {
	Dir    string     `json:"dir"`    // as the script names it
	Trials int        `json:"trials"` // all
	Seen   int        `json:"seen"`
	Left   []Omission `json:"left,omitempty"`
}

// Omission is trials that the search does not see, for one reason.
type Omission struct {
	N      int    `json:"trials"`
	Reason string `json:"reason"`
	First  string `json:"first,omitempty"` // what it is about in the first of them
}

func (o Omission) String() string {
	if o.First == "" {
		return o.Reason
	}
	return fmt.Sprintf("%s (%s)", o.Reason, o.First)
}

// Trial is a finished trial of another study.
type Trial struct {
	Study  int                `json:"study"` // the place of its Source
	ID     string             `json:"trial"`
	Point  spec.Point         `json:"point"` // of the space of the search
	Seed   uint32             `json:"seed"`
	State  sweep.State        `json:"state"`
	Epoch  int                `json:"epoch,omitempty"`  // the last one that has all objectives; 0 if the trial diverged
	Values map[string]float64 `json:"values,omitempty"` // the objectives at that epoch
}

// Seen are the trials as the search sees them.
func (r *Record) Seen() (seen []sweep.Trial) {
	for _, t := range r.Trials {
		x := sweep.Trial{Suggestion: sweep.Suggestion{Point: t.Point, Seed: t.Seed}, ID: t.ID, State: t.State}
		if t.Values != nil {
			x.Epochs = []sweep.Epoch{{Epoch: t.Epoch, Evaluated: true, Values: t.Values}}
		}
		seen = append(seen, x)
	}
	return seen
}

// Add adds the comparable trials of a study to what the search sees. Of several studies that have a trial, the first one counts. Errors are
// those of the script's functions and of reading the study.
func (r *Record) Add(ctx context.Context, dir string, v *results.View, s Study) error {
	trials := v.Trials()
	other := donor{Study: s, view: v, varied: varied(v.Meta(), trials)}
	from := Source{Dir: dir, Trials: len(trials)}
	for _, t := range trials {
		x, left, err := other.compared(ctx, t)
		if err == nil && left == nil && slices.ContainsFunc(r.Trials, func(y Trial) bool { return y.ID == t.ID }) {
			left = &Omission{Reason: "a study before it has the same trial"}
		}
		switch {
		case err != nil:
			return err
		case left != nil:
			from.leave(*left)
		default:
			x.Study = len(r.Studies)
			r.Trials = append(r.Trials, x)
			from.Seen++
		}
	}
	r.Studies = append(r.Studies, from)
	return nil
}

// leave counts a trial that the search does not see.
func (s *Source) leave(o Omission) {
	i := slices.IndexFunc(s.Left, func(x Omission) bool { return x.Reason == o.Reason })
	if i < 0 {
		i = len(s.Left)
		s.Left = append(s.Left, o)
	}
	s.Left[i].N++
}

// donor is a study whose trials are compared with those of a search.
type donor struct {
	Study
	view   *results.View
	varied map[string]bool // hyperparameters that have several values
}

// varied are the hyperparameters of which trials have several values. Where one does not apply it has none.
func varied(m results.Meta, trials []results.State) map[string]bool {
	several, first := map[string]bool{}, map[string]any{}
	for _, t := range trials {
		for _, c := range m.Columns {
			switch v := t.Point[c.Name]; {
			case v == nil:
			case first[c.Name] == nil:
				first[c.Name] = v
			case first[c.Name] != v:
				several[c.Name] = true
			}
		}
	}
	return several
}

// compared is a trial as the search sees it, or why it does not.
func (d donor) compared(ctx context.Context, t results.State) (x Trial, left *Omission, err error) {
	names, way := d.objectives(), d.Way(t.Measure, t.Train)
	switch {
	case t.Status == results.Failed || t.Status == results.Skipped:
		return x, &Omission{Reason: "they are " + string(t.Status)}, nil
	case !t.Status.Final():
		return x, &Omission{Reason: "they are not finished"}, nil
	case !slices.Contains(d.Train, t.Train):
		return x, &Omission{Reason: "they were trained on other images"}, nil
	case way != d.Measure:
		return x, &Omission{Reason: fmt.Sprintf("they measure %s otherwise", plain.List(names)), First: way}, nil
	}
	x = Trial{ID: t.ID, Seed: uint32(t.Seed), State: sweep.State(t.Status)}
	if x.Point, left, err = d.point(ctx, t); left != nil || err != nil || x.State == sweep.Diverged {
		return x, left, err
	}
	rows, err := d.view.Epochs(t.ID)
	if err != nil {
		return x, nil, err
	}
	var epochs []sweep.Epoch
	for _, e := range rows {
		epochs = append(epochs, sweep.Epoch{Epoch: e.Epoch, Values: e.Metrics})
	}
	last, measured := d.Measured(epochs, t.Epochs)
	if !measured {
		return x, &Omission{Reason: "no epoch of theirs has " + plain.List(names)}, nil
	}
	x.Epoch, x.Values = last.Epoch, map[string]float64{}
	for _, name := range names {
		x.Values[name] = last.Values[name]
	}
	return x, nil, nil
}

// point is the point of a trial in the space of the search, or why it has none there.
func (d donor) point(ctx context.Context, t results.State) (p spec.Point, left *Omission, err error) {
	if left := d.lacking(t); left != nil {
		return nil, left, nil
	}
	for i, dim := range d.Space {
		p = append(p, spec.Assignment{Name: dim.Name})
		there := t.Point[dim.Name]
		switch unfit := d.Space.Unfit(p, i); {
		case unfit != "" && there != nil:
			return nil, &Omission{Reason: fmt.Sprintf("%s does not apply here where %s", dim.Name, unfit)}, nil
		case unfit != "":
			continue
		case there == nil:
			return nil, &Omission{Reason: "they have no " + dim.Name}, nil
		}
		v, err := spec.ValueOf(there)
		if err != nil {
			return nil, nil, err
		}
		if dim.Derived { // compared below, when all others are known
			continue
		}
		if p[i].Value, err = dim.Typed(v); err != nil {
			return nil, &Omission{Reason: dim.Name + " is outside the space", First: fmt.Sprintf("%s = %v", dim.Name, v)}, nil
		}
	}
	if d.Derive != nil {
		if err := d.Derive(ctx, p); err != nil {
			return nil, nil, err
		}
	}
	for i, dim := range d.Space {
		if v, err := spec.ValueOf(t.Point[dim.Name]); dim.Derived && err == nil && !equal(v, p[i].Value) {
			return nil, &Omission{Reason: fmt.Sprintf("%s follows from the others in another way here", dim.Name),
				First: fmt.Sprintf("%v there, %v here", v, p[i].Value)}, nil
		}
	}
	if d.Allows != nil {
		if allowed, err := d.Allows(ctx, p); !allowed || err != nil {
			return nil, &Omission{Reason: "they do not satisfy the constraint", First: p.String()}, err
		}
	}
	return p, nil, nil
}

// lacking is why the trial is not comparable in a hyperparameter that the space of the search lacks: it varies there, and has another value
// than the setting of that name here. What is derived follows from others.
func (d donor) lacking(t results.State) *Omission {
	for _, c := range d.view.Meta().Columns {
		if d.Space.Place(c.Name) >= 0 || c.Derived || !d.varied[c.Name] {
			continue
		}
		v, err := spec.ValueOf(t.Point[c.Name])
		if err != nil { // it does not apply
			continue
		}
		if here, set := d.Settings.Get(c.Name); !set || !equal(v, here) {
			return &Omission{Reason: c.Name + " varies there, and is neither a hyperparameter nor a setting of that value here",
				First: fmt.Sprintf("%s = %v", c.Name, v)}
		}
	}
	return nil
}

// equal reports whether two values are one, whatever number of both kinds it is.
func equal(v, w spec.Value) bool {
	typed, err := v.As(w.Kind())
	return err == nil && typed == w
}
