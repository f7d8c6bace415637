package figure

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lengths in points, of which a column of a paper has about 250 and a page about 500.
const (
	margin        = vg.Length(6)
	between       = vg.Length(10) // plots
	headingHeight = vg.Length(15)
)

// single is the size of a figure's only plot, several that of each of several, with their axes.
var (
	single  = vg.Point{X: 380, Y: 230}
	several = vg.Point{X: 235, Y: 180}
)

// columns are the widths of the columns of plots.
func (f *Figure) columns() []vg.Length {
	var widths []vg.Length
	for _, row := range f.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], c.size.X)
		}
	}
	return widths
}

// above is the room above the plots of a row, for legends and headings.
func (f *Figure) above(row []cell, widths []vg.Length) (legends, heading vg.Length) {
	_, common := f.commonLegend()
	for i, c := range row {
		if !common {
			legends = max(legends, c.legend.height(widths[i]))
		}
		if c.heading != "" {
			heading = headingHeight
		}
	}
	return legends, heading
}

// inner is the width of a figure without its margins.
func inner(widths []vg.Length) vg.Length {
	w := vg.Length(len(widths)-1) * between
	for _, column := range widths {
		w += column
	}
	return w
}

// size is the size of the picture.
func (f *Figure) size() vg.Point {
	widths := f.columns()
	size := vg.Point{X: inner(widths) + 2*margin, Y: 2 * margin}
	if l, common := f.commonLegend(); common {
		size.Y += l.height(inner(widths))
	}
	for i, row := range f.rows {
		if i > 0 {
			size.Y += between
		}
		legends, heading := f.above(row, widths)
		size.Y += legends + heading + rowHeight(row)
	}
	return size
}

func rowHeight(row []cell) (h vg.Length) {
	for _, c := range row {
		h = max(h, c.size.Y)
	}
	return h
}

// draw draws the picture on a canvas of its size.
func (f *Figure) draw(c draw.Canvas) {
	c = draw.Crop(c, margin, -margin, margin, -margin)
	widths := f.columns()
	top := c.Max.Y
	if l, common := f.commonLegend(); common {
		l.draw(c)
		top -= l.height(inner(widths))
	}
	places := make([][]draw.Canvas, len(f.rows))
	for i, row := range f.rows {
		legends, heading := f.above(row, widths)
		left := c.Min.X
		for j, one := range row {
			right := left + widths[j]
			if legends > 0 {
				one.legend.draw(sub(c, left, right, top-legends, top))
			}
			if one.heading != "" {
				style := write(textSize+0.5, ink)
				c.FillText(style, vg.Point{X: left, Y: top - legends - headingHeight + 5}, fit(style, one.heading, widths[j]))
			}
			bottom := top - legends - heading - rowHeight(row)
			places[i] = append(places[i], sub(c, left, right, bottom, top-legends-heading))
			places[i][j].Rectangle = one.withoutLabels(places[i][j])
			left = right + between
		}
		top -= legends + heading + rowHeight(row) + between
	}
	f.align(places)
	for i, row := range f.rows {
		for j, one := range row {
			one.plot.Draw(places[i][j])
			one.drawLabels(places[i][j])
		}
	}
}

// labelHeight is the room of an axis' label. The labels are drawn here and not by the plot, which gives those of logarithmic axes room
// where they are not.
const labelHeight = textSize + 6

// withoutLabels is the part of a cell's place in which the plot with its ticks stands.
func (one cell) withoutLabels(c draw.Canvas) vg.Rectangle {
	r := c.Rectangle
	if one.x != "" {
		r.Min.Y += labelHeight
	}
	if one.y != "" {
		r.Min.X += labelHeight
	}
	return r
}

// drawLabels labels the axes, in the middle of the data.
func (one cell) drawLabels(c draw.Canvas) {
	data := one.plot.DataCanvas(c)
	style := write(textSize, ink)
	style.XAlign = draw.XCenter
	if one.x != "" {
		c.FillText(style, vg.Point{X: data.Center().X, Y: c.Min.Y - labelHeight + 2}, fit(style, one.x, c.Size().X))
	}
	if one.y != "" {
		text := fit(style, one.y, c.Size().Y)
		style.Rotation = math.Pi / 2
		c.FillText(style, vg.Point{X: c.Min.X - 5, Y: max(data.Center().Y, c.Min.Y+style.Height(text)/2)}, text)
	}
}

// sub is a part of a canvas.
func sub(c draw.Canvas, left, right, bottom, top vg.Length) draw.Canvas {
	c.Rectangle = vg.Rectangle{Min: vg.Point{X: left, Y: bottom}, Max: vg.Point{X: right, Y: top}}
	return c
}

// align gives the data of plots above each other the same left edge, and of plots beside each other the same lower edge.
func (f *Figure) align(places [][]draw.Canvas) {
	var lefts, bottoms []vg.Length
	each := func(do func(i, j int, left, bottom vg.Length)) {
		for i, row := range f.rows {
			for j, one := range row {
				data := one.plot.DataCanvas(places[i][j])
				do(i, j, data.Min.X-places[i][j].Min.X, data.Min.Y-places[i][j].Min.Y)
			}
		}
	}
	each(func(i, j int, left, bottom vg.Length) {
		if i == len(bottoms) {
			bottoms = append(bottoms, 0)
		}
		if j == len(lefts) {
			lefts = append(lefts, 0)
		}
		lefts[j], bottoms[i] = max(lefts[j], left), max(bottoms[i], bottom)
	})
	each(func(i, j int, left, bottom vg.Length) {
		places[i][j] = draw.Crop(places[i][j], lefts[j]-left, 0, bottoms[i]-bottom, 0)
	})
}
