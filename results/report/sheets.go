package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"image/png"
	"slices"

	"golang.org/x/image/draw"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/frame"
)

// sheets are sample sheets of a few trials.
type sheets struct {
	By      string // the objective; empty without one
	Trials  []sheetsOf
	Reduced bool
}

// sheetsOf are sample sheets of a trial, by epoch, the last one last.
type sheetsOf struct {
	Why, Of string
	Trial   Ref
	Value   string
	Course  []sheet
	Last    sheet
}

type sheet struct {
	Epoch         int
	Width, Height int
	URL           template.URL
	Alt           string
}

// Pictures: how many epochs of a course, how wide they are, and how many bytes a picture has at most.
const (
	courseShown              = 4
	courseWidth, sheetWidth  = 150, 300
	heaviest                 = 48 << 10
	jpegQuality, jpegCoarser = 85, 60
)

// samples shows sheets of the best, the median and the worst trial.
func (s *study) samples() (template.HTML, error) {
	x := sheets{}
	if len(s.meta.Objectives) > 0 {
		x.By = s.meta.Objectives[0].Metric
	}
	for _, c := range s.exemplary() {
		of, any, err := s.sheetsOf(c, &x.Reduced)
		if err != nil {
			return "", err
		}
		if any {
			x.Trials = append(x.Trials, of)
		}
	}
	if len(x.Trials) == 0 {
		return "", nil
	}
	return render("samples", x)
}

// chosen is a trial that stands for others.
type chosen struct {
	row frame.Row
	why string
}

// exemplary are the best, the median and the worst trial with sheets by the first objective, or the first trial of each of three
// configurations.
func (s *study) exemplary() (list []chosen) {
	rows := slices.DeleteFunc(slices.Clone(s.frame.Rows), func(r frame.Row) bool { return len(s.Sheets(r.ID)) == 0 })
	if len(s.meta.Objectives) > 0 {
		o := s.meta.Objectives[0]
		compared := slices.DeleteFunc(slices.Clone(rows), func(r frame.Row) bool { _, any := r.Values[o.Metric]; return !any })
		slices.SortStableFunc(compared, func(a, b frame.Row) int {
			switch x, y := a.Values[o.Metric], b.Values[o.Metric]; {
			case o.Better(x, y):
				return -1
			case o.Better(y, x):
				return 1
			}
			return 0
		})
		n := len(compared)
		switch {
		case n > 2:
			return []chosen{{compared[0], "best"}, {compared[n/2], "median"}, {compared[n-1], "worst"}}
		case n == 2:
			return []chosen{{compared[0], "best"}, {compared[1], "worst"}}
		case n == 1:
			return []chosen{{compared[0], "only one with a value"}}
		}
	}
	met := map[string]bool{}
	for _, r := range rows {
		if !met[r.Configuration] && len(list) < 3 {
			met[r.Configuration] = true
			list = append(list, chosen{row: r, why: "trial"})
		}
	}
	return list
}

func (s *study) sheetsOf(c chosen, reduced *bool) (of sheetsOf, any bool, err error) {
	of = sheetsOf{Why: c.why, Of: s.configuration(c.row), Trial: s.Trial(c.row.ID)}
	if len(s.meta.Objectives) > 0 {
		if v, measured := c.row.Values[s.meta.Objectives[0].Metric]; measured {
			of.Value = value(v)
		}
	}
	list := s.Sheets(c.row.ID)
	list = slices.DeleteFunc(list, func(x results.Sheet) bool { return x.Kind != list[0].Kind })
	for i, at := range spaced(len(list), courseShown+1) {
		width := courseWidth
		if i == min(len(list), courseShown+1)-1 {
			width = sheetWidth
		}
		one, err := s.sheet(c.row, list[at], width, reduced)
		if err != nil {
			return of, false, err
		}
		of.Course = append(of.Course, one)
	}
	n := len(of.Course)
	of.Course, of.Last = of.Course[:n-1], of.Course[n-1]
	return of, true, nil
}

// spaced are at most so many of n indices, evenly spaced, with the first and the last.
func spaced(n, most int) (at []int) {
	most = min(n, most)
	for i := range most {
		if most == 1 {
			return []int{n - 1}
		}
		at = append(at, i*(n-1)/(most-1))
	}
	return at
}

// sheet is a picture of a trial, made smaller if it is wide or heavy. The table has it as it is.
func (s *study) sheet(r frame.Row, name results.Sheet, width int, reduced *bool) (sheet, error) {
	file, _, err := s.Sheet(r.ID, name.Epoch, name.Kind)
	if err != nil {
		return sheet{}, err
	}
	file, size, smaller, err := fitted(file, width)
	if err != nil {
		return sheet{}, fmt.Errorf("sample sheet of trial %s, epoch %d: %w", r.ID, name.Epoch, err)
	}
	*reduced = *reduced || smaller
	kind := "png"
	if bytes.HasPrefix(file, []byte("\xff\xd8")) {
		kind = "jpeg"
	}
	shown := size
	for zoom := 2; size.X*zoom <= width; zoom++ {
		shown = size.Mul(zoom)
	}
	return sheet{name.Epoch, shown.X, shown.Y, template.URL("data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(file)),
		fmt.Sprintf("samples of trial %s at epoch %d", r.ID, name.Epoch)}, nil
}

// fitted is a PNG file as it is or, if it is wider or heavier than the page can have, smaller.
func fitted(file []byte, width int) (fitting []byte, size image.Point, smaller bool, err error) {
	config, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, size, false, err
	}
	size = image.Pt(config.Width, config.Height)
	if size.X <= width && size.Y <= 2*width && len(file) <= heaviest {
		return file, size, false, nil
	}
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, size, false, err
	}
	if scale := min(float64(width)/float64(size.X), float64(2*width)/float64(size.Y)); scale < 1 {
		size = image.Pt(max(1, int(float64(size.X)*scale)), max(1, int(float64(size.Y)*scale)))
		scaled := image.NewRGBA(image.Rectangle{Max: size})
		draw.CatmullRom.Scale(scaled, scaled.Bounds(), picture, picture.Bounds(), draw.Src, nil)
		picture = scaled
	}
	for _, quality := range []int{0, jpegQuality, jpegCoarser} {
		var b bytes.Buffer
		if quality == 0 {
			err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, picture)
		} else {
			err = jpeg.Encode(&b, picture, &jpeg.Options{Quality: quality})
		}
		if err != nil {
			return nil, size, false, err
		}
		if fitting = b.Bytes(); len(fitting) <= heaviest {
			break
		}
	}
	return fitting, size, true, nil
}
