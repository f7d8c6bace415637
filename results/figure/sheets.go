package figure

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math"
	"slices"

	"github.com/starsweep/starsweep/engine/pareto"
	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// mostSheets is the number of epochs of which a trial's sheet is shown, mostTrials that of trials.
const (
	mostSheets = 5
	mostTrials = 12
)

// Sheets draws the sample sheets of trials over epochs: those named (Options.Trials), or the best, the median and the worst by a metric
// (Y). All sheets of a study are drawn from the same latents.
func Sheets(v *results.View, f *frame.Frame, o Options) (*Figure, error) {
	if err := o.refuse("the sheets of a trial stand side by side", "x", "by", "panel"); err != nil {
		return nil, err
	}
	y, err := o.metric(f, "y", o.Y)
	if err != nil {
		return nil, err
	}
	chosen, err := o.chooseTrials(v, f, y)
	if err != nil {
		return nil, err
	}
	var cells []cell
	var w words
	for _, one := range chosen {
		g := &sheets{}
		for _, s := range someSheets(v.Sheets(one.row.ID)) {
			data, found, err := v.Sheet(one.row.ID, s.Epoch, s.Kind)
			if err != nil {
				return nil, err
			}
			img, err := png.Decode(bytes.NewReader(data))
			if !found || err != nil {
				return nil, fmt.Errorf("trial %s, epoch %d: the sheet cannot be read: %w", one.row.ID, s.Epoch, err)
			}
			g.pictures, g.epochs = append(g.pictures, img), append(g.epochs, s.Epoch)
		}
		text := fmt.Sprintf("%s (%s", one.what, f.Label(&one.row))
		if value, has := one.row.Values[y]; has {
			text += fmt.Sprintf("; %s %s", o.name(y), number(value))
		}
		text += ")"
		c := cell{plot: newPlot(), heading: text, size: g.size()}
		c.plot.HideAxes()
		c.plot.X.Min, c.plot.X.Max, c.plot.Y.Min, c.plot.Y.Max = 0, 1, 0, 1
		c.plot.Add(g)
		cells = append(cells, c)
		w.alt = append(w.alt, fmt.Sprintf("%s: sheets of %s, %s.", text, plain.Count(len(g.epochs), "epoch"), string(one.row.Status)))
	}
	w.title = "Samples of " + plain.Count(len(cells), "trial")
	w.n = fmt.Sprintf(" of %d, over epochs; all sheets of a study are drawn from the same latents.", len(f.Rows))
	g := o.figure(f, w, []string{y}, cells...)
	g.rows = slices.Collect(slices.Chunk(cells, 1)) // below each other
	return g, nil
}

// chosenTrial is a trial with why it is shown.
type chosenTrial struct {
	what string
	row  frame.Row
}

// chooseTrials returns the trials named, or the best, the median and the worst of those that have sheets.
func (o Options) chooseTrials(v *results.View, f *frame.Frame, y string) (chosen []chosenTrial, err error) {
	if len(o.Trials) > mostTrials {
		return nil, wrong("trial", "got %d trials, want at most %d", len(o.Trials), mostTrials)
	}
	for _, id := range o.Trials {
		i := slices.IndexFunc(f.Rows, func(r frame.Row) bool { return r.ID == id })
		if i < 0 {
			return nil, wrong("trial", "got %q, want the ID of one of the %d trials", id, len(f.Rows))
		}
		if len(v.Sheets(id)) == 0 {
			return nil, wrong("trial", "%s has no sample sheet", id)
		}
		chosen = append(chosen, chosenTrial{"trial " + id, f.Rows[i]})
	}
	if len(chosen) > 0 {
		return chosen, nil
	}
	rows := slices.DeleteFunc(measured(f.Rows, y), func(r frame.Row) bool { return len(v.Sheets(r.ID)) == 0 })
	if len(rows) == 0 {
		return nil, fmt.Errorf("no trial with a value of %s has a sample sheet", y)
	}
	goal, _ := objective(f, y)
	slices.SortStableFunc(rows, func(a, b frame.Row) int {
		if goal == pareto.Max {
			return cmp.Compare(b.Values[y], a.Values[y])
		}
		return cmp.Compare(a.Values[y], b.Values[y])
	})
	words, n := []string{"best", "median", "worst"}, len(rows)
	if goal == "" {
		words = []string{"lowest", "median", "highest"}
	}
	for k, i := range []int{0, (n - 1) / 2, n - 1} {
		if k == 0 || rows[i].ID != chosen[len(chosen)-1].row.ID {
			chosen = append(chosen, chosenTrial{words[k], rows[i]})
		}
	}
	return chosen, nil
}

// someSheets chooses the first, the last and evenly spread sheets between.
func someSheets(list []results.Sheet) (some []results.Sheet) {
	for i := range min(mostSheets, len(list)) {
		at := len(list) - 1
		if n := min(mostSheets, len(list)); n > 1 {
			at = int(math.Round(float64(i*(len(list)-1)) / float64(n-1)))
		}
		some = append(some, list[at])
	}
	return some
}

// sheets draws pictures side by side with their epochs below.
type sheets struct {
	pictures []image.Image
	epochs   []int
}

const (
	sheetWidth = vg.Length(92)
	sheetGap   = vg.Length(6)
)

// height is the height of a picture of sheetWidth.
func (s *sheets) height() (h vg.Length) {
	for _, p := range s.pictures {
		h = max(h, sheetWidth*vg.Length(p.Bounds().Dy())/vg.Length(max(1, p.Bounds().Dx())))
	}
	return min(h, 3*sheetWidth)
}

func (s *sheets) size() vg.Point {
	n := vg.Length(len(s.pictures))
	return vg.Point{X: max(n*sheetWidth+(n-1)*sheetGap, 3*sheetWidth), Y: s.height() + 14}
}

// Plot implements plot.Plotter.
func (s *sheets) Plot(c vgdraw.Canvas, _ *plot.Plot) {
	style := write(textSize, quiet)
	style.XAlign = vgdraw.XCenter
	for i, p := range s.pictures {
		left := c.Min.X + vg.Length(i)*(sheetWidth+sheetGap)
		if _, isSVG := c.Canvas.(*svgCanvas); !isSVG { // which says itself that pixels are squares
			p = enlarged(p)
		}
		bounds := p.Bounds()
		w, h := sheetWidth, sheetWidth*vg.Length(bounds.Dy())/vg.Length(bounds.Dx())
		if h > 3*sheetWidth {
			w, h = w*3*sheetWidth/h, 3*sheetWidth
		}
		c.DrawImage(vg.Rectangle{Min: vg.Point{X: left, Y: c.Max.Y - h}, Max: vg.Point{X: left + w, Y: c.Max.Y}}, p)
		c.FillText(style, vg.Point{X: left + w/2, Y: c.Max.Y - s.height() - 10}, fmt.Sprintf("epoch %d", s.epochs[i]))
	}
}

// enlarged repeats the pixels of a small picture, so that a printer or a viewer does not blur them.
func enlarged(p image.Image) image.Image {
	b := p.Bounds()
	k := 600 / max(1, b.Dx(), b.Dy())
	if k < 2 {
		return p
	}
	big := image.NewRGBA(image.Rect(0, 0, k*b.Dx(), k*b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			draw.Draw(big, image.Rect(k*x, k*y, k*x+k, k*y+k), image.NewUniform(p.At(b.Min.X+x, b.Min.Y+y)), image.Point{}, draw.Src)
		}
	}
	return big
}
