package runner

import (
	"github.com/starsweep/starsweep/results/effect"
	"github.com/starsweep/starsweep/results/frame"
)

// effectJSON is an analysis as JSON.
func effectJSON(f *frame.Frame, a *effect.Analysis) any {
	levels, pairs := []any{}, []any{}
	for _, l := range a.Levels {
		levels = append(levels, map[string]any{"level": l.Level, "configurations": l.Configurations, "trials": l.Trials,
			"statistics": estimatesJSON(l.Values), "lost": shareJSON(l.Lost), "failed": l.Failed})
	}
	for _, p := range a.Pairs {
		pairs = append(pairs, map[string]any{"level": p.To, "against": p.From, "configurations": p.Configurations, "trials": p.Trials,
			"statistics": estimatesJSON(p.Values), "better": shareJSON(p.Better), "lost": estimateJSON(p.Lost)})
	}
	out := map[string]any{"factor": a.Factor, "metric": a.Metric, "direction": a.Direction, "measure": f.Measures[a.Metric],
		"seeds": a.Seeds, "over": a.Over, "collapsed": a.Collapsed, "worst": jsonNumber(a.Worst), "ratio": a.Ratio, "levels": levels,
		"pairs": pairs, "equal": append([]string{}, a.Matched...), "go_with": append([]string{}, a.Tied...), "left": leftJSON(f),
		"notes": append([]string{}, a.Notes...)}
	if a.Rank != nil {
		out["rank_correlation"] = estimateJSON(*a.Rank)
	}
	return out
}

// estimatesJSON are the statistics by name.
func estimatesJSON(list []effect.Estimate) map[string]any {
	out := map[string]any{}
	for k, e := range list {
		out[effect.Statistics[k].Name] = estimateJSON(e)
	}
	return out
}

func estimateJSON(e effect.Estimate) map[string]any {
	out := map[string]any{"value": jsonNumber(e.Value), "low": jsonNumber(e.Low), "high": jsonNumber(e.High)}
	if p := jsonNumber(e.P); p != nil {
		out["p"] = p
	}
	return out
}

func shareJSON(s effect.Share) map[string]any {
	return map[string]any{"count": s.Count, "of": s.Of, "low": jsonNumber(s.Low), "high": jsonNumber(s.High)}
}

// leftJSON is what a frame leaves out, by the reason.
func leftJSON(f *frame.Frame) map[string]int {
	left := map[string]int{}
	for _, o := range f.Left {
		left[o.Reason] = o.N
	}
	return left
}
