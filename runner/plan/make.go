package plan

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// Make expands a search that does not read the history. Errors of jobs are returned together, as *Errors.
func Make(ctx context.Context, s Study, all *search.Blocks) (*Plan, error) {
	p := newPlan(s, all)
	p.trials = make([]slot, all.Len())
	found, err := p.trace(ctx, all.Points, p.name)
	if err != nil {
		return nil, err
	}
	p.arrange(found)
	return p, nil
}

func newPlan(s Study, all *search.Blocks) *Plan {
	return &Plan{study: s, blocks: all, LeftOut: all.LeftOut, families: map[string]uint32{}, programs: map[string]int{}}
}

// trace makes the jobs of all points. named is called for each with the number of its family by discovery, or skipped, and its
// configuration.
func (p *Plan) trace(ctx context.Context, points spec.Points, named func(i int, family uint32, configuration string)) (*families, error) {
	found := &families{known: map[string]*family{}}
	errs, err := eachPoint(ctx, points, func(i int, point spec.Point) error {
		job, err := p.study.Job(ctx, point)
		var skip *model.Skipped
		switch {
		case errors.As(err, &skip):
			named(i, skipped, skipConfiguration(point, skip))
		case err != nil:
			return err
		default:
			named(i, found.of(job, point, i).number, job.Configuration(job.Unread()))
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case errs != nil:
		return nil, errs
	}
	return found, nil
}

// skipConfiguration identifies what the rows of a skipped trial say.
func skipConfiguration(p spec.Point, why *model.Skipped) string {
	return spec.ContentID(fmt.Sprintf("skipped %v\n%s", p, why.Reason))
}

// families are those of a plan while several goroutines find them, in any order.
type families struct {
	mu    sync.Mutex
	known map[string]*family // by what they agree in
}

// family is a Family that was found.
type family struct {
	Family
	key    string // what its jobs agree in
	number uint32 // by discovery
}

// of is the family of a job.
func (f *families) of(j *model.Job, point spec.Point, i int) *family {
	key := familyKey(j)
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.known[key]
	if x == nil {
		x = &family{Family: Family{Job: j, Point: point, first: i}, key: key, number: uint32(len(f.known))}
		f.known[key] = x
	}
	if i < x.first {
		x.Job, x.Point, x.first = j, point, i
	}
	return x
}

// familyKey is what the jobs of a family agree in.
func familyKey(j *model.Job) string {
	key := fmt.Sprint(j.Program.Fingerprint(), j.Data, j.Epochs, j.Evaluation)
	for _, c := range j.Columns() {
		key += " " + c.Name
	}
	return key
}

// name sets the IDs of the trials of point i.
func (p *Plan) name(i int, family uint32, configuration string) {
	for j, seed := range p.blocks.Seeds {
		s := slot{index: uint32(j*p.blocks.Points.Len() + i), family: family}
		s.setID(configuration, seed)
		p.trials[s.index] = s
	}
}

func (s *slot) setID(configuration string, seed uint32) {
	hex.Decode(s.id[:], []byte(spec.TrialID(configuration, seed)))
}

// arrange numbers families and programs by first use, leaves out trials that others contain, and puts the trials of one seed and one
// program together, those that are skipped first.
func (p *Plan) arrange(found *families) {
	place := p.adopt(found)
	for i, t := range p.trials {
		if t.family != skipped {
			p.trials[i].family = place[t.family]
		}
	}
	p.distinct()
	slices.SortStableFunc(p.trials, func(a, b slot) int {
		return cmp.Or(cmp.Compare(p.block(a), p.block(b)), cmp.Compare(p.program(a), p.program(b)))
	})
}

// adopt adds the families that were found, and returns their numbers in the plan by their numbers by discovery.
func (p *Plan) adopt(found *families) []uint32 {
	place := make([]uint32, len(found.known))
	for _, f := range slices.SortedFunc(maps.Values(found.known), func(a, b *family) int { return cmp.Compare(a.first, b.first) }) {
		place[f.number] = p.add(f.key, f.Family, f.Job.Unread())
	}
	return place
}

// add adds a family, with its program unless another one has it, and returns its number.
func (p *Plan) add(key string, f Family, in model.Inputs) uint32 {
	program, ok := p.programs[f.Job.Program.Fingerprint()]
	if !ok {
		program = len(p.Programs)
		p.programs[f.Job.Program.Fingerprint()] = program
		p.Programs = append(p.Programs, f.Job.Program)
	}
	f.program = program
	number := uint32(len(p.Families))
	p.families[key] = number
	p.Families, p.inputs = append(p.Families, f), append(p.inputs, in)
	return number
}

// block is the number of the trial's seed.
func (p *Plan) block(s slot) int { return int(s.index) / p.blocks.Points.Len() }

// program is the place of the trial's program, -1 if it is skipped.
func (p *Plan) program(s slot) int {
	if s.family == skipped {
		return -1
	}
	return p.Families[s.family].program
}

// distinct leaves out trials with the ID of another one, and counts them. Of trials that differ only in their number of epochs it keeps
// the longest, whose first epochs are those of the others; of equal ones the first.
func (p *Plan) distinct() {
	type trial struct{ place, epochs uint32 }
	keep := make(map[[8]byte]trial, len(p.trials))
	for i, t := range p.trials {
		if other, ok := keep[t.id]; !ok || p.epochs(t) > int(other.epochs) {
			keep[t.id] = trial{uint32(i), uint32(p.epochs(t))}
		}
	}
	p.Skipped = 0
	for i := range p.Families {
		p.Families[i].Trials = 0
	}
	kept := p.trials[:0]
	for i, t := range p.trials {
		switch k := keep[t.id]; {
		case int(k.place) == i:
			kept = append(kept, t)
			p.count(t)
		case p.epochs(t) < int(k.epochs):
			p.Shorter++
		default:
			p.Repeated++
		}
	}
	p.trials = kept
}

// count counts a trial of the plan.
func (p *Plan) count(t slot) {
	if t.family == skipped {
		p.Skipped++
	} else {
		p.Families[t.family].Trials++
	}
}

// Identify assigns trials the IDs of their content, for which inputs reads what the jobs of a family read, and leaves out
// trials that others contain. Trials that are added later are identified in the same way.
func (p *Plan) Identify(ctx context.Context, inputs func(*model.Job) (model.Inputs, error)) error {
	p.read = inputs
	for i, f := range p.Families {
		var err error
		if p.inputs[i], err = inputs(f.Job); err != nil {
			return err
		}
	}
	for i, t := range p.trials {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if t.family == skipped { // it reads nothing
			continue
		}
		s := p.suggestion(int(t.index))
		job, err := p.study.Job(ctx, s.Point)
		if err != nil {
			return err
		}
		p.trials[i].setID(job.Configuration(p.inputs[t.family]), s.Seed)
	}
	p.distinct()
	return nil
}
