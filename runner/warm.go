package runner

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/sweep/search"
	"github.com/starsweep/starsweep/runner/warm"
)

// warm shows the search the trials of other studies that the script names. What they are is recorded once: the search goes on from the
// record when those studies have changed or are gone.
func (t *training) warm() error {
	if len(t.script.Search.Warm) == 0 {
		return nil
	}
	text, err := t.study.View().Decision(results.Warm, 0)
	if err != nil {
		return err
	}
	recorded := text != nil
	if !recorded {
		seen, err := t.gather()
		if err != nil {
			return err
		}
		if text, err = json.Marshal(seen); err != nil {
			return err
		}
		if text, err = t.study.Decide(results.Warm, 0, text); err != nil {
			return err
		}
	}
	seen, err := readWarm(text)
	if err != nil {
		return err
	}
	t.sayWhatIsSeen(seen, recorded)
	t.script.learner.Warm(seen.Seen())
	return nil
}

// sayWhatIsSeen prints how many trials of other studies the search sees and, unless that was recorded earlier, why not the others.
func (t *training) sayWhatIsSeen(seen *warm.Record, recorded bool) {
	var named []string
	for _, from := range seen.Studies {
		named = append(named, from.Dir)
		line := fmt.Sprintf("%d of %s of %s are seen by the search", from.Seen, plain.Count(from.Trials, "trial"), plain.Line(from.Dir))
		if recorded {
			line += ", as recorded when it began"
		}
		fmt.Fprintln(t.env.Stdout, line)
		for _, o := range from.Left {
			if !recorded {
				t.env.warn(fmt.Errorf("%s of %s not seen by the search: %v", plain.Count(o.N, "trial"), from.Dir, o))
			}
		}
	}
	if !slices.Equal(named, t.script.Search.Warm) {
		t.env.warn(fmt.Errorf("%s: warm: got %s, but the search in this directory has begun with what it saw of %s, and goes on with that",
			t.script.SearchPos(), strings.Join(t.script.Search.Warm, ", "), strings.Join(named, ", ")))
	}
}

// gather reads the studies that the script names.
func (t *training) gather() (*warm.Record, error) {
	s := t.script
	own := warm.Study{Study: asked(s.Study), Settings: s.Settings}
	for i := range t.plan.Families {
		in := t.plan.Inputs(i)
		own.Train = append(own.Train, in.Train)
		own.Measure = own.Way(in.Measure, in.Train) // the same of all: see comparable
	}
	seen := &warm.Record{Version: t.env.Version}
	var left []string
	for _, dir := range s.Search.Warm {
		if err := t.gatherFrom(dir, own, seen); err != nil {
			return nil, fmt.Errorf("%s: warm: %w", s.SearchPos(), err)
		}
		for _, o := range seen.Studies[len(seen.Studies)-1].Left {
			left = append(left, fmt.Sprintf("%s of %s: %v", plain.Count(o.N, "trial"), dir, o))
		}
	}
	if len(seen.Trials) == 0 {
		return nil, usageErrorf("%s: warm: no trial of %s is comparable with those of this study, want at least one: %s", s.SearchPos(),
			strings.Join(s.Search.Warm, ", "), strings.Join(left, "; "))
	}
	return seen, nil
}

// gatherFrom reads one of them.
func (t *training) gatherFrom(dir string, own warm.Study, seen *warm.Record) error {
	if sameFolder(dir, t.dir) {
		return usageErrorf("%s is the directory of this study", dir)
	}
	v, err := t.env.openView(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	return seen.Add(t.ctx, dir, v, own)
}

// sameFolder reports whether two paths are those of one folder that exists.
func sameFolder(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// readWarm reads what a directory has recorded of other studies.
func readWarm(text []byte) (*warm.Record, error) {
	seen := new(warm.Record)
	if err := json.Unmarshal(text, seen); err != nil {
		return nil, withCode(exitStorage, fmt.Errorf("%w: warm/000000.json is not readable", results.ErrCorrupt))
	}
	return seen, nil
}

// warmAgain shows a search the trials of other studies that its directory has recorded.
func warmAgain(l *search.Learner, v *results.View) error {
	text, err := v.Decision(results.Warm, 0)
	switch {
	case err != nil:
		return err
	case text == nil:
		return withCode(exitStorage, fmt.Errorf("%w: warm/000000.json is missing: the search saw trials of other studies",
			results.ErrCorrupt))
	}
	seen, err := readWarm(text)
	if err == nil {
		l.Warm(seen.Seen())
	}
	return err
}
