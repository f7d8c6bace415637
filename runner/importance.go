package runner

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/results/importance"
	"github.com/starsweep/starsweep/starlib/hint"
)

// importanceOptions are the flags of importance.
type importanceOptions struct {
	selection
	metric, method string
	log, json      bool
}

func importanceCommand(env *Env) *cobra.Command {
	var o importanceOptions
	c := &cobra.Command{
		Use:   "importance DIR",
		Short: "Say which hyperparameters a metric depends on",
		Long: `Importance computes how much of the variance of a metric each hyperparameter
explains, alone and together with another.

Where every combination of the levels was trained with the same seeds, it is an
exact analysis of variance over the grid: main effects, interactions of two
hyperparameters, the rest, and the variance over seeds. Chance is the share that
an effect would have by the variance over seeds alone, and p the probability of
a share as great by chance. Elsewhere it is PED-ANOVA: how the best tenth of the
trials is distributed, compared with all.

Intervals are the middle 95 % of 2,000 resamplings over seeds (with PED-ANOVA
500 over configurations), drawn with seed 13. What the trials cannot tell is an
error: too few of them, a metric that is constant, no hyperparameter that varies.`,
		Example: `  starsweep importance runs/mnist_grid
  starsweep importance runs/mnist_grid --metric recall --where 'loss == "ns-gan"'
  starsweep importance runs/mnist_grid --log --json | jq .effects`,
		Args: func(c *cobra.Command, args []string) error {
			if m := importance.Method(o.method); m != "" && m != importance.ANOVA && m != importance.PED {
				return usageErrorf("--method: got %q, want %s or %s", o.method, importance.ANOVA, importance.PED)
			}
			return oneStudy(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error { return env.importance(c.Context(), args[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.metric, "metric", "", "the `METRIC`, loss or watch to explain (default: the first objective)")
	f.StringVar(&o.method, "method", "", "anova or ped-anova (default: anova where the trials are a full grid)")
	f.BoolVar(&o.log, "log", false, "explain the logarithm of the metric, whose values span decades")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	o.flags(c)
	return exits(c, exitStorage)
}

func (e *Env) importance(ctx context.Context, dir string, o importanceOptions) error {
	return e.withFrame(ctx, dir, o.selection, "--metric", o.metric, func(f *frame.Frame, metric string) error {
		a, err := importance.Analyze(f, metric, importance.Options{Log: o.log, Method: importance.Method(o.method)})
		if err != nil {
			return asUsageError(err)
		}
		if o.json {
			return printJSON(e.Stdout, importanceJSON(f, a), "  ")
		}
		return printImportance(e.Stdout, f, a)
	})
}

// metricOf is the metric that a flag names, by default the first objective. It must have a value.
func metricOf(f *frame.Frame, flag, name string) (string, error) {
	if name == "" && len(f.Objectives) > 0 {
		name = f.Objectives[0].Metric
	}
	switch {
	case len(f.Metrics) == 0:
		return "", usageErrorf("no trial has a value that can be compared: %s", omissions(f))
	case name == "":
		return "", usageErrorf("the script has no objectives: name a metric, such as %s %s", flag, f.Metrics[0])
	case !slices.Contains(f.Metrics, name):
		return "", usageErrorf("%s: %w", flag, hint.Unknown("metric with a value", name, f.Metrics))
	}
	return name, nil
}

// omissions is what a frame leaves out, as text.
func omissions(f *frame.Frame) string {
	var list []string
	for _, o := range f.Left {
		list = append(list, o.String())
	}
	if len(list) == 0 {
		return plain.Count(len(f.Rows), "trial")
	}
	return strings.Join(list, ", ")
}

func printImportance(to io.Writer, f *frame.Frame, a *importance.Analysis) error {
	what := a.Metric
	if a.Log {
		what = "log " + what
	}
	if a.Method == importance.ANOVA {
		fmt.Fprintf(to, "%s over %d trials: %s, %s each\n", what, a.N, plain.Count(a.Cells, "combination"), plain.Count(len(a.Seeds), "seed"))
	} else {
		fmt.Fprintf(to, "%s over %d trials, the best %d compared with all\n", what, a.N, a.Best)
	}
	fmt.Fprintf(to, "%s\n", a.Method.Citation())
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	chance := a.Method == importance.ANOVA && len(a.Seeds) > 1
	fmt.Fprint(w, "hyperparameters\tshare")
	if a.Method == importance.PED || chance {
		fmt.Fprint(w, "\tinterval")
	}
	if chance {
		fmt.Fprint(w, "\tchance\tp")
	}
	fmt.Fprintln(w)
	for _, x := range a.Effects {
		fmt.Fprintf(w, "%s\t%s", x.Name(), percent(x.Share))
		if !math.IsNaN(x.Low) {
			fmt.Fprintf(w, "\t%s to %s", percent(x.Low), percent(x.High))
		}
		if chance {
			fmt.Fprintf(w, "\t%s\t%s", percent(x.Chance), probability(x.P))
		}
		fmt.Fprintln(w)
	}
	if a.Method == importance.ANOVA {
		fmt.Fprintf(w, "interactions of three and more\t%s\n", percent(a.Higher))
		if chance {
			fmt.Fprintf(w, "seeds\t%s\n", percent(a.Residual))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if m := f.Measures[a.Metric]; m != "" {
		fmt.Fprintf(to, "measured by %s\n", m)
	}
	for _, o := range f.Left {
		fmt.Fprintf(to, "left out: %v\n", o)
	}
	for _, note := range a.Notes {
		fmt.Fprintf(to, "note: %s\n", note)
	}
	return nil
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

func probability(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

// jsonNumber is a number as JSON, null for NaN.
func jsonNumber(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}

// importanceJSON is an analysis as JSON.
func importanceJSON(f *frame.Frame, a *importance.Analysis) any {
	type effect struct {
		Factors []string `json:"hyperparameters"`
		Share   float64  `json:"share"`
		Low     *float64 `json:"low"`
		High    *float64 `json:"high"`
		Chance  *float64 `json:"chance"`
		P       *float64 `json:"p"`
	}
	effects := []effect{}
	for _, x := range a.Effects {
		effects = append(effects, effect{x.Factors, x.Share, jsonNumber(x.Low), jsonNumber(x.High), jsonNumber(x.Chance), jsonNumber(x.P)})
	}
	out := map[string]any{"metric": a.Metric, "log": a.Log, "measure": f.Measures[a.Metric], "method": a.Method,
		"citation": a.Method.Citation(), "trials": a.N, "effects": effects, "left": leftJSON(f), "notes": append([]string{}, a.Notes...)}
	if a.Method == importance.ANOVA {
		out["combinations"], out["seeds"] = a.Cells, a.Seeds
		out["higher"], out["residual"] = a.Higher, jsonNumber(a.Residual)
	} else {
		out["best"] = a.Best
	}
	return out
}
