package runner

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/report"
)

// reportOptions are the flags of report.
type reportOptions struct{ compare, out string }

func reportCommand(env *Env) *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use:   "report DIR",
		Short: "Write the report of a study as an HTML page",
		Long: `Report writes report.html into the directory of a study, finished or not, or
where --out says. A run also writes it when it ends. The page is one file that
needs no network: what the study asked and what came out, Pareto fronts, what
each factor does, courses over epochs, samples, how trials ended, the table of
trials, script, versions and data. Report prints where the tables are and the
best value of each objective.

--compare A writes a page of two studies side by side instead, A and DIR: what
differs in scripts and settings, and figures and a table of the metrics of the
configurations that both have, paired by their hyperparameters. Values of other
measures are not compared. It is written to comparison.html in the
current directory unless --out says otherwise.`,
		Example: `  starsweep report runs/quickstart
  starsweep report --compare runs/old runs/new --out old_new.html`,
		Args: func(c *cobra.Command, args []string) error {
			for _, name := range []string{"compare", "out"} {
				if f := c.Flags().Lookup(name); f.Changed && f.Value.String() == "" {
					return usageErrorf("--%s: got an empty path", name)
				}
			}
			return oneStudy(c, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if o.compare != "" {
				return env.compareStudies(o.compare, args[0], o.out)
			}
			return env.writeReport(args[0], o.out)
		},
	}
	c.Flags().StringVar(&o.compare, "compare", "", "directory `A` of a study to compare with")
	c.Flags().StringVar(&o.out, "out", "", "write the page to `FILE`")
	return exits(c, exitStorage)
}

// writeReport writes the report of a study, and prints where the tables are and the best value of each objective.
func (e *Env) writeReport(dir, path string) error {
	v, err := e.openView(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	if path == "" {
		path = filepath.Join(dir, "report.html")
	}
	if err := report.File(path, v, report.Options{}); err != nil {
		return err
	}
	s := runSummary{Report: path}
	if err := s.summarize(v); err != nil {
		return err
	}
	s.where(e.Stdout)
	return nil
}

// compareStudies writes the page that compares two studies.
func (e *Env) compareStudies(dirA, dirB, path string) error {
	if path == "" {
		path = "comparison.html"
	}
	err := e.withViews(dirA, dirB, func(a, b *results.View) error { return report.CompareFile(path, a, b) })
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, "report   %s\n", plain.Line(path))
	return nil
}
