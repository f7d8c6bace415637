package runner

import (
	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/results/report"
)

func reportCommand(env *Env) *cobra.Command {
	return exits(&cobra.Command{
		Use:   "report DIR",
		Short: "Write the report of a study as an HTML page",
		Long: `Report writes report.html into the directory of a study, finished or not: one
page with the curves, the Pareto fronts, the sample sheets and the table of
trials. It prints where the tables are and the best value of each objective. A
run also writes the report when it ends.`,
		Example: `  starsweep report runs/quickstart`,
		Args:    oneStudy,
		RunE:    func(_ *cobra.Command, args []string) error { return env.writeReport(args[0]) },
	}, exitStorage)
}

// writeReport writes the report of a study, and prints where the tables are and the best value of each objective.
func (e *Env) writeReport(dir string) error {
	v, err := e.openView(dir)
	if err != nil {
		return err
	}
	defer v.Close()
	path, err := report.File(v, report.Options{})
	if err != nil {
		return err
	}
	s := runSummary{Report: path}
	if err := s.summarize(v); err != nil {
		return err
	}
	s.where(e.Stdout)
	return nil
}
