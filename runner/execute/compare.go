package execute

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
)

// comparisons are what the study has recorded of the contests among its judges, in the order that all processes follow.
type comparisons struct {
	entries []sweep.Entry
	last    map[comparison]sweep.Verdict
	news    bool // since the judges were asked which paused trials go on
}

// comparison is a trial at an epoch.
type comparison struct {
	trial string
	epoch int
}

// judge asks the judges whether a trial goes on.
func (a *agenda) judge(p plan.Trial) (sweep.Verdict, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := &history{agenda: a}
	t := h.trial(p.Place - 1)
	if v := a.x.Judges.Judge(t); v.Action != sweep.Continue || h.err != nil {
		return v, h.err
	}
	e, due := a.x.Judges.Enter(t)
	if !due {
		return sweep.Verdict{}, nil
	}
	if err := a.readVerdicts(); err != nil {
		return sweep.Verdict{}, err
	}
	for {
		if v, known := a.compared.last[comparison{t.ID, e.Epoch}]; known {
			return v, nil
		}
		e.Verdict = a.x.Judges.Compare(t, e, sweep.Entries{List: a.compared.entries})
		if err := a.record(e); err != nil {
			return sweep.Verdict{}, err
		}
	}
}

// promote lets paused trials go on that the judges promote. over says that nothing else can run. The caller holds a.mu.
func (a *agenda) promote(over bool) error {
	for over || a.compared.news {
		next, ok := a.promotable(over)
		if !ok {
			break
		}
		if err := a.record(next); err != nil {
			return err
		}
	}
	a.compared.news = false
	return nil
}

// promotable is the entry of a paused trial of the plan that goes on.
func (a *agenda) promotable(over bool) (e sweep.Entry, ok bool) {
	for _, e := range a.x.Judges.Promoted(sweep.Entries{List: a.compared.entries, Over: over}) {
		place, planned := a.places[key(e.Trial)]
		if _, paused := a.paused[place]; planned && paused {
			return e, true
		}
	}
	return e, false
}

// dismiss asks the judges about paused trials that nothing has promoted, when nothing else can run. The caller holds a.mu.
func (a *agenda) dismiss() (more bool, err error) {
	h := &history{agenda: a}
	for _, place := range slices.Sorted(maps.Keys(a.paused)) {
		if _, still := a.paused[place]; !still { // another process has decided in the meantime
			continue
		}
		t := h.trial(place)
		e, _ := a.x.Judges.Enter(t)
		e.Over, e.Verdict = true, a.x.Judges.Compare(t, e, sweep.Entries{List: a.compared.entries, Over: true})
		if h.err != nil {
			return more, h.err
		}
		if err := a.record(e); err != nil {
			return more, err
		}
		more = true
	}
	return more, nil
}

// record records the next entry. If another process has recorded one in the meantime, that counts. The caller holds a.mu.
func (a *agenda) record(e sweep.Entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if text, err = a.x.Study.Decide(results.Verdicts, len(a.compared.entries), text); err != nil {
		return err
	}
	return a.heed(text)
}

// readVerdicts reads the entries that other processes have recorded. The caller holds a.mu.
func (a *agenda) readVerdicts() error {
	for len(a.x.Judges.Contests) > 0 {
		text, err := a.x.Study.View().Decision(results.Verdicts, len(a.compared.entries))
		if err != nil || text == nil {
			return err
		}
		if err := a.heed(text); err != nil {
			return err
		}
	}
	return nil
}

// heed adds a recorded entry. A paused trial may go on with it.
func (a *agenda) heed(text []byte) error {
	var e sweep.Entry
	if err := json.Unmarshal(text, &e); err != nil {
		return fmt.Errorf("%w: verdict %d: %w", results.ErrCorrupt, len(a.compared.entries), err)
	}
	a.compared.entries = append(a.compared.entries, e)
	a.compared.last[comparison{e.Trial, e.Epoch}] = e.Verdict
	a.compared.news = true
	if place, planned := a.places[key(e.Trial)]; planned {
		a.update(place)
	}
	return nil
}

// waits reports whether a trial that is paused waits for others: not once it is to go on, or to end, nor if no judge compares trials any
// more.
func (a *agenda) waits(s results.State) bool {
	v, compared := a.compared.last[comparison{s.ID, s.Epochs}]
	return len(a.x.Judges.Contests) > 0 && (!compared || v.Action == sweep.Pause)
}

// ended is the verdict on a trial that was paused and ends.
func (a *agenda) ended(id string) sweep.Verdict {
	s, begun := a.x.Study.View().State(id)
	if !begun || s.Status != results.Paused {
		return sweep.Verdict{}
	}
	return a.compared.last[comparison{id, s.Epochs}]
}
