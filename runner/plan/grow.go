package plan

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"sync"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// growth is what a plan needs to gain trials.
type growth struct {
	source sweep.Source // nil: the plan is whole
	least  int          // trials that there will be, whatever the results
	most   int          // trials
	skips  int          // of the least trials, those that the script skips
	sample int          // points that were traced before there were any
	mu     sync.RWMutex // of what Add changes
	read   func(*model.Job) (model.Inputs, error)
	added  []sweep.Suggestion
	places map[[8]byte]int // of the trials added, by ID
	order  []uint32        // places by suggestion
}

// Source suggests the trials of a plan that grows.
type Source interface {
	sweep.Source
	Least() int // suggestions, whatever the results
	Most() int  // suggestions
}

// Grow returns a plan without trials, which gains those that a source suggests. The points of a sample are traced for their errors,
// programs and columns, since nothing else is known before trials run. Where the source is sure of some suggestions, the sample is all of
// its points, and each of them has as many.
func Grow(ctx context.Context, s Study, source Source, sample spec.Points) (*Plan, error) {
	p := newPlan(s, &search.Blocks{})
	p.source, p.most, p.sample, p.places = source, source.Most(), sample.Len(), map[[8]byte]int{}
	families, configurations := make([]uint32, sample.Len()), make([]string, sample.Len())
	found, err := p.trace(ctx, sample, func(i int, family uint32, configuration string) {
		families[i], configurations[i] = family, configuration
	})
	if err != nil {
		return nil, err
	}
	if source.Least() > 0 {
		p.bound(source, families, configurations)
	}
	place := p.adopt(found)
	for _, f := range families {
		if f != skipped {
			p.Families[place[f]].Points++
		}
	}
	return p, nil
}

// bound counts the trials of a source whose points are known: those of one configuration have the same trials, and one that is skipped gets
// no more of them.
func (p *Plan) bound(source Source, families []uint32, configurations []string) {
	points, skips := map[string]bool{}, 0
	for i, c := range configurations {
		if !points[c] && families[i] == skipped {
			skips++
		}
		points[c] = true
	}
	least, most := source.Least()/p.sample, source.Most()/p.sample // of a point
	p.least, p.skips = least*len(points), least*skips
	p.most = most*(len(points)-skips) + p.skips
}

// Source is what suggests the trials; nil if the plan is whole.
func (p *Plan) Source() sweep.Source { return p.source }

// Grows reports whether a source suggests the trials.
func (p *Plan) Grows() bool { return p.source != nil }

// Suggested is the number of suggestions so far: the length of a history.
func (p *Plan) Suggested() int {
	if p.source == nil {
		return p.Len()
	}
	return len(p.added)
}

// PlaceOf is the place of the trial that suggestion i has, as a history shows it. Several suggestions may have the same trial. In a plan
// that Make made, the suggestions are the trials.
func (p *Plan) PlaceOf(i int) int {
	if p.source == nil {
		return i
	}
	return int(p.order[i])
}

// Suggestion is suggestion i, which may have the trial of an earlier one.
func (p *Plan) Suggestion(i int) sweep.Suggestion {
	if p.source == nil {
		return p.suggestion(int(p.trials[i].index))
	}
	return p.added[i]
}

// Next asks the source of the plan for its next suggestion. The errors are those of a source: io.EOF if there are no more, as in a plan
// that Make made.
func (p *Plan) Next(h sweep.History) (sweep.Suggestion, error) {
	if p.source == nil {
		return sweep.Suggestion{}, io.EOF
	}
	return p.source.Next(p.Suggested(), h)
}

// TrialOf is the ID of the trial that a suggestion has, in a plan that Identify has identified. Errors are those of the job.
func (p *Plan) TrialOf(ctx context.Context, s sweep.Suggestion) (id string, err error) {
	t, err := p.slotOf(ctx, s)
	return hex.EncodeToString(t.id[:]), err
}

// Add adds the next suggestion to the plan, which Identify has identified, and returns the place of its trial. If an earlier suggestion has
// the same trial, it returns the place of that, which takes the larger of the two budgets. Errors are those of the job. Only one
// goroutine at a time may add trials.
func (p *Plan) Add(ctx context.Context, s sweep.Suggestion) (place int, err error) {
	t, err := p.slotOf(ctx, s)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	place, ok := p.places[t.id]
	switch {
	case !ok:
		place = len(p.trials)
		p.places[t.id] = place
		p.trials = append(p.trials, t)
		p.count(t)
	case p.epochs(t) > p.epochs(p.trials[place]):
		p.Families[p.trials[place].family].Trials--
		p.trials[place] = t
		p.count(t)
	}
	p.added, p.order = append(p.added, s), append(p.order, uint32(place))
	return place, nil
}

// slotOf is the trial of the next suggestion, as the plan would keep it.
func (p *Plan) slotOf(ctx context.Context, s sweep.Suggestion) (slot, error) {
	t := slot{index: uint32(len(p.added)), family: skipped}
	job, err := p.study.Job(ctx, s.Point)
	var skip *model.Skipped
	switch {
	case errors.As(err, &skip):
		t.setID(skipConfiguration(s.Point, skip), s.Seed)
	case err != nil:
		return t, err
	default:
		if t.family, err = p.familyOf(job, s); err != nil {
			return t, err
		}
		t.setID(job.Configuration(p.inputs[t.family]), s.Seed)
	}
	return t, nil
}

// familyOf is the number of a job's family, which is added if it is new.
func (p *Plan) familyOf(job *model.Job, s sweep.Suggestion) (uint32, error) {
	key := familyKey(job)
	if number, ok := p.families[key]; ok {
		return number, nil
	}
	in := job.Unread()
	if p.read != nil {
		var err error
		if in, err = p.read(job); err != nil {
			return 0, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.add(key, Family{Job: job, Point: s.Point, first: s.Index}, in), nil
}
