package spec

// RuleKind names a rule by which a trial ends early.
type RuleKind string

const (
	Patience  RuleKind = "patience"   // a metric has stopped improving
	Threshold RuleKind = "threshold"  // a metric is beyond a bound
	TimeLimit RuleKind = "time_limit" // the trial has taken too long

	// These compare trials at equal epochs.

	Median    RuleKind = "median"    // a metric is worse than half of the others
	ASHA      RuleKind = "asha"      // the best of each rung go on to the next, the others pause
	Hyperband RuleKind = "hyperband" // the same, in brackets that begin at different rungs
)

// Rule says when a trial ends early, by its evaluations; package prune applies it. It is no part of a trial's configuration: the epochs
// of a trial that it ends are those of one that goes on.
type Rule struct {
	Kind        RuleKind
	Metric      string   // a column of the epochs table, of patience, threshold and median
	Larger      bool     // values of the metric are better: of patience and median
	Evaluations int      // without an improvement that a trial may have: of patience
	Change      float64  // that is the least improvement: of patience
	Above       *float64 // values that end a trial; nil: none do
	Below       *float64
	After       int     // epochs that are too early for a threshold or a median
	Seconds     float64 // of training and evaluation: of a time limit
	Trials      int     // that a median needs beside the trial
	Reduction   int     // one of so many trials goes on from a rung: of ASHA and Hyperband
	Least       int     // epochs before the first rung: likewise
}
