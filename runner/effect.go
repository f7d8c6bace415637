package runner

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/effect"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/starlib/hint"
)

// effectOptions are the flags of effect.
type effectOptions struct {
	selection
	of, by                      string
	metric, to, collapsed, over string
	baseline                    string
	statistics                  []string
	shown                       []int // the places of the statistics
	ratio, json                 bool
	change                      int // epochs; 0 for the values themselves
	seed                        uint64
}

// textFormats are the values of --to of commands that print a text or Markdown.
var textFormats = []string{"text", "markdown"}

func effectCommand(env *Env) *cobra.Command {
	var o effectOptions
	c := &cobra.Command{
		Use:   "effect DIR --of FACTOR",
		Short: "Say what a hyperparameter does to a metric, with intervals",
		Long: `Effect compares the values of a hyperparameter by a metric: mean, median, best,
distance of the quartiles and deviation of the logarithm of each, the share of
trials that collapsed or diverged, and for each pair of values the differences
or ratios, and how often one beats the other with equal seeds and all other
hyperparameters equal. For numbers it adds Spearman's rank correlation. With
--by it does so at each value of another hyperparameter, and shows how the
effects differ.

Each number is what one run of every configuration gives, averaged over seeds.
Intervals hold 95 % of the studies with other seeds of the same configurations;
with --over configurations, of those with other configurations too. One seed has
no interval over seeds. p is the probability of so great a difference by seeds
alone, by Holm's method over all pairs. docs/effect.md says how they are
computed, and how often such intervals hold the truth.

A trial that collapsed or diverged counts as the worst value of all, unless
--collapsed says to keep its own, or to drop it. Trials that failed are left out
and counted.

--change EPOCHS asks whether training was over: the value of a trial is that of
its last epoch divided by that EPOCHS earlier. There a trial that collapsed
keeps its own, unless --collapsed says otherwise.`,
		Example: `  starsweep effect runs/mnist_grid --of loss
  starsweep effect runs/mnist_grid --of batch --where 'lr == 1e-5' --to markdown
  starsweep effect runs/noise --of noise --by loss
  starsweep effect runs/mnist_grid --of lr --metric recall --baseline 0.001
  starsweep effect runs/mnist_grid --of batch --change 10 --statistics mean`,
		Args: func(c *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return oneStudy(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error { return env.effect(c.Context(), args[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.of, "of", "", "the hyperparameter, `FACTOR`, whose values are compared")
	f.StringVar(&o.by, "by", "", "another hyperparameter, `FACTOR`: compare at each of its values, and the effects with each other")
	f.StringVar(&o.metric, "metric", "", "the `METRIC` to compare by, METRIC=min or METRIC=max (default: the first objective)")
	f.StringVar(&o.baseline, "baseline", "", "the `VALUE` that others are compared with (default: all pairs)")
	f.StringVar(&o.collapsed, "collapsed", "",
		"what a trial counts as that collapsed or diverged: worst, keep, drop (default worst, with --change keep)")
	f.IntVar(&o.change, "change", 0, "compare the ratio of the metric at the last measured epoch to that `EPOCHS` earlier")
	f.StringSliceVar(&o.statistics, "statistics", statisticKeys(), "which statistics the tables show")
	f.BoolVar(&o.ratio, "ratio", false, "compare means, medians and best values by their ratio")
	f.StringVar(&o.over, "over", string(effect.Seeds), "what intervals are over: seeds, or configurations with their seeds")
	f.Uint64Var(&o.seed, "seed", 13, "of what is drawn at random")
	f.StringVar(&o.to, "to", textFormats[0], strings.Join(textFormats, ", "))
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	o.flags(c)
	return exits(c, exitStorage)
}

func statisticKeys() (keys []string) {
	for _, x := range effect.Statistics {
		keys = append(keys, x.Key)
	}
	return keys
}

func (o *effectOptions) check() error {
	keys := statisticKeys()
	for _, key := range o.statistics {
		k := slices.Index(keys, key)
		if k < 0 {
			return usageErrorf("--statistics: got %q, want some of %s", key, strings.Join(keys, ", "))
		}
		o.shown = append(o.shown, k)
	}
	if o.collapsed == "" {
		o.collapsed = string(effect.Worst)
		if o.change != 0 {
			o.collapsed = string(effect.Keep)
		}
	}
	switch {
	case o.of == "":
		return usageErrorf("--of: want the hyperparameter whose values are compared")
	case !slices.Contains(effect.Handlings(), effect.Handling(o.collapsed)):
		return usageErrorf("--collapsed: got %q, want worst, keep or drop", o.collapsed)
	case o.over != string(effect.Seeds) && o.over != string(effect.Configurations):
		return usageErrorf("--over: got %q, want %s or %s", o.over, effect.Seeds, effect.Configurations)
	case !slices.Contains(textFormats, o.to):
		return usageErrorf("--to: got %q, want %s", o.to, strings.Join(textFormats, ", "))
	case o.change < 0:
		return usageErrorf("--change: got %d epochs, want at least 1", o.change)
	case o.change > 0 && (o.best || o.measured):
		return usageErrorf("--change: it compares the last measured epoch with an earlier one: want neither --best nor --measured")
	}
	return nil
}

func (e *Env) effect(ctx context.Context, dir string, o effectOptions) error {
	name, direction, err := directed("--metric", o.metric)
	if err != nil {
		return err
	}
	return e.withView(ctx, dir, o.selection, "--metric", name, func(v *results.View, f *frame.Frame, metric string) error {
		if o.change > 0 {
			if metric, direction, err = o.changed(v, f, metric, direction); err != nil {
				return err
			}
		}
		var factors []string
		for _, x := range f.Factors {
			factors = append(factors, x.Name)
		}
		if !slices.Contains(factors, o.of) {
			return usageErrorf("--of: %w", hint.Unknown("hyperparameter", o.of, factors))
		}
		options := effect.Options{Factor: o.of, Metric: metric, Direction: direction, Baseline: o.baseline, Ratio: o.ratio,
			Collapsed: effect.Handling(o.collapsed), Over: effect.Over(o.over), Seed: o.seed}
		if o.by != "" {
			if !slices.Contains(factors, o.by) {
				return usageErrorf("--by: %w", hint.Unknown("hyperparameter", o.by, factors))
			}
			return e.effectBy(f, o, options)
		}
		a, err := effect.Of(f, options)
		switch {
		case err != nil:
			return usageErrorf("effect of %s: %w", o.of, err)
		case o.json:
			return printJSON(e.Stdout, effectJSON(f, a), "  ")
		}
		markdown := o.to == "markdown"
		if err := printEffect(e.Stdout, "", a, o.shown, markdown); err != nil {
			return err
		}
		return printParagraph(e.Stdout, effectLines(f, a, nil), markdown)
	})
}

// changed is the metric that says how another one changed, and which of its values are better.
func (o *effectOptions) changed(v *results.View, f *frame.Frame, metric string, d pareto.Direction) (string, pareto.Direction, error) {
	if d == "" {
		var known bool
		if d, known = f.Better(metric); !known {
			return "", "", usageErrorf("effect of %s: %w", o.of, effect.UnknownDirection(metric))
		}
	}
	name, err := f.Change(v, metric, o.change)
	return name, d, err
}

// effectBy shows an effect at each level of another hyperparameter, and how they differ.
func (e *Env) effectBy(f *frame.Frame, o effectOptions, options effect.Options) error {
	s, err := effect.OfEach(f, o.by, options)
	if err != nil {
		return usageErrorf("effect of %s: %w", o.of, err)
	}
	if o.json {
		parts, interactions := []any{}, []any{}
		for _, p := range s.Parts {
			parts = append(parts, map[string]any{"level": p.Level, "effect": effectJSON(f, p.Analysis)})
		}
		for _, x := range s.Interactions {
			interactions = append(interactions, map[string]any{"level": x.To, "against": x.From, "by_level": x.ByTo, "by_against": x.ByFrom,
				"configurations": x.Configurations, "statistics": estimatesJSON(x.Values)})
		}
		return printJSON(e.Stdout, map[string]any{"by": s.By, "parts": parts, "interactions": interactions,
			"notes": append([]string{}, s.Notes...)}, "  ")
	}
	markdown := o.to == "markdown"
	for _, p := range s.Parts {
		where := fmt.Sprintf("%s = %s", s.By, frame.Text(p.Level))
		if err := printEffect(e.Stdout, where, p.Analysis, o.shown, markdown); err != nil {
			return err
		}
	}
	if len(s.Interactions) > 0 {
		err := printParagraph(e.Stdout, []string{"how the effects differ"}, markdown)
		if err == nil {
			err = printRows(e.Stdout, s.InteractionRows(o.shown), markdown)
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(e.Stdout)
	}
	return printParagraph(e.Stdout, effectLines(f, s.Parts[0].Analysis, splitNotes(s)), markdown)
}

// splitNotes are the notes on each level of the other hyperparameter, each once with the levels that have it, and those on all.
func splitNotes(s *effect.Split) (lines []string) {
	var notes []string
	levels := map[string][]string{}
	for _, p := range s.Parts {
		for _, note := range p.Notes {
			if levels[note] == nil {
				notes = append(notes, note)
			}
			levels[note] = append(levels[note], frame.Text(p.Level))
		}
	}
	for _, note := range notes {
		where := fmt.Sprintf("%s = %s: ", s.By, plain.List(levels[note]))
		if len(levels[note]) == len(s.Parts) {
			where = ""
		}
		lines = append(lines, "note: "+where+note)
	}
	for _, note := range s.Notes {
		lines = append(lines, "note: "+note)
	}
	return lines
}

// directed takes METRIC, METRIC=min or METRIC=max apart.
func directed(flag, text string) (name string, d pareto.Direction, err error) {
	name, goal, directed := strings.Cut(text, "=")
	if directed {
		if d, err = pareto.ParseDirection(goal); err != nil {
			return "", "", usageErrorf("%s: got %q, want METRIC, METRIC=min or METRIC=max", flag, text)
		}
	}
	return name, d, nil
}

// printEffect prints the tables of an analysis, of the trials for which where says what they have in common.
func printEffect(to io.Writer, where string, a *effect.Analysis, shown []int, markdown bool) error {
	good := "low"
	if a.Direction == pareto.Max {
		good = "high"
	}
	if where != "" {
		where = ", " + where
	}
	line := fmt.Sprintf("%s (%s is good) by %s%s, %s of each configuration at most", a.Metric, good, a.Factor, where,
		plain.Count(a.Seeds, "seed"))
	if a.Over == effect.Configurations || a.Seeds > 1 {
		line += fmt.Sprintf("; intervals of 95 %% over %s", a.Over)
	}
	if err := printParagraph(to, []string{line}, markdown); err != nil {
		return err
	}
	for _, rows := range [][][]string{a.LevelRows(shown), a.PairRows(shown)} {
		if len(rows) == 1 {
			continue
		}
		if err := printRows(to, rows, markdown); err != nil {
			return err
		}
		fmt.Fprintln(to)
	}
	if a.Rank == nil {
		return nil
	}
	line = fmt.Sprintf("rank correlation of %s with %s: %v", a.Metric, a.Factor, *a.Rank)
	if err := printParagraph(to, []string{line}, markdown); err != nil {
		return err
	}
	if !markdown {
		fmt.Fprintln(to)
	}
	return nil
}

// effectLines say what was compared, and what to know of it: notes are those of the analysis, or of several.
func effectLines(f *frame.Frame, a *effect.Analysis, notes []string) (lines []string) {
	if len(a.Matched) > 0 {
		lines = append(lines, "equal in each comparison: "+strings.Join(a.Matched, ", "))
	}
	if len(a.Tied) > 0 {
		lines = append(lines, fmt.Sprintf("go with %s: %s", a.Factor, strings.Join(a.Tied, ", ")))
	}
	if m := f.Measures[a.Metric]; m != "" {
		lines = append(lines, "measured by "+m)
	}
	for _, x := range f.Left {
		lines = append(lines, "left out: "+x.String())
	}
	if notes != nil {
		return append(lines, notes...)
	}
	for _, note := range a.Notes {
		lines = append(lines, "note: "+note)
	}
	return lines
}

// printParagraph prints lines, which Markdown would join, as a list.
func printParagraph(to io.Writer, lines []string, markdown bool) error {
	for _, line := range lines {
		if markdown && len(lines) > 1 {
			line = "- " + plain.Markdown(line)
		} else if markdown {
			line = plain.Markdown(line) + "\n"
		}
		if _, err := fmt.Fprintln(to, line); err != nil {
			return err
		}
	}
	return nil
}

// printRows prints a table whose first row is the heading.
func printRows(to io.Writer, rows [][]string, markdown bool) error {
	if markdown {
		for _, row := range rows {
			for j, cell := range row {
				row[j] = plain.Markdown(cell)
			}
		}
		_, err := io.WriteString(to, plain.MarkdownTable(rows))
		return err
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}
