package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/starsweep/starsweep/results/report"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/supervise"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

// conclusion is what a process of a run knows at its end that the directory of the study does not say. A worker process hands it to its
// supervisor, so that the summary comes once, after all of them, and is about all of them.
type conclusion struct {
	Code      int               `json:"code"`
	Said      string            `json:"said"` // why the study is not trained to its end, or which trials failed
	Dir       string            `json:"dir"`
	Planned   int               `json:"planned"`
	Counts    tally             `json:"counts"`
	Remaining *summaryRemaining `json:"remaining"`
	Left      string            `json:"left"`    // the same in words
	Decided   *search.Decided   `json:"decided"` // of a study with adaptive seeds that is finished
}

// message is what a worker process tells its supervisor.
type message struct {
	Phases     execute.Phases `json:"phases"` // so far
	Conclusion *conclusion    `json:"conclusion,omitempty"`
}

// tell tells a supervisor, if there is one.
func tell(to *supervise.Worker, m message) {
	text, err := json.Marshal(m)
	if err == nil { // it has numbers and text alone
		to.Tell(text)
	}
}

// messages is what the worker processes of a run have told. Its methods may be called from several goroutines.
type messages struct {
	mu          sync.Mutex
	phases      map[*supervise.Process]execute.Phases // of those that were replaced, too
	conclusions []conclusion
}

func (m *messages) hear(from *supervise.Process, text []byte) {
	var x message
	if json.Unmarshal(text, &x) != nil {
		return // of a process that was killed while it wrote
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.phases[from] = x.Phases
	if x.Conclusion != nil {
		m.conclusions = append(m.conclusions, *x.Conclusion)
	}
}

// conclusion is that of the command, which ends with a code: the last one that ended with it or, as to the numbers, the last one of all.
// There is none if no process has begun to train.
func (m *messages) conclusion(code int) (c conclusion, p execute.Phases, found bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, own := range m.phases {
		p.Add(own)
	}
	if len(m.conclusions) == 0 {
		return c, p, false
	}
	for _, c := range slices.Backward(m.conclusions) {
		if c.Code == code {
			return c, p, true
		}
	}
	c = m.conclusions[len(m.conclusions)-1]
	c.Said = ""
	return c, p, true
}

// conclude writes the report, prints the summary of a run, and then why work remains.
func (e *Env) conclude(c conclusion, p execute.Phases, o runOptions, began time.Time) error {
	loud := e.aloud()
	s := runSummary{eventHead: eventHead{Event: "summary", Time: e.Now().UTC()}, Planned: c.Planned, Counts: map[string]int{},
		Seconds: e.Now().Sub(began).Seconds(), Phases: p, Remaining: c.Remaining, Decided: summaryOf(c.Decided)}
	s.PerSecond = rate(p.Images, p.Train)
	for status, n := range c.Counts {
		s.Counts[string(status)], s.Finished = n, s.Finished+n
	}
	if !o.inJSON {
		loud.printOutcomes(c.Counts, s.Planned, s.Seconds)
	}
	err := e.concludeStudy(&s, c, o)
	if c.Said != "" {
		fmt.Fprintf(loud.Stderr, "starsweep: %s\n", c.Said)
	}
	return err
}

// concludeStudy adds what the directory says.
func (e *Env) concludeStudy(s *runSummary, c conclusion, o runOptions) error {
	loud := e.aloud()
	v, err := e.openView(c.Dir)
	if err != nil {
		return err
	}
	defer v.Close()
	if c.Left != "" && !o.inJSON {
		fmt.Fprintf(loud.Stdout, "remaining %s\n", c.Left)
		held := heldNow(v)
		for _, process := range slices.Sorted(maps.Keys(held)) {
			fmt.Fprintf(loud.Stdout, "%d of them in %s\n", held[process], process)
		}
	}
	s.Report = filepath.Join(v.Dir(), "report.html")
	err = report.File(s.Report, v, report.Options{})
	if err := errors.Join(err, s.summarize(v)); err != nil {
		return err
	}
	if o.inJSON {
		return (&events{to: e.events}).write(s)
	}
	s.print(loud.Stdout)
	return nil
}
