package effect

import (
	"fmt"
	"math"
	"strconv"

	"github.com/starsweep/starsweep/results/frame"
)

// LevelRows are the levels as a table of text, with a heading.
func (a *Analysis) LevelRows() [][]string {
	head := []string{a.Factor, "configurations", "trials"}
	for _, x := range Statistics {
		head = append(head, x.Name)
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
		for _, e := range l.Values {
			row = append(row, e.String())
		}
		if row = append(row, l.Lost.String()); failed {
			row = append(row, strconv.Itoa(l.Failed))
		}
		rows = append(rows, row)
	}
	return rows
}

// InteractionRows are the interactions as a table of text, with a heading.
func (s *Split) InteractionRows() [][]string {
	a := s.Parts[0].Analysis
	head := []string{a.Factor, s.By, "configurations"}
	for k, x := range Statistics {
		if a.ratio(k) {
			head = append(head, "ratio of ratios of "+x.Name)
		} else {
			head = append(head, "difference of differences of "+x.Name)
		}
	}
	rows := [][]string{head}
	for _, x := range s.Interactions {
		row := []string{frame.Text(x.To) + " against " + frame.Text(x.From), frame.Text(x.ByTo) + " against " + frame.Text(x.ByFrom),
			strconv.Itoa(x.Configurations)}
		for _, e := range x.Values {
			row = append(row, e.tested())
		}
		rows = append(rows, row)
	}
	return rows
}

// PairRows are the pairs as a table of text, with a heading.
func (a *Analysis) PairRows() [][]string {
	head := []string{a.Factor, "configurations"}
	for k, x := range Statistics {
		if a.ratio(k) {
			head = append(head, "ratio of "+x.Name)
		} else {
			head = append(head, "difference of "+x.Name)
		}
	}
	rows := [][]string{append(head, "better in", "collapsed or diverged")}
	for _, p := range a.Pairs {
		row := []string{frame.Text(p.To) + " against " + frame.Text(p.From), strconv.Itoa(p.Configurations)}
		for _, e := range p.Values {
			row = append(row, e.tested())
		}
		lost := Estimate{Value: 100 * p.Lost.Value, Low: 100 * p.Lost.Low, High: 100 * p.Lost.High}
		rows = append(rows, append(row, p.Better.String(), lost.String()+" points"))
	}
	return rows
}

// String is the number with its interval, rounded to two digits of the interval.
func (e Estimate) String() string {
	if math.IsNaN(e.Value) {
		return "-"
	}
	if math.IsNaN(e.Low) || !(e.High > e.Low) {
		return strconv.FormatFloat(e.Value, 'g', 4, 64)
	}
	decimals := 1 - int(math.Floor(math.Log10((e.High-e.Low)/2)))
	text := func(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) }
	if decimals <= 9 && decimals >= -6 {
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
