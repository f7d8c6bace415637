package runner

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/effect"
	"github.com/starsweep/starsweep/results/frame"
)

// agreementOptions are the flags of agreement.
type agreementOptions struct {
	selection
	metric, to string
	labels     string
	rule       string
	with       []string
	top        int
	json       bool
	seed       uint64
}

func agreementCommand(env *Env) *cobra.Command {
	var o agreementOptions
	c := &cobra.Command{
		Use:   "agreement DIR",
		Short: "Say how far measures of a metric rank the trials alike",
		Long: `Agreement compares how a metric ranks the trials by the measure of the run and
by those that the command measure recorded of the same weights, such as other
extractors: by Spearman's and Kendall's rank correlation (tau-b), and by whether
the best trial by one is among the best by the other. --with compares with other
metrics of the run as well, good values with good ones.

A pair of measures is compared over the trials that both have, at the last epoch
that both have. Intervals of 95 % are over configurations, drawn anew 2,000
times with all their trials. Found counts the seeds of which the best trial by
the first is among the best so many (--top) by the second, and the other way
round.

--labels compares the collapse rule with your own eye instead: FILE is CSV with
the header trial,collapsed and a line for each trial that you have judged by its
sample sheets, such as 8e2b7d6a,yes; further columns are notes. It prints how
often both agree, Cohen's kappa, and the trials of which they say different
things. --rule tries another rule, a condition on the values of the last
evaluation, or with --measured on those that the command measure recorded. Of a
value that a trial does not have, a comparison is false; a rule that reads what
no trial has is refused.`,
		Example: `  starsweep measure runs/mnist_grid --which all --features inception
  starsweep agreement runs/mnist_grid
  starsweep agreement runs/mnist_grid --with recall,precision --where 'loss == "ns-gan"'
  starsweep agreement runs/mnist_grid --labels collapsed.csv
  starsweep agreement runs/mnist_grid --labels collapsed.csv --rule 'recall <= 0.05 and variety <= 0.3'`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case o.top < 1:
				return usageErrorf("--top: got %d, want at least 1", o.top)
			case !slices.Contains(textFormats, o.to):
				return usageErrorf("--to: got %q, want %s", o.to, strings.Join(textFormats, ", "))
			case o.rule != "" && o.labels == "":
				return usageErrorf("--rule: got no --labels to compare it with")
			case o.measured && o.rule == "":
				return usageErrorf("--measured: got no --rule that reads these values")
			}
			return oneStudy(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error { return env.agreement(c.Context(), args[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.labels, "labels", "", "a CSV `FILE` of trials that collapsed by eye, which the collapse rule is compared with")
	f.StringVar(&o.rule, "rule", "", "another rule to compare with the labels: a Starlark `CONDITION`, as of --where")
	f.BoolVar(&o.measured, "measured", false, measuredMeaning)
	f.StringVar(&o.metric, "metric", "", "the `METRIC` that ranks the trials (default: the first objective)")
	f.StringSliceVar(&o.with, "with", nil, "other `METRICS` of the run to compare with")
	f.IntVar(&o.top, "top", 5, "how many trials by one measure count as its best")
	f.Uint64Var(&o.seed, "seed", 13, "of what is drawn at random")
	f.StringVar(&o.to, "to", textFormats[0], strings.Join(textFormats, ", "))
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	o.whereFlag(c)
	o.trialFlags(c) // which measures are compared, and at which epoch, it decides itself
	return exits(c, exitStorage)
}

func (e *Env) agreement(ctx context.Context, dir string, o agreementOptions) error {
	if o.labels != "" {
		return e.judgement(ctx, dir, o)
	}
	return e.withView(ctx, dir, o.selection, "--metric", o.metric, func(v *results.View, f *frame.Frame, metric string) error {
		for _, name := range o.with {
			if _, err := metricOf(f, "--with", name); err != nil {
				return err
			}
		}
		rankings, err := effect.Rankings(v, f, metric, o.with...)
		if err != nil {
			return asUsageError(err)
		}
		if len(rankings) < 2 {
			return usageErrorf("%s has one measure: starsweep measure %s --which all records others, --with compares other metrics", metric, dir)
		}
		var list []effect.Agreement
		for i := range rankings {
			for j := range rankings[:i] {
				list = append(list, effect.Agree(f, rankings, j, i, o.top, o.seed))
			}
		}
		if o.json {
			return printJSON(e.Stdout, agreementJSON(f, rankings, list), "  ")
		}
		return printAgreement(e.Stdout, f, rankings, list, o.to == "markdown")
	})
}

// rankingNames are letters for rankings, as long as there are letters.
func rankingNames(rankings []effect.Ranking) (names []string) {
	for i := range rankings {
		name := strconv.Itoa(i + 1)
		if len(rankings) <= 26 {
			name = string(rune('A' + i))
		}
		names = append(names, name)
	}
	return names
}

func printAgreement(to io.Writer, f *frame.Frame, rankings []effect.Ranking, list []effect.Agreement, markdown bool) error {
	names := rankingNames(rankings)
	var lines []string
	for i, r := range rankings {
		brief := frame.Brief(r.Measure, r.Name)
		if brief != "" {
			brief = ", " + brief
		}
		lines = append(lines, fmt.Sprintf("%s: %s%s, of %s", names[i], r.Name, brief, plain.Count(len(r.Values), "trial")))
	}
	if err := printParagraph(to, lines, markdown); err != nil {
		return err
	}
	fmt.Fprintln(to)
	best := fmt.Sprintf("best %d", list[0].Top)
	if list[0].Top == 1 {
		best = "best"
	}
	rows := [][]string{{"first", "second", "trials", "Spearman", "Kendall", "best by first in " + best + " by second",
		"best by second in " + best + " by first"}}
	found := func(s effect.Share) string {
		if s.Of == 0 {
			return "-"
		}
		return fmt.Sprintf("%v of %s", s.Count, plain.Count(s.Of, "seed"))
	}
	for _, a := range list {
		rows = append(rows, []string{names[a.First], names[a.Second], strconv.Itoa(a.Trials), a.Spearman.String(), a.Kendall.String(),
			found(a.Found[0]), found(a.Found[1])})
	}
	if err := printRows(to, rows, markdown); err != nil {
		return err
	}
	fmt.Fprintln(to)
	lines = nil
	for i, r := range rankings {
		lines = append(lines, fmt.Sprintf("%s: measured by %s", names[i], cmp.Or(r.Measure, "nothing but the metric")))
	}
	for _, x := range f.Left {
		lines = append(lines, "left out: "+x.String())
	}
	return printParagraph(to, lines, markdown)
}

// agreementJSON is the comparisons as JSON.
func agreementJSON(f *frame.Frame, rankings []effect.Ranking, list []effect.Agreement) any {
	names := rankingNames(rankings)
	measures, pairs := []any{}, []any{}
	for i, r := range rankings {
		measures = append(measures, map[string]any{"name": names[i], "metric": r.Name, "measure": r.Measure, "direction": r.Direction,
			"trials": len(r.Values)})
	}
	for _, a := range list {
		pairs = append(pairs, map[string]any{"first": names[a.First], "second": names[a.Second], "trials": a.Trials,
			"configurations": a.Configurations, "spearman": estimateJSON(a.Spearman), "kendall": estimateJSON(a.Kendall), "top": a.Top,
			"found": []any{shareJSON(a.Found[0]), shareJSON(a.Found[1])}})
	}
	return map[string]any{"measures": measures, "pairs": pairs, "left": leftJSON(f)}
}
