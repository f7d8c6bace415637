package results

import "slices"

// standing is what the pareto table shows of a point.
type standing struct {
	peerGroup
	member
	rank                      int
	contribution, hypervolume float64
}

func joinsSeeds(r *record) bool { return r.Standing.scope == ScopeConfiguration }

// paretoColumns are the columns of the pareto table, which begins like the others but has rows of no single trial. They have no inverse:
// the table is computed.
var paretoColumns = slices.Concat([]column{
	stored("scope", func(r *record) *Scope { return &r.Standing.scope }, "study, configuration or trial"),
}, sharedByPoints(), []column{
	stored("epoch", func(r *record) *int { return &r.Standing.epoch },
		"epoch of the values, the last one measured within epochs_planned; null for a configuration").
		nullWhere(joinsSeeds),
	stored("epochs_planned", func(r *record) *int { return &r.Standing.budget },
		"epochs planned, at most those of the newest plan. Trials of different lengths are ranked together, but never averaged"),
	stored("seeds", func(r *record) *int { return &r.Standing.seeds }, "number of trials averaged; 1 except for configurations"),
	family("*OBJECTIVE*", TypeFloat, "the value; for a configuration, the mean over seeds", func(m Meta) (list []column) {
		for j, o := range m.Objectives {
			list = append(list,
				computed(o.Metric, func(r *record) float64 { return r.Standing.values[j] }, ""),
				computed("std_"+o.Metric, func(r *record) float64 { return r.Standing.deviation[j] }, "").
					nullWhere(func(r *record) bool { return r.Standing.deviation == nil }))
		}
		return list
	}),
	alsoNamed("std_*OBJECTIVE*", TypeFloat, "standard deviation over seeds (N-1); null for one seed"),
	stored("measure", func(r *record) *string { return &r.Standing.peerGroup.measure }, "the part of the measure that affects the objectives"),
	stored("backend", func(r *record) *string { return &r.Standing.backend },
		"where the values were computed; null for a configuration whose trials differ").
		nullWhere(func(r *record) bool { return r.Standing.backend == "" }),
	stored("in_plan", func(r *record) *bool { return &r.Standing.inPlan },
		"whether the trial, or one of the configuration, belongs to the newest plan"),
	stored("rank", func(r *record) *int { return &r.Standing.rank },
		"1 for the front; 2 for the front after removing rank 1, and so on (Deb et al. 2002)"),
	stored("contribution", func(r *record) *float64 { return &r.Standing.contribution },
		"the hypervolume lost without this point; 0 for a duplicate"),
	stored("hypervolume", func(r *record) *float64 { return &r.Standing.hypervolume },
		"volume dominated by the front of the point, up to the reference (Zitzler and Thiele 1998)"),
	family("reference_*OBJECTIVE*", TypeFloat,
		"a tenth of the range beyond the worst value of all trials (0.1 beyond it if there is no range)",
		func(m Meta) (list []column) {
			for j, o := range m.Objectives {
				list = append(list, computed("reference_"+o.Metric, func(r *record) float64 { return r.Standing.reference[j] }, ""))
			}
			return list
		}),
})

// sharedByPoints are the columns that all tables share, null where a point is of no single trial.
func sharedByPoints() []column {
	list := slices.Clone(shared)
	for i, c := range list {
		if c.Name == "trial" || c.Name == "index" || c.Name == "seed" {
			list[i] = c.nullWhere(joinsSeeds)
		}
	}
	return list
}
