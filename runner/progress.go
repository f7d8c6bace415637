package runner

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/plan"
)

// progress shows the progress of a run. Its methods may be called from several goroutines.
type progress interface {
	execute.Observer
	close()
}

// newProgress shows the progress of a run: as a picture of the study on a terminal, otherwise as lines.
func newProgress(env *Env, trials int, began time.Time, study *results.View, p *passes) progress {
	all := &lines{w: env.Stderr, total: trials}
	switch {
	case env.role.Shown:
		return &endings{all}
	case env.Size == nil:
		return all
	}
	return onTerminal{&endings{all}, newPicture(env, began, func() *results.View { return study }, p.join())}
}

// onTerminal is a picture, above which the trials that do not complete scroll by.
type onTerminal struct {
	*endings
	picture *picture
}

func (o onTerminal) Began(plan.Trial)                { o.picture.hurry() }
func (o onTerminal) Epoch(plan.Trial, results.Epoch) { o.picture.hurry() }
func (o onTerminal) close()                          { o.picture.close() }

func (o onTerminal) Ended(p plan.Trial, outcome results.Outcome) {
	o.endings.Ended(p, outcome)
	o.picture.hurry()
}

// endings writes a line for each trial that does not complete.
type endings struct{ all *lines }

func (e *endings) Began(plan.Trial)                {}
func (e *endings) Epoch(plan.Trial, results.Epoch) {}
func (e *endings) close()                          {}

func (e *endings) Ended(p plan.Trial, o results.Outcome) {
	if o.Status != results.Completed {
		e.all.Ended(p, o)
	}
}

// lines writes one line per epoch, for logs.
type lines struct {
	w     io.Writer
	total int // trials
}

// print writes one line in one call, since the writer may be shared.
func (l *lines) print(format string, a ...any) {
	fmt.Fprintf(l.w, format+"\n", a...)
}

func (l *lines) name(p plan.Trial) string {
	return fmt.Sprintf("trial %d/%d [%s]", p.Place, l.total, label(p))
}

// label returns the point and the seed of a trial.
func label(p plan.Trial) string {
	return strings.TrimSpace(fmt.Sprintf("%v seed=%d", p.Point, p.Seed))
}

func (l *lines) Began(p plan.Trial) { l.print("%s begins", l.name(p)) }

func (l *lines) Epoch(p plan.Trial, row results.Epoch) {
	l.print("%s epoch %d/%d  %s", l.name(p), row.Epoch, p.Job.Epochs, summary(p, row))
}

func (l *lines) Ended(p plan.Trial, o results.Outcome) {
	reason := o.Reason
	if reason != "" {
		reason = ": " + reason
	}
	l.print("%s %s%s", l.name(p), o.Status, plain.Line(reason))
}

func (l *lines) close() {}

// headlines are the metrics that progress shows.
var headlines = []string{"fid", "precision", "recall"}

// summary returns the losses of the players, the main metrics and the speed of an epoch.
func summary(p plan.Trial, row results.Epoch) string {
	var parts []string
	for _, r := range p.Job.Program.Recorded {
		if v, ok := row.Metrics[r.Name]; ok && r.Loss != "" {
			parts = append(parts, fmt.Sprintf("%s %.3f", r.Loss, v))
		}
	}
	slices.Sort(parts)
	for _, name := range headlines {
		if v, ok := row.Metrics[name]; ok {
			parts = append(parts, fmt.Sprintf("%s %.3g", name, v))
		}
	}
	if row.SecondsTrain > 0 {
		parts = append(parts, fmt.Sprintf("%.0f images/s", float64(row.Images)/row.SecondsTrain))
	}
	return strings.Join(parts, "  ")
}
