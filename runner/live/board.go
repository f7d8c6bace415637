package live

import (
	"context"
	"html/template"
	"slices"
	"sync"
	"time"
)

// Section is a part of a page. Its HTML is complete and safe to show.
type Section struct {
	ID, Title string
	HTML      template.HTML
}

// board holds the sections that pages show, by topic, and who looks at them. Each change has a version, so that a reader who knows the
// last one that it has seen is told what has changed since, and no more, however slow it is.
type board struct {
	now func() time.Time

	mu      sync.Mutex
	version int64
	topics  map[string]*topic
	readers map[*reader]bool
	kicked  map[*purse]chan struct{} // by purse: something may be due
}

// topic is a group of sections that are rendered together.
type topic struct {
	name   string
	render func() ([]Section, error)
	purse  *purse // what pays for its renderings

	stale    bool      // what it shows has changed since it was rendered last
	asked    time.Time // when a page last had it
	sections []shown
	layout   int64         // the version in which its sections were last other ones, or in another order
	ready    chan struct{} // closed when it was rendered once
}

// shown is a section as it was rendered last, with the version in which it changed.
type shown struct {
	Section
	version int64
}

// purse limits the time that renderings take to a share of all time.
type purse struct {
	share float64
	free  time.Time // until then it is empty
}

// pay notes that a rendering took a time, and ended now.
func (p *purse) pay(took time.Duration, now time.Time) {
	p.free = now.Add(time.Duration(float64(took) * (1/p.share - 1)))
}

// reader is somebody who follows topics.
type reader struct {
	topics []string
	seen   int64         // the last version that it knows
	wake   chan struct{} // has an element if there may be news
}

// newBoard returns a board without topics, whose versions are above those of any board that was made before.
func newBoard(now func() time.Time, purses ...*purse) *board {
	b := &board{now: now, version: now().UnixMilli(), topics: map[string]*topic{}, readers: map[*reader]bool{},
		kicked: map[*purse]chan struct{}{}}
	for _, p := range purses {
		b.kicked[p] = make(chan struct{}, 1)
	}
	return b
}

// forgetAfter is how long a topic stays that nobody reads, and mostTopics how many there are at most.
const (
	forgetAfter = time.Minute
	mostTopics  = 256
)

// add adds a topic, unless the board has it, and notes that a page has it. It is false if there are too many.
func (b *board) add(name string, p *purse, render func() ([]Section, error)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.topics[name]
	if t == nil {
		if len(b.topics) >= mostTopics {
			return false
		}
		t = &topic{name: name, render: render, purse: p, stale: true, ready: make(chan struct{})}
		b.topics[name] = t
	}
	t.asked = b.now()
	b.kick(p)
	return true
}

// kick wakes the painter of a purse. The caller holds b.mu.
func (b *board) kick(p *purse) {
	select {
	case b.kicked[p] <- struct{}{}:
	default:
	}
}

// outdate notes that what topics show has changed: all for which changed is true.
func (b *board) outdate(changed func(name string) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, t := range b.topics {
		if changed(name) {
			t.stale = true
		}
	}
}

// read returns the sections of a topic as they were rendered last. It waits a while for the first time.
func (b *board) read(ctx context.Context, name string, wait time.Duration) (sections []Section, version int64) {
	b.mu.Lock()
	t := b.topics[name]
	b.mu.Unlock()
	if t == nil {
		return nil, 0
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case <-t.ready:
	case <-late.C:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range t.sections {
		sections = append(sections, s.Section)
	}
	return sections, b.version
}

// paint renders what a purse pays for, as soon as it is stale, read by somebody, and the purse is not empty, until ctx is done.
func (b *board) paint(ctx context.Context, p *purse, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		for t := b.due(p); t != nil && ctx.Err() == nil; t = b.due(p) {
			b.renew(t)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-b.kicked[p]:
		}
	}
}

// due is a stale topic to render now, the one that was never rendered or has been asked for last; nil if there is none.
func (b *board) due(p *purse) (next *topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	followed := map[string]bool{}
	for r := range b.readers {
		for _, name := range r.topics {
			followed[name] = true
		}
	}
	for name, t := range b.topics {
		unread := !followed[name] && now.Sub(t.asked) > forgetAfter
		if unread {
			delete(b.topics, name)
			continue
		}
		first := t.sections == nil
		if t.purse != p || !t.stale || !first && now.Before(p.free) {
			continue
		}
		if next == nil || first && next.sections != nil || first == (next.sections == nil) && t.asked.After(next.asked) {
			next = t
		}
	}
	if next != nil {
		next.stale = false // what changes from now on, the rendering may miss
	}
	return next
}

// renew renders a topic, and tells its readers what has changed.
func (b *board) renew(t *topic) {
	start := b.now()
	sections, err := t.render()
	if err != nil {
		sections = failed(t.name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.purse.pay(b.now().Sub(start), b.now())
	if t.put(sections, b.version+1) {
		b.version++
		for r := range b.readers {
			if slices.Contains(r.topics, t.name) {
				r.tell()
			}
		}
	}
	select {
	case <-t.ready:
	default:
		close(t.ready)
	}
}

// put replaces the sections of a topic, and reports whether any has changed.
func (t *topic) put(sections []Section, version int64) (changed bool) {
	before := map[string]shown{}
	for _, s := range t.sections {
		before[s.ID] = s
	}
	same := len(sections) == len(t.sections) && t.sections != nil
	renewed := make([]shown, len(sections))
	for i, s := range sections {
		same = same && t.sections[i].ID == s.ID
		renewed[i] = shown{s, version}
		if old, was := before[s.ID]; was && old.Section == s {
			renewed[i].version = old.version
			continue
		}
		changed = true
	}
	if !same {
		t.layout, changed = version, true
	}
	t.sections = renewed
	return changed
}

// tell wakes a reader.
func (r *reader) tell() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// mostReaders is the number of readers that a board has at most.
const mostReaders = 64

// follow returns a reader of topics that knows a version. The caller leaves in the end. It is nil if there are too many.
func (b *board) follow(topics []string, seen int64) *reader {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.readers) >= mostReaders {
		return nil
	}
	r := &reader{topics: topics, seen: seen, wake: make(chan struct{}, 1)}
	b.readers[r] = true
	for p := range b.kicked {
		b.kick(p)
	}
	r.tell()
	return r
}

func (b *board) leave(r *reader) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.readers, r)
	for _, name := range r.topics {
		if t := b.topics[name]; t != nil {
			t.asked = b.now()
		}
	}
}

// change is what a reader is told: all sections of a topic, or those that have changed.
type change struct {
	Topic    string    `json:"topic"`
	All      bool      `json:"all"`
	Sections []Section `json:"sections"`
}

// news is what has changed since the version that a reader knows, which then knows it.
func (b *board) news(r *reader) (list []change, version int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range r.topics {
		t := b.topics[name]
		if t == nil {
			continue
		}
		c := change{Topic: name, All: t.layout > r.seen, Sections: []Section{}}
		for _, s := range t.sections {
			if c.All || s.version > r.seen {
				c.Sections = append(c.Sections, s.Section)
			}
		}
		if c.All || len(c.Sections) > 0 {
			list = append(list, c)
		}
	}
	r.seen = b.version
	return list, b.version
}
