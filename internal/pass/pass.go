// Package pass reports how far passes over many images are, for whoever shows it to the user. It knows neither images nor
// terminals: readers and extractors advance a Pass, and commands observe it. A nil Observer is told nothing, at no cost.
package pass

// Pass is a pass over so many things, as far as it is. One goroutine advances it at a time.
type Pass struct {
	What        string // what is done to what: "real images through inception"
	Done, Total int
	Over        bool // it has ended: complete, or with an error

	to Observer
}

// Observer is called whenever a pass advances, and once when it is over. Passes may run at the same time; a pass is known by its
// pointer.
type Observer func(*Pass)

// Begin starts a pass. The caller ends it.
func (o Observer) Begin(what string, total int) *Pass {
	p := &Pass{What: what, Total: total, to: o}
	p.report()
	return p
}

// Advance counts n more things as done.
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
