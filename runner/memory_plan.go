package runner

import (
	"fmt"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/runner/plan"
)

// peak is the peak memory of a process that trains one trial of a program.
type peak struct {
	bytes     int
	estimated bool // and not known from the backend
}

func (p peak) String() string {
	mark := ""
	if p.estimated {
		mark = "~"
	}
	return fmt.Sprintf("%s%.0f", mark, float64(p.bytes)/1e6)
}

// plannedPrograms is the largest number of programs that are compiled to measure their memory; each takes a tenth of a second.
const plannedPrograms = 64

// peaks returns the peaks of a plan's programs by fingerprint, each for its largest trial. size counts the images of a data set.
func (m *memory) peaks(p *plan.Plan, b *train.Backend, size func(spec.Data) (int, bool)) (map[string]peak, error) {
	known, peaks := map[string]train.Memory{}, map[string]peak{}
	for _, x := range p.Programs {
		f := x.Fingerprint()
		known[f] = train.LiveMemory(x)
		if b.Accelerator() || len(p.Programs) > plannedPrograms || m.check(leastOf(x), true) != nil {
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
		n := needOf(j, known[f], b.Accelerator(), jobImages(j, size))
		if bytes := m.process + n.total(); bytes > peaks[f].bytes {
			peaks[f] = peak{bytes, !known[f].Planned}
		}
	}
	return peaks, nil
}

// leastOf returns what every trial of a program needs.
func leastOf(p *model.Program) need { return need{own: 3 * p.StateBytes()} }

// checkMemory warns of trials that would fail because they do not fit into the memory of this machine. Only programs that may be too
// large are compiled.
func (e *Env) checkMemory(p *plan.Plan) error {
	m := newMemory(e)
	if m.room.Bytes == 0 {
		return nil
	}
	b, err := e.openBackend("cpu")
	if err != nil {
		return err
	}
	defer b.Close()
	known := map[string]train.Memory{}
	errs := &plan.Errors{Points: p.Len()}
	count := e.counter()
	for _, k := range p.Families {
		j := k.Job
		if err := m.check(leastNeed(j, false), true); err != nil {
			errs.Count(err, k.Point, k.Trials)
			continue
		}
		f, images := j.Program.Fingerprint(), jobImages(j, count)
		if _, ok := known[f]; !ok {
			known[f] = train.LiveMemory(j.Program)
			if m.check(needOf(j, known[f], false, images), true) != nil { // the exact size is usually smaller
				c, err := train.Compile(b, j.Program)
				if err != nil {
					return err
				}
				known[f] = c.Memory()
			}
		}
		if err := m.check(needOf(j, known[f], false, images), false); err != nil {
			errs.Count(err, k.Point, k.Trials)
		}
	}
	for _, x := range errs.List {
		warn(e, []string{fmt.Sprintf("%d of %d trials will fail, first with %v: %v", x.Count, errs.Points, x.Point, x.Err)})
	}
	return nil
}
