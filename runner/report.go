package runner

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/results/report"
)

func reportCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "report DIR", Short: "draw the page of a study, finished or not", Args: oneStudy,
		RunE: func(_ *cobra.Command, args []string) error { return env.writeReport(args[0]) },
	}
}

// writeReport draws the study's page, and tells where everything lies and the best of every objective.
func (e *Env) writeReport(dir string) error {
	v, err := e.openView(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	path, err := report.File(v)
	if err != nil {
		return err
	}
	tables := "trials,epochs,samples"
	if len(v.Meta().Objectives) > 0 {
		tables += ",pareto"
	}
	fmt.Fprintf(e.Stdout, "tables   %s/{%s}/*.parquet\nreport   %s\n", dir, tables, path)
	trials := v.Trials()
	for _, o := range v.Meta().Objectives {
		for _, line := range bestLines(v.Meta(), trials, o) {
			fmt.Fprintf(e.Stdout, "best     %s\n", line)
		}
	}
	return nil
}
