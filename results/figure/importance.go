package figure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results/frame"
	"github.com/starsweep/starsweep/results/importance"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// mostShares is the number of hyperparameters and pairs in a figure of importance.
const mostShares = 15

// Importance draws the shares of the variance of a metric (Y) that hyperparameters and pairs of them explain: of its logarithm where
// figures have a logarithmic axis.
func Importance(f *frame.Frame, o Options) (*Figure, error) {
	if err := o.refuse("all hyperparameters are analysed", "x", "by", "panel"); err != nil {
		return nil, err
	}
	y, err := o.metric(f, "y", o.Y)
	if err != nil {
		return nil, err
	}
	a, err := importance.Analyze(f, y, importance.Options{Log: Logarithmic(f, y)})
	if err != nil {
		return nil, err
	}
	return Shares(f, a, o), nil
}

// Logarithmic reports whether figures show a metric on a logarithmic axis.
func Logarithmic(f *frame.Frame, metric string) bool { return spans(valuesOf(f.Rows, metric)) }

// Shares draws an analysis of a frame.
func Shares(f *frame.Frame, a *importance.Analysis, o Options) *Figure {
	of := o.name(a.Metric)
	w := words{title: "Importance of hyperparameters for " + of,
		n: ", n = " + plain.Count(a.N, "trial") + "."}
	s := &shares{mark: marks(1, false)[0]}
	for _, e := range a.Effects[:min(mostShares, len(a.Effects))] {
		s.list = append(s.list, share{o.effectName(e.Factors), e.Share, e.Low, e.High, e.Chance})
		w.alt = append(w.alt, fmt.Sprintf("%s: %s.", o.effectName(e.Factors), percent(e.Share)))
	}
	if a.Method == importance.ANOVA {
		nan := math.NaN()
		s.list = append(s.list, share{"three and more together", a.Higher, nan, nan, nan})
		if !math.IsNaN(a.Residual) {
			s.list = append(s.list, share{"seeds", a.Residual, nan, nan, nan})
			w.alt = append(w.alt, fmt.Sprintf("Seeds: %s.", percent(a.Residual)))
		}
	}
	if a.Log {
		of = "log " + of
	}
	c := cell{plot: newPlot(), size: vg.Point{X: o.size(1).X, Y: 40 + 15*vg.Length(len(s.list))}, x: "share of the variance of " + of}
	if a.Method == importance.PED {
		c.x = "share of what sets the best trials apart by " + o.name(a.Metric)
	} else {
		w.n = fmt.Sprintf(", n = %s (%s of levels).", plain.Count(a.N, "trial"), plain.Count(a.Cells, "combination"))
	}
	s.axes(c.plot, 0.45*c.size.X)
	c.plot.Add(guides{x: true}, s)
	w.notes = shareNotes(a, len(a.Effects)-mostShares)
	for _, n := range a.Notes {
		w.notes = append(w.notes, sentence(n))
	}
	return o.figure(f, w, []string{a.Metric}, c)
}

// shareNotes say how the shares were computed.
func shareNotes(a *importance.Analysis, omitted int) (notes []string) {
	text := fmt.Sprintf("Shares of the variance by analysis of variance over the full grid (%s)", a.Method.Citation())
	if a.Method == importance.PED {
		text = fmt.Sprintf("Shares of the difference between the best %s and all (%s)", plain.Count(a.Best, "trial"), a.Method.Citation())
	}
	if slices.ContainsFunc(a.Effects, func(e importance.Effect) bool { return !math.IsNaN(e.Low) }) {
		text += fmt.Sprintf("; lines are 95 %% intervals from %d resamplings", a.Method.Resamplings())
	}
	notes = append(notes, text+".")
	if a.Log && a.Method == importance.ANOVA {
		notes = append(notes, "The variance is that of the logarithm.")
	}
	if a.Method == importance.ANOVA && !math.IsNaN(a.Residual) {
		notes = append(notes, "Ticks mark the share expected by chance, if a hyperparameter had no effect.")
	}
	if omitted > 0 {
		notes = append(notes, fmt.Sprintf("The greatest %d are shown, %d others not.", mostShares, omitted))
	}
	return notes
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

func (o Options) effectName(factors []string) string {
	names := make([]string, len(factors))
	for i, x := range factors {
		names[i] = o.name(x)
	}
	return strings.Join(names, " × ")
}

// share is a bar with its interval and the share by chance; NaN where there is none.
type share struct {
	label                    string
	value, low, high, chance float64
}

// shares draws shares as horizontal bars.
type shares struct {
	mark mark
	list []share
}

func (s *shares) axes(p *plot.Plot, width vg.Length) { // of the labels, at most
	ticks := make(plot.ConstantTicks, len(s.list))
	style := write(textSize, quiet)
	reach := 0.0
	for i, one := range s.list {
		ticks[i] = plot.Tick{Value: -float64(i), Label: fit(style, one.label, width)}
		reach = max(reach, one.value)
		if one.high > reach {
			reach = one.high
		}
	}
	p.X.Min, p.X.Max = 0, max(1.3*reach, 0.01) // with room for the numbers
	p.X.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick {
		ticks := linearTicks(low, min(high, 1))
		for i := range ticks {
			ticks[i].Label = number(roundTo(100*ticks[i].Value, 3)) + " %"
		}
		return ticks
	})
	p.Y.Min, p.Y.Max = -float64(len(s.list))+0.5, 0.5
	p.Y.Tick.Marker, p.Y.Tick.Length = ticks, 0
}

// Plot implements plot.Plotter.
func (s *shares) Plot(c draw.Canvas, p *plot.Plot) {
	at := func(v float64) vg.Length { return c.X(p.X.Norm(min(max(v, 0), p.X.Max))) }
	for i, one := range s.list {
		y := c.Y(p.Y.Norm(-float64(i)))
		color := s.mark.color
		corners := []vg.Point{{X: at(0), Y: y - 4}, {X: at(one.value), Y: y - 4}, {X: at(one.value), Y: y + 4}, {X: at(0), Y: y + 4}}
		c.FillPolygon(clear(color, 0.45), corners)
		c.StrokeLines(draw.LineStyle{Color: color, Width: 0.7}, append(corners, corners[0]))
		end := one.value
		if !math.IsNaN(one.low) && !math.IsNaN(one.high) {
			c.StrokeLine2(draw.LineStyle{Color: ink, Width: 1}, at(one.low), y, at(one.high), y)
			end = max(end, one.high)
		}
		if !math.IsNaN(one.chance) {
			c.StrokeLine2(draw.LineStyle{Color: ink, Width: 0.8}, at(one.chance), y-5.5, at(one.chance), y+5.5)
		}
		if room := at(end) + 4; room < c.Max.X-24 {
			c.FillText(write(textSize-1, quiet), vg.Point{X: room, Y: y - 3}, percent(one.value))
		}
	}
}
