package report

import (
	"fmt"
	"html/template"
	"slices"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// front is the points of one measure, as the page shows them.
type front struct {
	Measure    string // of the objectives, for people
	Best       int
	Points     string // how many trials are compared
	Earlier    int    // points of trials of earlier plans
	Volume     string
	Reference  string  // of the hypervolume
	Pictures   []graph // of pairs of objectives
	Notes      []string
	PairsLeft  int
	Trials     table // the front of trials
	Left       int   // of them, not in the table
	Joined     table // the front of configurations; without rows if each has one seed
	JoinedLeft int
}

// fronts shows a front for each measure of the objectives in trials of the newest plan.
func (s *study) fronts() (template.HTML, error) {
	newest, others := s.Measures()
	rows := map[string]map[results.Scope][]results.Row{}
	for _, row := range s.points {
		measure, scope := row["measure"].(string), results.Scope(row["scope"].(string))
		if rows[measure] == nil {
			rows[measure] = map[results.Scope][]results.Row{}
		}
		rows[measure][scope] = append(rows[measure][scope], row)
	}
	var fronts []*front
	for _, measure := range newest {
		if len(rows[measure]) == 0 {
			continue
		}
		f, err := s.front(measure, rows[measure])
		if err != nil {
			return "", err
		}
		fronts = append(fronts, f)
	}
	if len(fronts) == 0 {
		return "", nil
	}
	var measures []string
	for _, f := range fronts {
		measures = append(measures, f.Measure)
	}
	for i, text := range briefs(measures) {
		fronts[i].Measure = text
	}
	return render("front", map[string]any{"Fronts": fronts, "Others": len(others), "Objectives": objectives(s.meta.Objectives)})
}

// objectives names the objectives with their directions.
func objectives(list []results.Objective) string {
	texts := make([]string, len(list))
	for i, o := range list {
		texts[i] = fmt.Sprintf("%s (%s)", o.Metric, o.Direction)
	}
	return plain.List(texts)
}

func (s *study) front(measure string, rows map[results.Scope][]results.Row) (*front, error) {
	points := rows[results.ScopeStudy]
	f := &front{Measure: measure, Points: plain.Count(len(points), "trial"), Volume: value(points[0]["hypervolume"])}
	var reference []string
	for _, o := range s.meta.Objectives {
		reference = append(reference, o.Metric+" "+value(points[0]["reference_"+o.Metric]))
	}
	f.Reference = plain.List(reference)
	for _, row := range points {
		if row["in_plan"] == false {
			f.Earlier++
		}
		if integer(row["rank"]) == 1 {
			f.Best++
		}
	}
	laid, err := s.frame, error(nil)
	if newest, _ := s.Measures(); f.Earlier > 0 || len(newest) > 1 {
		laid, err = frame.Of(s.View, frame.Options{Measure: measure, AllPlans: f.Earlier > 0})
	}
	if err != nil {
		return nil, err
	}
	if f.Pictures, f.PairsLeft, err = s.pictures(laid); err != nil {
		return nil, err
	}
	f.Notes = shareNotes(graphs{List: f.Pictures})
	f.Trials, f.Left = s.list(points, "Trials on the front, at their last measured epoch", "trial", "seed", "epoch")
	if joined := rows[results.ScopeConfiguration]; len(joined) < len(points) {
		f.Joined, f.JoinedLeft = s.list(joined, "Configurations on the front of means: mean ± standard deviation over seeds", "seeds")
	}
	return f, nil
}

// list lists the points of rank 1, the best in the first objective first, and says how many it leaves out.
func (s *study) list(all []results.Row, caption string, more ...string) (t table, left int) {
	t.Caption = caption
	rows := slices.DeleteFunc(slices.Clone(all), func(r results.Row) bool { return integer(r["rank"]) > 1 })
	apart := s.Apart(all) // of all, in their order
	order := make(map[string]int, len(all))
	for i, row := range all {
		order[key(row)] = i
	}
	first := s.meta.Objectives[0]
	slices.SortStableFunc(rows, func(a, b results.Row) int {
		switch x, y := a[first.Metric].(float64), b[first.Metric].(float64); {
		case first.Better(x, y):
			return -1
		case first.Better(y, x):
			return 1
		}
		return 0
	})
	if len(rows) > pointsShown {
		rows, left = rows[:pointsShown], len(rows)-pointsShown
	}
	names := s.pointColumns(all, more)
	for _, name := range names {
		_, isText := all[0][name].(string)
		_, isTruth := all[0][name].(bool)
		t.column(name, !isText && !isTruth)
	}
	for _, d := range apart {
		t.column(d.Name, false)
	}
	for _, row := range rows {
		var texts []string
		for _, name := range names {
			text := level(row[name])
			if deviation, ok := row["std_"+name].(float64); ok {
				text += " ± " + value(deviation)
			}
			texts = append(texts, text)
		}
		for _, d := range apart {
			texts = append(texts, d.Values[order[key(row)]])
		}
		cells := t.cells(texts...)
		if id, ofTrial := row["trial"].(string); ofTrial && names[0] == "trial" {
			r := s.Trial(id)
			cells[0].Trial = &r
		}
		t.Rows = append(t.Rows, line{Cells: cells})
	}
	return t, left
}

// pointColumns are the columns that a list of points shows: objectives, what differs among all points, and more, a trial's name first.
func (s *study) pointColumns(all []results.Row, more []string) (names []string) {
	if more[0] == "trial" {
		names, more = append(names, "trial"), more[1:]
	}
	for _, o := range s.meta.Objectives {
		names = append(names, o.Metric)
	}
	names = append(names, "contribution")
	differs := func(name string) bool {
		return slices.ContainsFunc(all, func(r results.Row) bool { return r[name] != all[0][name] })
	}
	for _, c := range s.meta.Columns {
		if differs(c.Name) {
			names = append(names, c.Name)
		}
	}
	names = append(names, more...)
	if differs("epochs_planned") {
		names = append(names, "epochs_planned")
	}
	return names
}

// key identifies a point of a front.
func key(row results.Row) string {
	return fmt.Sprint(row["trial"], " ", row["configuration"], " ", row["epochs_planned"])
}
