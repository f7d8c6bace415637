package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/runner/sweep"
	"github.com/starsweep/starsweep/runner/sweep/prune"
	"github.com/starsweep/starsweep/runner/sweep/search"
)

var (
	fid  = []pareto.Objective{{Name: "fid", Direction: pareto.Min}}
	both = []pareto.Objective{{Name: "fid", Direction: pareto.Min}, {Name: "recall", Direction: pareto.Max}}
)

// halving is the rule asha(least = 5), or hyperband.
func halving(brackets bool, objectives []pareto.Objective) sweep.Judges {
	return sweep.Judges{Contests: []sweep.Contest{prune.Halving{Reduction: 3, Least: 5, Brackets: brackets, Objectives: objectives}}}
}

// rules prints what rules save of the grid of each loss and seed, and what they lose.
func rules(to io.Writer, dir string) error {
	patience := spec.Rule{Kind: spec.Patience, Metric: "fid", Evaluations: 2}
	median := spec.Rule{Kind: spec.Median, Metric: "fid", Trials: 5}
	fmt.Fprintln(to, "| rule | ranks by | epochs saved | best FID, of the grid's | hypervolume, of the grid's |\n|---|---|---|---|---|")
	for _, rule := range []struct {
		name, ranks string
		judges      sweep.Judges
	}{
		{"asha(least = 5)", "FID", halving(false, fid)},
		{"asha(least = 5)", "FID and recall", halving(false, both)},
		{"hyperband(least = 5)", "FID", halving(true, fid)},
		{"hyperband(least = 5)", "FID and recall", halving(true, both)},
		{"median(\"fid\")", "FID", sweep.Judges{Contests: []sweep.Contest{prune.Median{Rule: median}}}},
		{"patience(\"fid\", evaluations = 2)", "FID", sweep.Judges{Alone: []sweep.Judge{prune.Rule{Rule: patience}}}},
	} {
		var saved, best, volume []float64
		for _, loss := range []string{"ns-gan", "wgan-gp"} {
			r, err := read(dir, "loss", loss)
			if err != nil {
				return err
			}
			for _, seed := range r.seeds {
				t, whole, err := r.pruned(seed, rule.judges)
				if err != nil {
					return err
				}
				saved = append(saved, 100*(1-float64(t.epochs)/float64(whole.epochs)))
				f, v, err := t.beside(whole)
				if err != nil {
					return err
				}
				best, volume = append(best, f), append(volume, v)
			}
		}
		fmt.Fprintf(to, "| `%s` | %s | %s | %s | %s |\n", rule.name, rule.ranks, spread(saved, "%.0f %%", 0, 1), spread(best, "%.3f", 0, 1),
			spread(volume, "%.3f", 0, 1))
	}
	return nil
}

// pruned trains a grid under one seed with judges, and without.
func (r *recorded) pruned(seed uint32, judges sweep.Judges) (t, whole *trained, err error) {
	source, err := search.New(context.Background(), search.Study{Space: r.space, Search: spec.Search{Kind: spec.Grid}, Seeds: []uint32{seed}})
	if err != nil {
		return nil, nil, err
	}
	if t, err = r.train(source, judges, math.MaxInt); err == nil {
		whole, err = r.train(source, sweep.Judges{}, math.MaxInt)
	}
	return t, whole, err
}

// beside are the best FID and the hypervolume of a study, as shares of those of the whole grid. The hypervolume counts from the grid's
// median of each objective.
func (t *trained) beside(whole *trained) (best, volume float64, err error) {
	own, all := t.values(both), whole.values(both)
	directions := []pareto.Direction{pareto.Min, pareto.Max}
	from := medians(all)
	var volumes [2]float64
	for i, points := range [][][]float64{own, all} {
		if volumes[i], err = pareto.Hypervolume(points, from, directions); err != nil {
			return 0, 0, err
		}
	}
	return lowest(own) / lowest(all), volumes[0] / volumes[1], nil
}

// begun is the number of trials that have begun.
func (t *trained) begun() (n int) {
	for _, x := range t.trials {
		if x.Last() > 0 {
			n++
		}
	}
	return n
}

func lowest(points [][]float64) float64 {
	low := math.Inf(1)
	for _, p := range points {
		low = min(low, p[0])
	}
	return low
}

func medians(points [][]float64) (at []float64) {
	for j := range points[0] {
		var column []float64
		for _, p := range points {
			column = append(column, p[j])
		}
		slices.Sort(column)
		at = append(at, column[len(column)/2])
	}
	return at
}

// spread is the median of values, with two other quantiles.
func spread(values []float64, format string, lo, hi float64) string {
	slices.Sort(values)
	at := func(q float64) string { return fmt.Sprintf(format, values[int(math.Round(q*float64(len(values)-1)))]) }
	return fmt.Sprintf("%s (%s to %s)", at(0.5), at(lo), at(hi))
}

// tenth prints how far searches come with a tenth of the epochs of the whole grid, of both losses: of each seed of the record, with 20
// seeds of the search.
func tenth(to io.Writer, dir string) error {
	r, err := read(dir, "", "")
	if err != nil {
		return err
	}
	fmt.Fprintln(to, "| search | rule | trials | best FID, of the grid's | hypervolume, of the grid's |\n|---|---|---|---|---|")
	for _, c := range []struct {
		kind   spec.SearchKind
		rule   string
		judges sweep.Judges
	}{
		{spec.Random, "none", sweep.Judges{}},
		{spec.Random, "`asha(least = 5)`", halving(false, both)},
		{spec.TPE, "none", sweep.Judges{}},
		{spec.TPE, "`asha(least = 5)`", halving(false, both)},
	} {
		var best, volume, trials []float64
		for _, seed := range r.seeds {
			_, whole, err := r.pruned(seed, sweep.Judges{})
			if err != nil {
				return err
			}
			for n := range 20 {
				source, err := r.search(c.kind, seed, uint64(n))
				if err != nil {
					return err
				}
				t, err := r.train(source, c.judges, whole.epochs/10)
				if err != nil {
					return err
				}
				f, v, err := t.beside(whole)
				if err != nil {
					return err
				}
				best, volume, trials = append(best, f), append(volume, v), append(trials, float64(t.begun()))
			}
		}
		fmt.Fprintf(to, "| `%s` | %s | %s | %s | %s |\n", c.kind, c.rule, spread(trials, "%.0f", 0.25, 0.75), spread(best, "%.3f", 0.25, 0.75),
			spread(volume, "%.3f", 0.25, 0.75))
	}
	return nil
}

// search is a search of the recorded points.
func (r *recorded) search(kind spec.SearchKind, seed uint32, n uint64) (sweep.Source, error) {
	s := search.Study{Space: r.space, Search: spec.Search{Kind: kind, Trials: len(r.known) / len(r.seeds), Even: 10, Seed: n},
		Seeds: []uint32{seed}, Objectives: both}
	if kind.Learns() {
		return search.NewLearner(context.Background(), s)
	}
	return search.New(context.Background(), s)
}
