package runner

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
)

// bars shows one line for each running trial and a bar for the study, at the bottom of a terminal.
type bars struct {
	lines
	console *console
	now     func() time.Time
	start   time.Time
	stop    func()          // stops the redrawing
	leave   func()          // leaves the bar of the study on the terminal
	passes  func() []string // progress lines of passes over images

	mu      sync.Mutex
	before  int             // trials that were finished before
	ended   map[string]bool // by ID
	running []*runningTrial
}

// runningTrial holds what bars show of a trial.
type runningTrial struct {
	plan.Trial
	epoch   int
	summary string
}

// redrawEvery is the interval at which the terminal is redrawn, with the time that has passed.
const redrawEvery = 200 * time.Millisecond

// newBars shows bars until they are closed. The console must be a terminal.
func newBars(env *Env, trials, done int, p *passes) *bars {
	b := &bars{lines: lines{w: env.Stderr, total: trials}, console: env.console, now: env.Now, start: env.Now(), before: done,
		ended: map[string]bool{}, passes: p.bars()}
	ended, clock := make(chan struct{}), make(chan struct{})
	b.stop = sync.OnceFunc(func() { close(ended); <-clock })
	b.leave = sync.OnceFunc(func() { b.console.pin(b.render()); b.console.release() })
	b.console.pin(b.render())
	go func() {
		defer close(clock)
		tick := time.NewTicker(redrawEvery)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				b.console.pin(b.render())
			}
		}
	}()
	return b
}

func (b *bars) Began(p plan.Trial) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running = append(b.running, &runningTrial{Trial: p})
}

func (b *bars) Epoch(p plan.Trial, row results.Epoch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.running {
		if t.ID == p.ID {
			t.epoch, t.summary = row.Epoch, summary(p, row)
		}
	}
}

func (b *bars) Ended(p plan.Trial, o results.Outcome) {
	b.mu.Lock()
	b.running = slices.DeleteFunc(b.running, func(t *runningTrial) bool { return t.ID == p.ID })
	if o.Status != results.Interrupted && o.Status != results.Paused {
		b.ended[p.ID] = true
	}
	b.mu.Unlock()
	if o.Status != results.Completed {
		b.lines.Ended(p, o)
	}
}

// count counts a trial that has ended, in this process or another.
func (b *bars) count(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended[id] = true
}

// close leaves the bar of the study on the terminal. It does not wait for trials that an error has stopped.
func (b *bars) close() {
	b.stop()
	b.mu.Lock()
	b.running = nil
	b.mu.Unlock()
	b.leave()
}

// render returns the lines. The parts that change come first, since narrow terminals cut off the ends.
func (b *bars) render() (lines []string) {
	passes := b.passes()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.running {
		line := fmt.Sprintf("%d/%d  epoch %d/%d", t.Place, b.total, t.epoch, t.Job.Epochs)
		if t.summary != "" {
			line += "  " + t.summary
		}
		lines = append(lines, plain.Line(line+"  "+label(t.Trial)))
	}
	lines = append(lines, passes...)
	done := min(b.before+len(b.ended), b.total)
	return append(lines, fmt.Sprintf("study %d/%d trials  %s  %v", done, b.total, bar(done, b.total),
		b.now().Sub(b.start).Round(time.Second)))
}

// bar draws a bar that shows a part of a whole.
func bar(part, whole int) string {
	const length = 30
	full := length
	if whole > 0 {
		full = part * length / whole
	}
	return "[" + strings.Repeat("=", full) + strings.Repeat(" ", length-full) + "]"
}
