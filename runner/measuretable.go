package runner

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/effect"
)

// printTable prints the new numbers of every trial beside those of its run, and how far both rank the trials alike.
func (m *measurer) printTable(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	columns := m.columns()
	fmt.Fprint(w, "trial\tepoch")
	for _, name := range columns {
		fmt.Fprintf(w, "\t%s\tnow", name)
	}
	fmt.Fprintln(w, "\tpoint")
	for _, x := range m.list {
		fmt.Fprintf(w, "%s\t%d", x.ID, x.row.Epoch)
		for _, name := range columns {
			fmt.Fprintf(w, "\t%s\t%s", number(x.first.Metrics, name), number(x.row.Metrics, name))
		}
		fmt.Fprintf(w, "\t%s\n", m.view.Meta().Label(x.Point, x.Seed))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, name := range columns {
		switch rho, n := m.agreement(name); {
		case n < 3: // it would be 1 or -1
		case math.IsNaN(rho):
			fmt.Fprintf(to, "rank correlation of %s: none, since all of %d trials have one value\n", name, n)
		default:
			fmt.Fprintf(to, "rank correlation of %s: %.3f over %d trials\n", name, rho, n)
		}
	}
	return m.printMeasures(to, columns)
}

// printMeasures says what was compared, before and now.
func (m *measurer) printMeasures(to io.Writer, columns []string) error {
	var before, now []string
	for _, x := range m.list {
		was := metric.Deciding(x.Measure, x.Train, slices.DeleteFunc(slices.Clone(columns), func(name string) bool {
			_, there := x.first.Metrics[name]
			return !there
		})...).String()
		if was != "" && !slices.Contains(before, was) {
			before = append(before, was)
		}
		if !slices.Contains(now, x.row.Measure) {
			now = append(now, x.row.Measure)
		}
	}
	for _, text := range before {
		fmt.Fprintf(to, "run: %s\n", plain.Line(text))
	}
	for _, text := range now {
		if _, err := fmt.Fprintf(to, "now: %s\n", plain.Line(text)); err != nil {
			return err
		}
	}
	return nil
}

// number is the text of a value, a dash if there is none.
func number(values map[string]float64, name string) string {
	v, ok := values[name]
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%.4g", v)
}

// agreement is Spearman's rank correlation of a column before and now over the trials that have both, and their number. It is not a
// number if one of them does not distinguish the trials.
func (m *measurer) agreement(column string) (rho float64, n int) {
	var before, now []float64
	for _, x := range m.list {
		a, hasA := x.first.Metrics[column]
		b, hasB := x.row.Metrics[column]
		if hasA && hasB && !math.IsNaN(a) && !math.IsNaN(b) {
			before, now = append(before, a), append(now, b)
		}
	}
	if len(before) < 2 {
		return math.NaN(), len(before)
	}
	return effect.Spearman(before, now), len(before)
}
