package report

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/results"
)

// fronts is what the page shows of the pareto table; nil where there is nothing yet.
type fronts struct {
	Picture      template.HTML // of the first two objectives; empty for one
	Summary      string
	Trials       listing // of the study's front
	Joined       listing // of the configurations' front; empty where each has one seed
	Points, Best int
}

// listing is a table on the page.
type listing struct {
	Head []string
	Rows [][]string
}

func drawFronts(v *results.View) (*fronts, error) {
	rows := map[results.Scope][]results.Row{}
	several := false // seeds
	for row, err := range v.Rows(results.Pareto) {
		if err != nil {
			return nil, err
		}
		scope := results.Scope(row["scope"].(string))
		if scope == results.ScopeTrial {
			break // they are many, and come last
		}
		rows[scope] = append(rows[scope], row)
		several = several || integer(row["seeds"]) > 1
	}
	study := rows[results.ScopeStudy]
	if len(study) == 0 {
		return nil, nil
	}
	m := v.Meta()
	f := &fronts{Points: len(study), Trials: list(m, study, "contribution", "seed", "epoch")}
	f.Best = len(f.Trials.Rows)
	var goals []string
	for _, o := range m.Objectives {
		goals = append(goals, fmt.Sprintf("%s (%s)", o.Metric, o.Goal))
	}
	f.Summary = fmt.Sprintf("%s; hypervolume %.4g", strings.Join(goals, ", "), study[0]["hypervolume"])
	if several {
		f.Joined = list(m, rows[results.ScopeConfiguration], "contribution", "seeds")
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

// list is the points of rank 1.
func list(m results.Meta, rows []results.Row, more ...string) listing {
	var l listing
	for _, c := range m.Columns {
		l.Head = append(l.Head, c.Name)
	}
	for _, o := range m.Objectives {
		l.Head = append(l.Head, o.Metric)
	}
	l.Head = append(l.Head, more...)
	for _, row := range rows {
		if integer(row["rank"]) > 1 {
			break
		}
		var cells []string
		for _, name := range l.Head {
			text := value(row[name])
			if deviation, ok := row["std_"+name].(float64); ok {
				text += " ± " + value(deviation)
			}
			cells = append(cells, text)
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

// staircase is the indices of the points that no other beats in the first two objectives, from left to right.
func staircase(points [][]float64, objectives []results.Objective) ([]int, error) {
	directions := make([]pareto.Direction, len(objectives))
	for i, o := range objectives {
		if o.Goal == results.Max {
			directions[i] = pareto.Max
		}
	}
	return pareto.Front(points, directions)
}
