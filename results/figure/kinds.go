package figure

import (
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// Kind is a kind of figure.
type Kind struct {
	Name string
	Doc  string // what it shows and by which options, in a line
	Draw func(v *results.View, f *frame.Frame, o Options) (*Figure, error)
}

// of makes a kind that needs the frame only.
func of(draw func(*frame.Frame, Options) (*Figure, error)) func(*results.View, *frame.Frame, Options) (*Figure, error) {
	return func(_ *results.View, f *frame.Frame, o Options) (*Figure, error) { return draw(f, o) }
}

// Kinds are all kinds, in the order of the documentation.
func Kinds() []Kind {
	return []Kind{
		{"box", "a metric (--y) by a factor (--x) as box plots, grouped by another (--by)", of(Box)},
		{"cloud", "two metrics (--x, --y), a point a trial, coloured by a factor (--by)", of(Cloud)},
		{"front", "the same for two objectives, with the Pareto front and what it dominates", of(Front)},
		{"curves", "a metric (--y) over epochs, a line a configuration or level (--each) with bands", Curves},
		{"bars", "a metric (--y) by configuration, the best first, with deviations over seeds", of(Bars)},
		{"effects", "main effects: the mean of a metric at each level; interactions with --by", of(Effects)},
		{"importance", "the share of the variance that hyperparameters and pairs explain", of(Importance)},
		{"parallel", "parallel coordinates: a line a trial over all hyperparameters", of(Parallel)},
		{"history", "an objective (--y) over the trials as they started, with the best so far", of(History)},
		{"sheets", "sample sheets of the best, median and worst trial, or of --trial, over epochs", Sheets},
	}
}
