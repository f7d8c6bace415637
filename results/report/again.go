package report

import (
	"slices"

	"github.com/starsweep/starsweep/results"
)

// again is what kept weights gave by another measure than that of their study.
type again struct {
	Measure string
	Values  listing
}

// measuredAgain lists the measurements, by measure.
func measuredAgain(v *results.View, trials []*trial) (list []again, err error) {
	labels := map[string]string{}
	for _, t := range trials {
		labels[t.ID] = t.Point
	}
	rows := map[string][]results.Row{}
	var measures []string
	for row, err := range v.Rows(results.Measurements) {
		if err != nil {
			return nil, err
		}
		measure, _ := row["measure"].(string)
		if rows[measure] == nil {
			measures = append(measures, measure)
		}
		rows[measure] = append(rows[measure], row)
	}
	for _, measure := range measures {
		list = append(list, again{measure, measuredListing(v.Meta(), rows[measure], labels)})
	}
	return list, nil
}

// measuredListing lists rows of one measure, with the metrics that it has.
func measuredListing(m results.Meta, rows []results.Row, labels map[string]string) listing {
	l := listing{Head: []string{"trial", "epoch"}}
	for _, name := range m.Metrics {
		if slices.ContainsFunc(rows, func(r results.Row) bool { return r[name] != nil }) {
			l.Head = append(l.Head, name)
		}
	}
	for _, row := range rows {
		id, _ := row["trial"].(string)
		cells := []string{labels[id]}
		for _, name := range l.Head[1:] {
			cells = append(cells, value(row[name]))
		}
		l.Rows = append(l.Rows, cells)
	}
	return l
}
