package runner

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/starsweep/starsweep/internal/pass"
	"github.com/starsweep/starsweep/internal/plain"
)

// passes shows how far passes over images are: in lines that change at the bottom of a terminal, else in a line every ten seconds.
// Short passes are not worth a line.
type passes struct {
	w       io.Writer
	console *console // nil: no terminal
	now     func() time.Time

	mu      sync.Mutex
	running []*runningPass
	shown   time.Time // when the terminal was last drawn
	pinned  bool      // lines are on it
	inBars  bool      // the study's bars show the lines
}

// runningPass is a pass and when it was last spoken of.
type runningPass struct {
	*pass.Pass
	done            int // copies: the pass belongs to the goroutine that advances it
	over            bool
	begun, reported time.Time
	lines           int
}

const (
	reportEvery = 10 * time.Second
	showAfter   = time.Second // a pass shows on a terminal after so long
)

// newPasses watches passes for a command.
func newPasses(env *Env) *passes {
	p := &passes{w: env.Stderr, now: env.Now}
	if env.Size != nil {
		p.console = env.console
	}
	return p
}

// watch implements pass.Observer.
func (p *passes) watch(of *pass.Pass) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	i := slices.IndexFunc(p.running, func(r *runningPass) bool { return r.Pass == of })
	if i < 0 {
		i = len(p.running)
		p.running = append(p.running, &runningPass{Pass: of, begun: now, reported: now})
	}
	r := p.running[i]
	r.done, r.over = of.Done, of.Over
	if of.Over {
		p.running = slices.Delete(p.running, i, i+1)
	}
	switch {
	case p.console == nil && (now.Sub(r.reported) >= reportEvery || of.Over && r.lines > 0):
		r.reported, r.lines = now, r.lines+1
		fmt.Fprintln(p.w, r.line(now))
	case p.console != nil && !p.inBars && (now.Sub(p.shown) >= redrawEvery || of.Over):
		p.shown = now
		p.pin(p.lines(now))
	}
}

// pin shows lines at the bottom of the terminal. The caller holds the lock.
func (p *passes) pin(lines []string) {
	before := p.pinned
	p.pinned = len(lines) > 0
	if before || p.pinned {
		p.console.pin(lines)
	}
	if before && !p.pinned {
		p.console.release()
	}
}

// lines are those of the passes that run for a while. The caller holds the lock.
func (p *passes) lines(now time.Time) (lines []string) {
	for _, r := range p.running {
		if now.Sub(r.begun) >= showAfter {
			lines = append(lines, r.line(now))
		}
	}
	return lines
}

// bars leaves the terminal to the study's bars, and returns the lines that they show.
func (p *passes) bars() (lines func() []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inBars = true
	if p.pinned {
		p.pin(nil)
	}
	return func() []string {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.lines(p.now())
	}
}

// line is how far a pass is, how fast, and how long the rest takes at this speed.
func (r *runningPass) line(now time.Time) string {
	s := fmt.Sprintf("%s: %d of %d", plain.Line(r.What), r.done, r.Total) // a path may be part of it
	took := now.Sub(r.begun)
	if r.done == 0 || took <= 0 {
		return s
	}
	s += fmt.Sprintf(", %.3g/s", float64(r.done)/took.Seconds())
	if r.over {
		return s + fmt.Sprintf(", in %v", took.Round(time.Second))
	}
	left := time.Duration(float64(took) * float64(r.Total-r.done) / float64(r.done))
	return s + fmt.Sprintf(", %v left", left.Round(time.Second))
}
