package runner

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/starsweep/starsweep/internal/pass"
	"github.com/starsweep/starsweep/internal/plain"
)

// passes shows the progress of passes over images: on a terminal in lines at the bottom that change, otherwise in a line every ten
// seconds. Short passes have no line.
type passes struct {
	w       io.Writer
	console *console // nil: no terminal
	now     func() time.Time

	mu        sync.Mutex
	running   []*runningPass
	shown     time.Time // when the terminal was drawn last
	pinned    bool      // lines are on the terminal
	inPicture bool      // the picture of the study shows the rows
}

// runningPass is a pass, and the time of its last line.
type runningPass struct {
	*pass.Pass
	done            int // copied with over, since the pass belongs to the goroutine that advances it
	over            bool
	begun, reported time.Time
	lines           int
}

const (
	reportEvery = 10 * time.Second
	showAfter   = time.Second // until a pass appears on a terminal
)

// newPasses returns the passes of a command.
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
	case p.console != nil && !p.inPicture && (now.Sub(p.shown) >= redrawEvery || of.Over):
		p.shown = now
		p.pin(p.rows(now))
	}
}

// pin shows rows at the bottom of the terminal. The caller holds p.mu.
func (p *passes) pin(rows []row) {
	before := p.pinned
	p.pinned = len(rows) > 0
	if before || p.pinned {
		p.console.pin(rows)
	}
	if before && !p.pinned {
		p.console.release()
	}
}

// rows returns the rows of passes that have run for a while. The caller holds p.mu.
func (p *passes) rows(now time.Time) (rows []row) {
	for _, r := range p.running {
		if now.Sub(r.begun) >= showAfter {
			rows = append(rows, r.row(now))
		}
	}
	return rows
}

// join leaves the terminal to the picture of the study, and returns a function that returns the rows of passes for it.
func (p *passes) join() (rows func() []row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inPicture = true
	if p.pinned {
		p.pin(nil)
	}
	return func() []row {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.rows(p.now())
	}
}

// row returns the progress of a pass, its speed, and the remaining time.
func (r *runningPass) row(now time.Time) row {
	what := part{text: plain.Line(r.What) + ":", rank: 3, elastic: true} // which may contain a path
	line := row{what, {text: fmt.Sprintf("%d of %d", r.done, r.Total), rank: 1}}
	took := now.Sub(r.begun)
	if r.done == 0 || took <= 0 {
		return line
	}
	line = append(line, part{text: fmt.Sprintf("%.3g/s", float64(r.done)/took.Seconds()), rank: 2})
	if r.over {
		return append(line, part{text: fmt.Sprintf("in %v", took.Round(time.Second))})
	}
	left := time.Duration(float64(took) * float64(r.Total-r.done) / float64(r.done))
	return append(line, part{text: fmt.Sprintf("%v left", left.Round(time.Second))})
}

// line is the row in one line of any length.
func (r *runningPass) line(now time.Time) string {
	var texts []string
	for _, p := range r.row(now)[1:] {
		texts = append(texts, p.text)
	}
	return plain.Line(r.What) + ": " + strings.Join(texts, ", ")
}
