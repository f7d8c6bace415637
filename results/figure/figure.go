// Package figure draws the figures of a study: for papers, as SVG, PNG or PDF, and for the report, as SVG inside a page. A figure is made
// of a frame (results/frame), so that what it shows is what tables and analyses say, and has a caption that states what its marks are, how
// many trials they stand for and how the values were measured. The package reads no files: sample sheets and courses come from the view
// of a study. Axes and plots are gonum.org/v1/plot's; equal input makes equal bytes.
package figure

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// Figure is a picture with the words that belong to it.
type Figure struct {
	Title    string   // what it shows, in a few words
	Caption  string   // for a paper: what the marks are, n, the measure in brief
	Alt      string   // what a reader who cannot see it needs: the numbers in words
	Measures []string // for the record: how each metric was measured, with the digests that decide whether values can be compared

	what  string // the parts of the caption: see Own
	notes []string
	about []about
	cells []cell   // one for each panel
	rows  [][]cell // as they are drawn
}

// cell is one plot of a figure.
type cell struct {
	heading string // above the plot; empty for none
	legend  legend // above the heading, unless all cells share it
	plot    *plot.Plot
	x, y    string   // labels of the axes
	size    vg.Point // of the plot with its axes
}

// newCell is one of so many panels.
func (o Options) newCell(panels int, l legend) cell {
	return cell{plot: newPlot(), size: o.size(panels), legend: l}
}

// size is the size of a plot that is one of so many panels.
func (o Options) size(panels int) vg.Point {
	if panels > 1 || o.Small {
		return several
	}
	return single
}

// logNote says that the vertical axis is logarithmic, if it is.
func logNote(log bool) (notes []string) {
	if log {
		notes = []string{"The vertical axis is logarithmic."}
	}
	return notes
}

// most is the number of plots side by side.
const most = 3

// arrange places plots side by side, in several rows if there are many.
func arrange(cells []cell) [][]cell {
	wide := most
	if len(cells)%2 == 0 && len(cells)%most != 0 {
		wide = 2
	}
	return slices.Collect(slices.Chunk(cells, wide))
}

// Join puts figures side by side in one picture, each with its panels below each other, with letters and one caption.
func Join(figures ...*Figure) (*Figure, error) {
	if len(figures) == 0 {
		return nil, fmt.Errorf("join: got no figures, want some")
	}
	if len(figures) == 1 {
		return figures[0], nil
	}
	joined := &Figure{Title: figures[0].Title}
	shared := Notes(figures...)
	var captions, alts []string
	for i, f := range figures {
		letter := string(rune('a' + i%26))
		captions = append(captions, "("+letter+") "+f.Own(shared))
		alts = append(alts, "("+letter+") "+f.Alt)
		for _, m := range f.Measures {
			if !slices.Contains(joined.Measures, m) {
				joined.Measures = append(joined.Measures, m)
			}
		}
		if len(f.cells) != len(figures[0].cells) {
			return nil, fmt.Errorf("figure %s: got %d panels, want %d as in the first: choose conditions that leave the same panels", letter,
				len(f.cells), len(figures[0].cells))
		}
		for j, c := range f.cells {
			if j == len(joined.rows) {
				joined.rows = append(joined.rows, nil)
			}
			c.size = several
			if j == 0 {
				c.heading = strings.TrimSpace("(" + letter + ") " + c.heading)
			}
			joined.rows[j] = append(joined.rows[j], c)
		}
	}
	if len(joined.rows) == 1 {
		joined.rows = arrange(joined.rows[0])
	}
	joined.Caption = strings.Join(slices.Concat(captions, shared, Facts(figures...)), " ")
	joined.Alt = strings.Join(alts, " ")
	return joined, nil
}

// commonLegend returns the legend that all plots share.
func (f *Figure) commonLegend() (l legend, common bool) {
	l = f.rows[0][0].legend
	for _, row := range f.rows {
		for _, c := range row {
			if !reflect.DeepEqual(c.legend, l) {
				return legend{}, false
			}
		}
	}
	return l, true
}
