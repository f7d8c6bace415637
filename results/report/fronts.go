package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results"
)

// front is the points of one measure, as the page shows them.
type front struct {
	Picture      template.HTML // of the first two objectives; empty for one
	Summary      string
	Measure      string  // of the objectives
	Trials       listing // of the front of trials
	Joined       listing // of the front of configurations; empty if each has one seed
	Points, Best int
	Earlier      int // points of trials of earlier plans
}

// listing is a table on the page.
type listing struct {
	Head []string
	Rows [][]string
}

// drawFronts draws the pareto table: a front for each measure of the objectives in trials of the newest plan. Left counts the measures
// that only other trials have.
func drawFronts(v *results.View) (fronts []*front, left int, err error) {
	newest, others := v.Measures()
	rows := map[string]map[results.Scope][]results.Row{}
	for row, err := range v.Rows(results.Pareto) {
		if err != nil {
			return nil, 0, err
		}
		measure, scope := row["measure"].(string), results.Scope(row["scope"].(string))
		if scope == results.ScopeTrial {
			break // there are many of them, and they come last
		}
		if rows[measure] == nil {
			rows[measure] = map[results.Scope][]results.Row{}
		}
		rows[measure][scope] = append(rows[measure][scope], row)
	}
	for _, measure := range newest {
		if len(rows[measure]) == 0 {
			continue
		}
		f, err := drawFront(v, measure, rows[measure])
		if err != nil {
			return nil, 0, err
		}
		fronts = append(fronts, f)
	}
	return fronts, len(others), nil
}

func drawFront(v *results.View, measure string, rows map[results.Scope][]results.Row) (*front, error) {
	m, study := v.Meta(), rows[results.ScopeStudy]
	f := &front{Measure: measure, Points: len(study), Trials: list(v, study, "contribution", "seed", "epoch")}
	f.Best = len(f.Trials.Rows)
	for _, row := range study {
		if row["in_plan"] == false {
			f.Earlier++
		}
	}
	var described []string
	for _, o := range m.Objectives {
		described = append(described, fmt.Sprintf("%s (%s)", o.Metric, o.Direction))
	}
	f.Summary = fmt.Sprintf("%s; hypervolume %.4g", strings.Join(described, ", "), study[0]["hypervolume"])
	if joined := rows[results.ScopeConfiguration]; len(joined) < len(study) {
		f.Joined = list(v, joined, "contribution", "seeds")
	}
	if len(m.Objectives) > 1 {
		p, err := newScatter(m, study)
		if err != nil {
			return nil, err
		}
		f.Picture = p.draw()
	}
	return f, nil
}

// list lists the points of rank 1.
func list(v *results.View, rows []results.Row, more ...string) listing {
	m := v.Meta()
	var l listing
	for _, c := range m.Columns {
		l.Head = append(l.Head, c.Name)
	}
	for _, o := range m.Objectives {
		l.Head = append(l.Head, o.Metric)
	}
	l.Head = append(l.Head, more...)
	if slices.ContainsFunc(rows, func(r results.Row) bool { return r["epochs_planned"] != rows[0]["epochs_planned"] }) {
		l.Head = append(l.Head, "epochs_planned")
	}
	named := len(l.Head)
	apart := v.Apart(rows)
	for _, d := range apart {
		l.Head = append(l.Head, d.Name)
	}
	for i, row := range rows {
		if integer(row["rank"]) > 1 {
			break
		}
		var cells []string
		for _, name := range l.Head[:named] {
			text := value(row[name])
			if deviation, ok := row["std_"+name].(float64); ok {
				text += " ± " + value(deviation)
			}
			cells = append(cells, text)
		}
		for _, d := range apart {
			cells = append(cells, d.Values[i])
		}
		l.Rows = append(l.Rows, cells)
	}
	return l
}

// value is a cell.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprint(v)
}

// staircase returns the indices of the points that no other dominates in the objectives.
func staircase(points [][]float64, objectives []results.Objective) ([]int, error) {
	directions := make([]pareto.Direction, len(objectives))
	for i, o := range objectives {
		directions[i] = o.Direction
	}
	return pareto.Front(points, directions)
}
