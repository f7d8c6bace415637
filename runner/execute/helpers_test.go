package execute

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/engine/data"
	"github.com/starsweep/starsweep/engine/feature"
	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/engine/train"
	"github.com/starsweep/starsweep/internal/machine"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/evaluation"
	"github.com/starsweep/starsweep/runner/memory"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/prune"
	"github.com/starsweep/starsweep/runner/sweep/search"
	"github.com/starsweep/starsweep/starlib"
)

// rings is a study of points on a ring, whose trials take milliseconds.
const rings = `
load("@std//mlp.star", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    return gan(data = ring(count = p.count), generator = mlp([4], 2), discriminator = mlp([4], 1), latent = normal(2),
               loss = least_squares(), optimizer = sgd(lr = p.lr), batch = 8, epochs = p.epochs,
               evaluate = evaluate(every = 2, metrics = [fid()], samples = 16))

main = study(trial = trial, space = {"lr": choice(1e-3, 1e-2)}, settings = {"epochs": 5, "count": 64})
`

// skipping is a study that skips one of its trials.
var skipping = strings.Replace(rings, "    return gan(", "    if p.lr == 1e-2:\n        return skip(\"too fast\")\n    return gan(", 1)

// world is what executors of tests share: the directory of a study, and its script with overrides.
type world struct {
	*testing.T
	dir    string
	script string
	set    []string
	config func(*Config)                      // changes the executors that open makes
	source func(space spec.Space) plan.Source // nil: the search of the script
	keep   results.Keep                       // whose weights stay
}

func newWorld(t *testing.T, script string) *world {
	return &world{T: t, dir: filepath.Join(t.TempDir(), "study"), script: script}
}

// study loads the script.
func (w *world) study() *starlib.Study {
	w.Helper()
	l := starlib.Loader{Reserved: results.Reserved(),
		Catalogue: spec.Catalogue{Extractors: feature.Declarations(), DataSets: data.Declarations()}}
	s, err := l.Load(w.Context(), "test.star", []byte(w.script))
	if err == nil {
		s, err = s.With("", w.set)
	}
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// plan plans the study.
func (w *world) plan() *plan.Plan {
	w.Helper()
	s := w.study()
	all, err := search.New(w.Context(), search.Study{Space: s.Space, Search: s.Search, Seeds: s.Seeds})
	if err != nil {
		w.Fatal(err)
	}
	var p *plan.Plan
	if w.source != nil {
		p, err = plan.Grow(w.Context(), s, w.source(s.Space), all.Points)
	} else {
		p, err = plan.Make(w.Context(), s, all)
	}
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// meta is the study's description, as package runner makes it.
func (w *world) meta(p *plan.Plan) results.Meta {
	m := results.Meta{Study: "test", Script: "test.star", ScriptHash: "abc", Version: "test"}
	for _, d := range w.study().Space {
		m.Columns = append(m.Columns, results.Column{Name: d.Name, Kind: d.Kind})
	}
	for _, f := range p.Families {
		for _, r := range append(slices.Clone(f.Job.Program.Recorded), f.Job.Program.Test...) {
			m.Metrics = append(m.Metrics, r.Name)
		}
		for _, c := range f.Job.Columns() {
			m.Metrics = append(m.Metrics, c.Name)
		}
		m.Metrics = append(m.Metrics, metric.Columns(f.Job.Evaluation)...)
	}
	for _, o := range w.study().Objectives {
		m.Objectives = append(m.Objectives, results.Objective{Metric: o.Name, Direction: o.Direction})
	}
	slices.Sort(m.Metrics)
	m.Metrics = slices.Compact(m.Metrics)
	return m
}

// beat is how often processes of tests give a sign of life.
const beat = 20 * time.Millisecond

// executor opens the study for another process. The test closes it.
func (w *world) executor() *Executor {
	w.Helper()
	b, err := train.Open("cpu", train.Options{})
	if err != nil {
		w.Fatal(err)
	}
	lab := &Lab{Backend: b, Library: NewLibrary(&data.Store{}, feature.Store{}, w.warn), Memory: memory.NewPool(machine.Room{}, nil),
		Now: time.Now, Warn: w.warn}
	lab.Comparer = evaluation.New(evaluation.Config{Device: b.Device(), Open: lab.Library.Images, Warn: w.warn})
	p := w.plan()
	study, err := results.Create(w.dir, w.meta(p), map[string][]byte{"test.star": []byte(w.script)},
		results.Options{Now: time.Now, HeartbeatEvery: beat, StaleAfter: 10 * beat})
	if err != nil {
		w.Fatal(err)
	}
	c := Config{Plan: p, Study: study, Judges: sweep.Judges{Alone: []sweep.Judge{prune.Collapse{}}}, Keep: w.keep,
		Origin: Origin{Script: "abc", Settings: "{}", Version: "test"}}
	if w.config != nil {
		w.config(&c)
	}
	x := New(c, lab)
	x.poll = beat
	return x
}

func (w *world) warn(err error) { w.Logf("warning: %v", err) }

// run runs an executor to its end, and closes it.
func (w *world) run(x *Executor, lanes int, observers ...Observer) error {
	err := x.Prepare(w.Context(), func() {})
	if err == nil {
		err = x.Run(w.Context(), lanes, observers...)
	}
	return errors.Join(err, x.Close())
}

// mustRun runs the study once more.
func (w *world) mustRun(lanes int, observers ...Observer) {
	w.Helper()
	if err := w.run(w.executor(), lanes, observers...); err != nil {
		w.Fatal(err)
	}
}

// view opens the study for reading.
func (w *world) view() *results.View {
	w.Helper()
	v, err := results.Open(w.dir)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { v.Close() })
	return v
}

// states are the states of the trials.
func (w *world) states() []results.State {
	w.Helper()
	return w.view().Trials()
}

// rows are the epochs of all trials as text, without timings.
func (w *world) rows() string {
	w.Helper()
	v := w.view()
	var lines []string
	for _, s := range v.Trials() {
		rows, err := v.Epochs(s.ID)
		if err != nil {
			w.Fatal(err)
		}
		for _, r := range rows {
			r.SecondsTrain, r.SecondsEvaluate = 0, 0
			lines = append(lines, fmt.Sprintf("%+v", r))
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %q", s.ID, s.Status, s.Failure, s.Reason))
	}
	return strings.Join(lines, "\n")
}

// diary is an Observer that keeps what it is told.
type diary struct {
	mu     sync.Mutex
	events []string
	epoch  func(p plan.Trial, row results.Epoch) // called after an epoch; may be nil
	began  func(p plan.Trial)                    // likewise
}

func (d *diary) note(format string, a ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, fmt.Sprintf(format, a...))
}

func (d *diary) Began(p plan.Trial) {
	d.note("%s begins", p.ID)
	if d.began != nil {
		d.began(p)
	}
}

func (d *diary) Epoch(p plan.Trial, row results.Epoch) {
	d.note("%s epoch %d", p.ID, row.Epoch)
	if d.epoch != nil {
		d.epoch(p, row)
	}
}

func (d *diary) Ended(p plan.Trial, o results.Outcome) { d.note("%s %s", p.ID, o.Status) }

// all returns what was noted.
func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.events)
}

// count counts the events with a suffix.
func (d *diary) count(suffix string) (n int) {
	for _, e := range d.all() {
		if strings.HasSuffix(e, suffix) {
			n++
		}
	}
	return n
}

// background is a context that a test ends.
func background(t *testing.T) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, cancel
}

// stopAfter returns a function for a diary that ends a run after an epoch.
func stopAfter(epoch int, stop context.CancelCauseFunc) func(plan.Trial, results.Epoch) {
	return func(_ plan.Trial, row results.Epoch) {
		if row.Epoch == epoch {
			stop(errors.New("stopped"))
		}
	}
}
