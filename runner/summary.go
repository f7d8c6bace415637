package runner

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/standing"
)

// runSummary is what a run says at its end. It is also the last object that run --json writes.
type runSummary struct {
	eventHead
	Study     string            `json:"study"`
	Dir       string            `json:"dir"`
	Profile   string            `json:"profile,omitempty"`
	Planned   int               `json:"planned"`
	Finished  int               `json:"finished"`
	Counts    map[string]int    `json:"counts"`  // finished trials, by status
	Seconds   float64           `json:"seconds"` // of the command
	Remaining *summaryRemaining `json:"remaining,omitempty"`
	Decided   *summaryDecided   `json:"decided,omitempty"` // of a study with adaptive seeds
	Best      []summaryBest     `json:"best"`              // of each objective and measure
	Fronts    []summaryFront    `json:"fronts"`            // of each measure, of two objectives or more
	Failures  []summaryFailures `json:"failures"`
	Phases    execute.Phases    `json:"phase_seconds"` // of the lanes of all processes, together
	PerSecond *float64          `json:"images_per_second"`
	Tables    []string          `json:"tables"` // folders of Parquet files
	Report    string            `json:"report"` // empty: it could not be written

	description []string // of the best values, in words
}

// summaryRemaining is what is left of the plan.
type summaryRemaining struct {
	Trials  int      `json:"trials"`
	Epochs  int      `json:"epochs"`
	Seconds *float64 `json:"seconds"` // null: nothing was measured that says so
}

// summaryBest is the best value of an objective.
type summaryBest struct {
	Objective string         `json:"objective"`
	Direction string         `json:"direction"`
	Value     float64        `json:"value"`
	Epoch     int            `json:"epoch"`
	Trial     string         `json:"trial"`
	Point     results.Values `json:"point"`
	Seed      int64          `json:"seed"`
	Measure   string         `json:"measure,omitempty"` // where the trials have several
}

// summaryFront are the trials that no other trial of the same measure dominates.
type summaryFront struct {
	Measure string   `json:"measure"`
	Trials  []string `json:"trials"`
	Of      int      `json:"of"` // trials compared
}

// summaryFailures are the failed trials of one class, and the command that runs them again.
type summaryFailures struct {
	standing.Failures
	Command string `json:"command"`
}

// summarize fills in what the study says.
func (s *runSummary) summarize(v *results.View) error {
	m := v.Meta()
	s.Study, s.Dir, s.Best, s.Fronts, s.Failures = m.Study, v.Dir(), []summaryBest{}, []summaryFront{}, []summaryFailures{}
	now, err := standing.Of(v)
	if err != nil {
		return err
	}
	s.Profile = now.Profile
	for _, f := range now.Failures {
		command := fmt.Sprintf("starsweep retry %s --failure %s", plain.Value(s.Dir), cmp.Or(f.Class, "other"))
		s.Failures = append(s.Failures, summaryFailures{f, command})
	}
	for _, o := range m.Objectives {
		list, _ := bestOf(now.States, o)
		for _, b := range list {
			s.Best = append(s.Best, summaryBest{o.Metric, string(o.Direction), b.Value, b.Best.Epoch, b.trial.ID, b.trial.Point, b.trial.Seed,
				b.measure})
		}
		s.description = append(s.description, bestLines(m, now.States, o)...)
	}
	for _, t := range results.Tables() {
		if t == results.Trials || t == results.Epochs || t == results.Samples || t == results.Pareto && len(m.Objectives) > 0 {
			s.Tables = append(s.Tables, filepath.Join(s.Dir, string(t)))
		}
	}
	return s.fronts(v)
}

// fronts fills in the fronts, where there is more than one objective.
func (s *runSummary) fronts(v *results.View) error {
	if len(v.Meta().Objectives) < 2 {
		return nil
	}
	fronts, _, err := frontsOf(v, paretoOptions{scope: string(results.ScopeStudy)}, nil)
	for _, rows := range fronts {
		f := summaryFront{Trials: []string{}, Of: len(rows)}
		f.Measure, _ = rows[0]["measure"].(string)
		for _, row := range (paretoPrinter{}).shown(rows) {
			f.Trials = append(f.Trials, row["trial"].(string))
		}
		s.Fronts = append(s.Fronts, f)
	}
	return err
}

// print prints the summary for people.
func (s *runSummary) print(to io.Writer) {
	line := func(name, format string, a ...any) {
		fmt.Fprintf(to, "%-8s "+format+"\n", append([]any{name}, a...)...)
	}
	for _, f := range s.Failures {
		line("failed", "%s", plain.Line(fmt.Sprintf("(%s) %s, such as %s: %s", cmp.Or(f.Class, "other"), plain.Count(len(f.Trials), "trial"),
			f.Trials[0], f.Reason)))
		line("", "%s", f.Command)
	}
	p := s.Phases
	text := fmt.Sprintf("compile %.1f, train %.1f, evaluate %.1f, wait %.1f, publish %.1f", p.Compile, p.Train, p.Evaluate, p.Wait, p.Publish)
	if s.PerSecond != nil {
		text += fmt.Sprintf("; %.0f images/s", *s.PerSecond)
	}
	line("seconds", "%s (all lanes together)", text)
	s.where(to)
	for _, f := range s.Fronts {
		const most = 5
		names := strings.Join(f.Trials[:min(most, len(f.Trials))], ", ")
		if more := len(f.Trials) - most; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		measure := ""
		if len(s.Fronts) > 1 {
			measure = ", measured by " + f.Measure
		}
		line("front", "%s", plain.Line(fmt.Sprintf("%d of %s%s: %s", len(f.Trials), plain.Count(f.Of, "trial"), measure, names)))
	}
	if len(s.Fronts) > 0 {
		line("", "starsweep pareto %s", plain.Value(s.Dir))
	}
	for i, text := range s.Decided.lines() {
		line([]string{"decided", ""}[min(i, 1)], "%s", plain.Line(text))
	}
}

// where prints where the tables and the report are, and the best values.
func (s *runSummary) where(to io.Writer) {
	var names []string
	for _, folder := range s.Tables {
		names = append(names, filepath.Base(folder))
	}
	fmt.Fprintf(to, "tables   %s/{%s}/*.parquet\n", plain.Line(s.Dir), strings.Join(names, ","))
	if s.Report != "" {
		fmt.Fprintf(to, "report   %s\n", plain.Line(s.Report))
	}
	for _, line := range s.description {
		fmt.Fprintf(to, "best     %s\n", line)
	}
}
