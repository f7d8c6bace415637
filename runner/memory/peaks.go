package memory

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/runner/plan"
)

// Peak is the peak memory of a process that trains one trial of a program.
type Peak struct {
	bytes     int
	estimated bool // and not known from the backend
}

func (p Peak) String() string {
	mark := ""
	if p.estimated {
		mark = "~"
	}
	return fmt.Sprintf("%s%.0f", mark, float64(p.bytes)/1e6)
}

// plannedPrograms is the largest number of programs that are compiled to measure their memory; each takes a tenth of a second.
const plannedPrograms = 64

// Peaks returns the peaks of a plan's programs by fingerprint, each for its largest trial. size counts the images of a data set.
func (m *Pool) Peaks(p *plan.Plan, b *train.Backend, size func(spec.Data) (int, bool)) (map[string]Peak, error) {
	known, peaks := map[string]train.Memory{}, map[string]Peak{}
	for _, x := range p.Programs {
		f := x.Fingerprint()
		known[f] = train.LiveMemory(x)
		if b.Accelerator() || len(p.Programs) > plannedPrograms || m.Check(leastOf(x), true) != nil {
			continue // an estimate must suffice
		}
		c, err := train.Compile(b, x)
		if err != nil {
			return nil, err
		}
		known[f] = c.Memory()
	}
	for _, k := range p.Families {
		j := k.Job
		f := j.Program.Fingerprint()
		n := Of(j, known[f], b.Accelerator(), Images(j, size))
		if bytes := m.process + n.Total(); bytes > peaks[f].bytes {
			peaks[f] = Peak{bytes, !known[f].Planned}
		}
	}
	return peaks, nil
}

// leastOf returns what every trial of a program needs.
func leastOf(p *model.Program) Need { return Need{Own: 3 * p.StateBytes()} }

// Unfit returns the trials of a plan that would fail on a processor of this machine because they do not fit into its memory. Only
// programs that may be too large are compiled.
func (m *Pool) Unfit(p *plan.Plan, b *train.Backend, size func(spec.Data) (int, bool)) (*plan.Errors, error) {
	known := map[string]train.Memory{}
	n, _ := p.Traced()
	errs := &plan.Errors{Points: n}
	for _, k := range p.Families {
		j := k.Job
		if err := m.Check(Least(j, false), true); err != nil {
			errs.Count(err, k.Point, k.Traced())
			continue
		}
		f, images := j.Program.Fingerprint(), Images(j, size)
		if _, ok := known[f]; !ok {
			known[f] = train.LiveMemory(j.Program)
			if m.Check(Of(j, known[f], false, images), true) != nil { // the exact size is usually smaller
				c, err := train.Compile(b, j.Program)
				if err != nil {
					return nil, err
				}
				known[f] = c.Memory()
			}
		}
		if err := m.Check(Of(j, known[f], false, images), false); err != nil {
			errs.Count(err, k.Point, k.Traced())
		}
	}
	return errs, nil
}
