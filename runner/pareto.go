package runner

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/export"
)

type paretoOptions struct {
	objectives, reference []string
	scope                 string
	best, all, json       bool
	measures, measured    bool
}

func paretoCommand(env *Env) *cobra.Command {
	var o paretoOptions
	c := &cobra.Command{
		Use:   "pareto DIR",
		Short: "Print the Pareto fronts of a study",
		Long: `Pareto compares the finished trials of a study by several objectives, and
prints the front: the trials that no other trial dominates. The objectives are
those of the script, or the metrics given by --objective. The columns are those
of the pareto table (see docs/tables.md), and the settings, data and scripts in
which the trials differ.

Only values of the same measure are compared. If the trials of the newest plan
have several measures, each measure has its own front. Measures that only trials
of earlier plans have are shown with --all-measures. --measured compares what
measure recorded of kept weights, with a front for each of its measures.`,
		Example: `  starsweep pareto runs/mnist_grid
  starsweep pareto runs/mnist_grid --objective fid=min --objective recall=max --scope configuration`,
		Args: oneStudy,
		RunE: func(_ *cobra.Command, args []string) error { return printPareto(env, args[0], o) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.objectives, "objective", nil,
		"`METRIC=min` or METRIC=max, instead of the objectives of the script; may be repeated")
	f.StringArrayVar(&o.reference, "reference", nil,
		"`METRIC=VALUE`: reference point of the hypervolume (default: the worst value plus a tenth of the range); may be repeated")
	f.StringVar(&o.scope, "scope", string(results.ScopeStudy),
		"compare trials (study), means over seeds (configuration) or the epochs of each trial (trial)")
	f.BoolVar(&o.best, "best", false, "compare trials at their best epoch by the first objective instead of their last epoch")
	f.BoolVar(&o.all, "all", false, "print all ranks instead of the front only")
	f.BoolVar(&o.measures, "all-measures", false, "print the fronts of all measures instead of those of the newest plan")
	f.BoolVar(&o.measured, "measured", false, "compare what the command measure recorded of kept weights, instead of epochs")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return exits(c, exitStorage)
}

func printPareto(env *Env, dir string, o paretoOptions) error {
	if !slices.Contains(results.Scopes(), results.Scope(o.scope)) {
		return usageErrorf("--scope: got %q, want study, configuration or trial", o.scope)
	}
	objectives, err := parseObjectives(o.objectives)
	if err != nil {
		return err
	}
	v, err := env.openView(dir, objectives...)
	if err != nil {
		return err
	}
	defer v.Close()
	if len(objectives) == 0 {
		objectives = v.Meta().Objectives
	}
	if len(objectives) == 0 {
		return usageErrorf("%s: the script has no objectives: name some, such as --objective %s=min", dir,
			slices.Concat(v.Meta().Metrics, []string{"METRIC"})[0])
	}
	reference, err := parseReference(o.reference, objectives)
	if err != nil {
		return err
	}
	fronts, left, err := frontsOf(v, o, reference)
	if err != nil {
		return err
	}
	p := paretoPrinter{objectives: objectives, fields: v.Fields(results.Pareto), columns: v.Meta().Columns, all: o.all}
	if o.json {
		if left.points > 0 {
			fmt.Fprintf(env.Stderr, "starsweep: %v\n", left)
		}
		return p.json(env.Stdout, fronts)
	}
	if len(fronts) == 0 {
		why := "no finished trial has a value of each of %s; --scope trial shows epochs"
		if o.measured {
			why = "no kept weights were measured by each of %s: see starsweep measure"
		}
		fmt.Fprintf(env.Stdout, "%s: no points: "+why+"\n", o.scope, strings.Join(p.names(), ", "))
	}
	for _, rows := range fronts {
		if err := p.table(env.Stdout, rows, v.Apart(rows)); err != nil {
			return err
		}
	}
	if left.points > 0 {
		fmt.Fprintln(env.Stdout, left)
	}
	return nil
}

// omitted counts points that are not printed because no trial of the newest plan has their measure.
type omitted struct{ points, measures int }

func (o omitted) String() string {
	return fmt.Sprintf("%s of %s omitted, which no trial of the newest plan has: --all-measures shows them", plain.Count(o.points, "point"),
		plain.Count(o.measures, "other measure"))
}

// frontsOf returns the rows of a scope in groups that were compared with each other: those of one trial, or of one measure.
func frontsOf(v *results.View, o paretoOptions, reference map[string]float64) (fronts [][]results.Row, left omitted, err error) {
	newest, _ := v.Measures()
	others := map[string]bool{}
	for row, err := range v.Pareto(results.Comparison{Best: o.best, Reference: reference, Measured: o.measured}) {
		if err != nil {
			return nil, left, err
		}
		measure, _ := row["measure"].(string)
		switch {
		case row["scope"] != o.scope:
			continue
		case !o.measures && !o.measured && !slices.Contains(newest, measure):
			others[measure] = true
			left.points++
			continue
		}
		n := len(fronts)
		if n == 0 || fronts[n-1][0]["measure"] != measure || o.scope == string(results.ScopeTrial) && fronts[n-1][0]["trial"] != row["trial"] {
			fronts = append(fronts, nil)
			n++
		}
		fronts[n-1] = append(fronts[n-1], row)
	}
	left.measures = len(others)
	return fronts, left, nil
}

func parseObjectives(flags []string) (objectives []results.Objective, err error) {
	for _, text := range flags {
		metric, value, _ := strings.Cut(text, "=")
		direction, err := pareto.ParseDirection(value)
		if metric == "" || err != nil {
			return nil, usageErrorf("--objective: got %q, want METRIC=min or METRIC=max", text)
		}
		objectives = append(objectives, results.Objective{Metric: metric, Direction: direction})
	}
	return objectives, nil
}

func parseReference(flags []string, objectives []results.Objective) (map[string]float64, error) {
	reference := map[string]float64{}
	for _, text := range flags {
		metric, value, _ := strings.Cut(text, "=")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, usageErrorf("--reference: got %q, want METRIC=VALUE", text)
		}
		if !slices.ContainsFunc(objectives, func(o results.Objective) bool { return o.Metric == metric }) {
			return nil, usageErrorf("--reference: %q is not an objective", metric)
		}
		reference[metric] = v
	}
	return reference, nil
}

type paretoPrinter struct {
	objectives []results.Objective
	columns    []results.Column
	fields     []results.Field
	all        bool
}

func (p paretoPrinter) names() (names []string) {
	for _, o := range p.objectives {
		names = append(names, o.Metric)
	}
	return names
}

// shown returns the rows to print.
func (p paretoPrinter) shown(rows []results.Row) []results.Row {
	if p.all {
		return rows
	}
	n := 0
	for n < len(rows) && rows[n]["rank"] == int32(1) {
		n++
	}
	return rows[:n]
}

// table prints a group of points, the best first.
func (p paretoPrinter) table(to io.Writer, rows []results.Row, apart []results.Difference) error {
	first := rows[0]
	heading := fmt.Sprint(first["scope"])
	if heading == string(results.ScopeTrial) {
		heading += fmt.Sprintf(" %s", first["trial"])
	}
	var reference []string
	for _, o := range p.objectives {
		reference = append(reference, fmt.Sprintf("%s=%.5g", o.Metric, first["reference_"+o.Metric]))
	}
	front := paretoPrinter{}.shown(rows)
	fmt.Fprintf(to, "%s: %d of %d points on the front, hypervolume %.5g up to %s\n", heading, len(front), len(rows), first["hypervolume"],
		strings.Join(reference, " "))
	fmt.Fprintf(to, "measured by %s\n", first["measure"])
	columns := p.shownColumns(rows)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := slices.Clone(columns)
	for _, d := range apart {
		head = append(head, d.Name)
	}
	fmt.Fprintln(w, strings.Join(head, "\t")+"\t")
	for i, row := range p.shown(rows) {
		var cells []string
		for _, name := range columns {
			cells = append(cells, cell(row[name]))
		}
		for _, d := range apart {
			cells = append(cells, d.Values[i])
		}
		fmt.Fprintln(w, strings.Join(cells, "\t")+"\t")
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return p.notes(to, rows)
}

// notes prints how the points of a group differ although they are compared.
func (p paretoPrinter) notes(to io.Writer, rows []results.Row) error {
	earlier, lengths := 0, map[any]bool{}
	for _, row := range rows {
		if inPlan, known := row["in_plan"].(bool); known && !inPlan {
			earlier++
		}
		lengths[row["epochs_planned"]] = true
	}
	if earlier > 0 {
		fmt.Fprintf(to, "%d of %s are of earlier plans\n", earlier, plain.Count(len(rows), "point"))
	}
	if len(lengths) > 1 {
		fmt.Fprintf(to, "trials of %d different lengths are compared: see epochs_planned\n", len(lengths))
	}
	return nil
}

// shownColumns returns the columns to print: those that differ between the rows of a scope.
func (p paretoPrinter) shownColumns(rows []results.Row) []string {
	columns := []string{"rank"}
	joined := rows[0]["scope"] == string(results.ScopeConfiguration)
	for _, o := range p.objectives {
		columns = append(columns, o.Metric)
		if joined {
			columns = append(columns, "std_"+o.Metric)
		}
	}
	columns = append(columns, "contribution")
	for _, c := range p.columns {
		columns = append(columns, c.Name)
	}
	if slices.ContainsFunc(rows, func(r results.Row) bool { return r["epochs_planned"] != rows[0]["epochs_planned"] }) {
		columns = append(columns, "epochs_planned")
	}
	if joined {
		return append(columns, "seeds")
	}
	return append(columns, "seed", "epoch", "trial")
}

// cell formats a value of the table.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case float64:
		return strconv.FormatFloat(v, 'g', 5, 64)
	case string:
		return plain.Line(v)
	}
	return fmt.Sprint(v)
}

// json prints the rows as one array of objects.
func (p paretoPrinter) json(to io.Writer, fronts [][]results.Row) error {
	sep := "["
	for _, rows := range fronts {
		for _, row := range p.shown(rows) {
			line, err := export.JSONRow(p.fields, row)
			if err != nil {
				return err
			}
			fmt.Fprintf(to, "%s\n%s", sep, line)
			sep = ","
		}
	}
	if sep == "[" {
		fmt.Fprint(to, sep)
	}
	_, err := fmt.Fprintln(to, "\n]")
	return err
}
