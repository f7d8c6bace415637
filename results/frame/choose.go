package frame

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/engine/metric"
	"github.com/starsweep/starsweep/results"
)

// candidate is a trial with the values that it may have in a frame.
type candidate struct {
	row      Row
	state    results.State
	readings []reading // by measure of the objectives, one each; none of a trial that may not be compared
}

// reading is the values of a trial at the epoch that represents it.
type reading struct {
	epoch    int
	values   map[string]float64
	measure  string              // of the objectives
	measures func(string) string // of a metric
}

// gather makes the row of a trial and its readings.
func gather(v *results.View, s results.State, o Options) (candidate, error) {
	c := candidate{state: s, row: Row{ID: s.ID, Index: s.Index, Seed: s.Seed, Configuration: s.Configuration, Status: s.Status,
		Reason: s.Remark(), Started: s.Started, Point: map[string]any{}, Values: map[string]float64{}, Seconds: s.Seconds}}
	m := v.Meta()
	for _, column := range m.Columns {
		c.row.Point[column.Name] = s.Point[column.Name]
	}
	if s.Former != nil {
		c.row.Status = s.Former.Status
	}
	if o.Measured {
		var err error
		c.readings, err = measured(v, s.ID, o.Best)
		return c, err
	}
	if e, found := v.Compared(s.ID, o.Best); found {
		c.readings = []reading{{epoch: e.Epoch, values: finite(e.Metrics),
			measure:  metric.Deciding(s.Measure, s.Train, names(m.Objectives)...).String(),
			measures: func(name string) string { return metric.Deciding(s.Measure, s.Train, name).String() }}}
	}
	return c, nil
}

// measured are the readings that the command measure recorded of kept weights within the budget, one of each measure: of the last epoch,
// or of that where the first objective is best.
func measured(v *results.View, id string, best bool) (list []reading, err error) {
	again, err := v.Measurements(id)
	if err != nil {
		return nil, err
	}
	_, usable := v.Course(id)
	objectives := v.Meta().Objectives
	improves := func(r, earlier reading) bool {
		if !best || len(objectives) == 0 {
			return true
		}
		y, has := r.values[objectives[0].Metric]
		before, had := earlier.values[objectives[0].Metric]
		return has && (!had || objectives[0].Better(y, before))
	}
	at := map[string]int{}
	for _, x := range again { // by epoch
		if x.Epoch > usable {
			continue
		}
		r := reading{epoch: x.Epoch, values: finite(x.Metrics), measure: x.Measure,
			measures: func(name string) string { return Part(x.Measure, name) }}
		i, known := at[x.Measure]
		if !known {
			at[x.Measure] = len(list)
			list = append(list, r)
		} else if improves(r, list[i]) {
			list[i] = r
		}
	}
	return list, nil
}

func names(objectives []results.Objective) (list []string) {
	for _, o := range objectives {
		list = append(list, o.Metric)
	}
	return list
}

// choose gives each trial its values of one measure, and leaves out trials and values of others. A trial without values stays.
func (f *Frame) choose(candidates []candidate, o Options) (rows []Row, err error) {
	measure, err := pick(candidates, o.Measure)
	if err != nil {
		return nil, err
	}
	var kept []reading
	others := 0
	for _, c := range candidates {
		i := slices.IndexFunc(c.readings, func(r reading) bool { return r.measure == measure })
		switch {
		case i >= 0:
			c.row.Epoch, c.row.Values = c.readings[i].epoch, c.readings[i].values
			kept = append(kept, c.readings[i])
		case len(c.readings) > 0:
			others++
			continue
		default:
			kept = append(kept, reading{})
		}
		rows = append(rows, c.row)
	}
	f.leave("trials of other measures", others)
	f.agree(rows, kept)
	return rows, nil
}

// pick is the measure of the objectives that the values have: one of which part is a part, or that of most trials; of the newest plan, if
// it has any.
func pick(candidates []candidate, part string) (string, error) {
	count, planned := map[string]int{}, map[string]int{}
	var met []string
	for _, c := range candidates {
		for _, r := range c.readings {
			if count[r.measure]++; count[r.measure] == 1 {
				met = append(met, r.measure)
			}
			if c.state.InPlan {
				planned[r.measure]++
			}
		}
	}
	if slices.Contains(met, part) {
		return part, nil
	}
	met = slices.DeleteFunc(met, func(m string) bool { return !strings.Contains(m, part) })
	switch {
	case part != "" && len(met) == 0:
		return "", fmt.Errorf("measure: got %q, want part of one of the measures %s", part, quoted(slices.Sorted(maps.Keys(count))))
	case part != "" && len(met) > 1:
		return "", fmt.Errorf("measure: got %q, which is part of %d measures: %s", part, len(met), quoted(met))
	case len(met) == 0:
		return "", nil
	}
	return slices.MaxFunc(met, func(a, b string) int { // the first of equals
		if planned[a] != planned[b] {
			return planned[a] - planned[b]
		}
		return count[a] - count[b]
	}), nil
}

func quoted(list []string) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(texts, ", ")
}

// agree removes the values of a metric that were measured otherwise than most.
func (f *Frame) agree(rows []Row, readings []reading) {
	count := map[string]map[string]int{} // by metric and measure
	for i, r := range rows {
		for name := range r.Values {
			if count[name] == nil {
				count[name] = map[string]int{}
			}
			count[name][readings[i].measures(name)]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(count)) {
		by := count[name]
		f.Measures[name] = slices.MaxFunc(slices.Sorted(maps.Keys(by)), func(a, b string) int { return by[a] - by[b] })
		removed := 0
		for i, r := range rows {
			if _, measured := r.Values[name]; measured && readings[i].measures(name) != f.Measures[name] {
				delete(r.Values, name)
				if f.foreign[r.ID] == nil {
					f.foreign[r.ID] = map[string]bool{}
				}
				f.foreign[r.ID][name] = true
				removed++
			}
		}
		f.leave("values of "+name+" of other measures", removed)
	}
}
