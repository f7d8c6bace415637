package runner

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/plan"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress is told what happens. Its methods may be called from several goroutines.
type progress interface {
	begin(p plan.Trial)
	epoch(p plan.Trial, row results.Epoch)
	end(p plan.Trial, status results.Status, reason string)
	close()
}

// lines writes one line an epoch, for logs.
type lines struct {
	mu    sync.Mutex
	w     io.Writer
	total int // trials
}

func (l *lines) print(format string, a ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, format+"\n", a...)
}

func (l *lines) name(p plan.Trial) string {
	return fmt.Sprintf("trial %d/%d [%s]", p.Place, l.total, label(p))
}

// label is a trial's point and seed.
func label(p plan.Trial) string {
	return strings.TrimSpace(fmt.Sprintf("%v seed=%d", p.Point, p.Seed))
}

func (l *lines) begin(p plan.Trial) { l.print("%s begins", l.name(p)) }

func (l *lines) epoch(p plan.Trial, row results.Epoch) {
	l.print("%s epoch %d/%d  %s", l.name(p), row.Epoch, p.Job.Epochs, summary(p, row))
}

func (l *lines) end(p plan.Trial, status results.Status, reason string) {
	if reason != "" {
		reason = ": " + reason
	}
	l.print("%s %s%s", l.name(p), status, reason)
}

func (l *lines) close() {}

// headlines are the metrics that progress shows.
var headlines = []string{"fid", "precision", "recall"}

// summary shows the losses of the trial's players, the metrics and the speed of an epoch.
func summary(p plan.Trial, row results.Epoch) string {
	var parts []string
	for _, r := range p.Job.Program.Readings {
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

// bars shows one bar for the study and one for each running trial.
type bars struct {
	lines
	p     *mpb.Progress
	study *mpb.Bar
	trial map[string]*mpb.Bar
	last  map[string]string
}

func newBars(w io.Writer, trials, done int) *bars {
	p := mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(150*time.Millisecond), mpb.WithWidth(36))
	b := &bars{lines: lines{w: p, total: trials}, p: p, trial: map[string]*mpb.Bar{}, last: map[string]string{}}
	b.study = p.AddBar(int64(trials), mpb.BarPriority(1<<20),
		mpb.PrependDecorators(decor.Name("study "), decor.CountersNoUnit("%d/%d trials")),
		mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_GO)))
	b.study.SetCurrent(int64(done))
	return b
}

func (b *bars) begin(p plan.Trial) {
	id := p.ID
	bar := b.p.AddBar(int64(p.Job.Epochs), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(fmt.Sprintf("%d  %s  ", p.Place, label(p))), decor.CountersNoUnit("epoch %d/%d")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.last[id]
		})))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trial[id] = bar
}

func (b *bars) epoch(p plan.Trial, row results.Epoch) {
	b.mu.Lock()
	bar := b.trial[p.ID]
	b.last[p.ID] = summary(p, row)
	b.mu.Unlock()
	bar.SetCurrent(int64(row.Epoch))
}

func (b *bars) end(p plan.Trial, status results.Status, reason string) {
	b.mu.Lock()
	bar := b.trial[p.ID]
	b.mu.Unlock()
	bar.Abort(true)
	if status != results.Interrupted {
		b.study.Increment()
	}
	if status != results.Completed {
		b.lines.end(p, status, reason)
	}
}

func (b *bars) close() {
	b.study.Abort(false)
	b.p.Wait()
}
