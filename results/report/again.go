package report

import (
	"html/template"
	"slices"

	"github.com/starsweep/starsweep/results"
)

// again is what kept weights gave by another measure than that of their study.
type again struct {
	Measure string
	Values  table
	Left    int
}

// again lists the measurements, by measure.
func (s *study) again() (template.HTML, error) {
	rows := map[string][]results.Row{}
	var measures []string
	for row, err := range s.Rows(results.Measurements) {
		if err != nil {
			return "", err
		}
		measure, _ := row["measure"].(string)
		if rows[measure] == nil {
			measures = append(measures, measure)
		}
		rows[measure] = append(rows[measure], row)
	}
	if len(rows) == 0 {
		return "", nil
	}
	var list []again
	texts := briefs(measures)
	for i, measure := range measures {
		list = append(list, s.measuredBy(texts[i], rows[measure]))
	}
	return render("again", list)
}

// measuredBy lists rows of one measure, with the metrics that it has, beside the values of the training.
func (s *study) measuredBy(measure string, rows []results.Row) again {
	a := again{Measure: measure}
	if len(rows) > pointsShown {
		rows, a.Left = rows[:pointsShown], len(rows)-pointsShown
	}
	t := table{Caption: "Values measured again"}
	t.column("trial", false)
	t.column("hyperparameters", false)
	t.column("epoch", true)
	for _, name := range s.meta.Metrics {
		if slices.ContainsFunc(rows, func(r results.Row) bool { return r[name] != nil }) {
			t.column(name, true)
		}
	}
	for _, row := range rows {
		id, _ := row["trial"].(string)
		r := s.Trial(id)
		texts := []string{id, r.Label}
		for _, h := range t.Head[2:] {
			texts = append(texts, value(row[h.Text]))
		}
		cells := t.cells(texts...)
		cells[0].Trial = &r
		t.Rows = append(t.Rows, line{Cells: cells})
	}
	a.Values = t
	return a
}
