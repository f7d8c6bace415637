// Package pass reports the progress of passes over many images. It knows neither images nor terminals: readers and extractors advance a
// Pass, and commands observe it. A nil Observer costs nothing.
package pass

// Pass is a pass over a number of things, and how many are done. One goroutine at a time advances it.
type Pass struct {
	What        string // what is done to what: "real images through inception"
	Done, Total int
	Over        bool // it has ended, complete or with an error

	to Observer
}

// Observer is called whenever a pass advances, and once when it is over. Several passes may run at the same time; their pointers
// identify them.
type Observer func(*Pass)

// Begin starts a pass, which the caller must end.
func (o Observer) Begin(what string, total int) *Pass {
	p := &Pass{What: what, Total: total, to: o}
	p.report()
	return p
}

// Advance reports n more things as done.
func (p *Pass) Advance(n int) {
	p.Done += n
	p.report()
}

// End ends the pass.
func (p *Pass) End() {
	p.Over = true
	p.report()
}

func (p *Pass) report() {
	if p.to != nil {
		p.to(p)
	}
}
