package effect

import (
	"fmt"
	"math"
	"strconv"

	"github.com/starsweep/starsweep/results/frame"
)

// LevelRows are the levels as a table of text, with a heading. Shown are the places of the statistics that it shows.
func (a *Analysis) LevelRows(shown []int) [][]string {
	head := []string{a.Factor, "configurations", "trials"}
	for _, k := range shown {
		head = append(head, Statistics[k].Name)
	}
	rows := [][]string{append(head, "collapsed or diverged")}
	failed := false
	for _, l := range a.Levels {
		failed = failed || l.Failed > 0
	}
	if failed {
		rows[0] = append(rows[0], "failed")
	}
	for _, l := range a.Levels {
		row := []string{frame.Text(l.Level), strconv.Itoa(l.Configurations), strconv.Itoa(l.Trials)}
		for _, k := range shown {
			row = append(row, l.Values[k].String())
		}
		if row = append(row, l.Lost.String()); failed {
			row = append(row, strconv.Itoa(l.Failed))
		}
		rows = append(rows, row)
	}
	return rows
}

// InteractionRows are the interactions as a table of text, with a heading.
func (s *Split) InteractionRows(shown []int) [][]string {
	a := s.Parts[0].Analysis
	head := []string{a.Factor, s.By, "configurations"}
	for _, k := range shown {
		head = append(head, a.comparison(k, "ratio of ratios of ", "difference of differences of "))
	}
	rows := [][]string{head}
	for _, x := range s.Interactions {
		row := []string{frame.Text(x.To) + " against " + frame.Text(x.From), frame.Text(x.ByTo) + " against " + frame.Text(x.ByFrom),
			strconv.Itoa(x.Configurations)}
		for _, k := range shown {
			row = append(row, x.Values[k].tested())
		}
		rows = append(rows, row)
	}
	return rows
}

// PairRows are the pairs as a table of text, with a heading.
func (a *Analysis) PairRows(shown []int) [][]string {
	head := []string{a.Factor, "configurations"}
	for _, k := range shown {
		head = append(head, a.comparison(k, "ratio of ", "difference of "))
	}
	rows := [][]string{append(head, "better in", "collapsed or diverged")}
	for _, p := range a.Pairs {
		row := []string{frame.Text(p.To) + " against " + frame.Text(p.From), strconv.Itoa(p.Configurations)}
		for _, k := range shown {
			row = append(row, p.Values[k].tested())
		}
		lost := Estimate{Value: 100 * p.Lost.Value, Low: 100 * p.Lost.Low, High: 100 * p.Lost.High}
		rows = append(rows, append(row, p.Better.String(), lost.String()+" points"))
	}
	return rows
}

// comparison names what compares a statistic.
func (a *Analysis) comparison(k int, ratio, difference string) string {
	if a.ratio(k) {
		return ratio + Statistics[k].Name
	}
	return difference + Statistics[k].Name
}

// String is the number with its interval, rounded to two digits of the interval; where that spans more than a decade, as those of ratios
// may, to three digits each.
func (e Estimate) String() string {
	if math.IsNaN(e.Value) {
		return "-"
	}
	if math.IsNaN(e.Low) || !(e.High > e.Low) {
		return strconv.FormatFloat(e.Value, 'g', 4, 64)
	}
	decimals := 1 - int(math.Floor(math.Log10((e.High-e.Low)/2)))
	text := func(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) }
	if decade := e.Low > 0 && e.High > 10*e.Low; !decade && decimals <= 9 && decimals >= -6 {
		unit := math.Pow(10, float64(-decimals))
		text = func(x float64) string {
			return strconv.FormatFloat(math.Round(x/unit)*unit+0, 'f', max(decimals, 0), 64)
		}
	}
	return fmt.Sprintf("%s (%s to %s)", text(e.Value), text(e.Low), text(e.High))
}

// tested is the number with its interval and its probability.
func (e Estimate) tested() string {
	switch {
	case math.IsNaN(e.P):
		return e.String()
	case e.P < 0.001:
		return e.String() + ", p < 0.001"
	}
	return fmt.Sprintf("%v, p = %.3f", e, e.P)
}

// String is the share of so many, with its interval.
func (s Share) String() string {
	if s.Of == 0 {
		return "-"
	}
	return fmt.Sprintf("%s of %d: %.0f %% (%.0f to %.0f)", strconv.FormatFloat(s.Count, 'g', -1, 64), s.Of, 100*s.Value(), 100*s.Low,
		100*s.High)
}
