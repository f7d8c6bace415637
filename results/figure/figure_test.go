package figure_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results/figure"
	"github.com/starsweep/starsweep/results/frame"
)

// cases are options for each kind that draw the study under test.
var cases = map[string]figure.Options{
	"box":    {X: "lr", Y: "fid", By: "loss"},
	"cloud":  {By: "lr"},
	"front":  {By: "loss", Panel: "batch"},
	"curves": {By: "lr", Panel: "loss"},
	"bars":   {By: "loss"},

	"effects":    {X: "lr", By: "loss"},
	"importance": {Y: "fid"},
	"parallel":   {Panel: "loss"},
	"history":    {By: "lr"},
	"sheets":     {},
}

// tally is what captions say of the number of trials.
var tally = regexp.MustCompile(`n = 32 trials \(16 (configurations, 2 seeds|combinations of levels)\)|Samples of 3 trials of 32`)

func TestEveryKindIsDrawnInEveryFormatWithEqualBytes(t *testing.T) {
	v := grid(t)
	f := of(t, v, nil)
	for _, k := range figure.Kinds() {
		o, tested := cases[k.Name]
		if !tested {
			t.Errorf("%s: no case", k.Name)
			continue
		}
		var first [5]string
		for run := range 2 {
			g, err := k.Draw(v, f, o)
			check(t, err)
			var pixels, document bytes.Buffer
			check(t, g.PNG(&pixels, 96))
			check(t, g.PDF(&document))
			drawn := [5]string{svg(t, g, figure.Light), svg(t, g, figure.Dark), svg(t, g, figure.Inline), pixels.String(), document.String()}
			if run == 0 {
				first = drawn
			}
			if drawn != first {
				t.Errorf("%s: two drawings differ", k.Name)
			}
			if _, err := png.Decode(&pixels); err != nil {
				t.Errorf("%s: %v", k.Name, err)
			}
			if !strings.HasPrefix(document.String(), "%PDF-") {
				t.Errorf("%s: got a PDF that begins with %q", k.Name, document.String()[:8])
			}
			if !tally.MatchString(g.Caption) {
				t.Errorf("%s: got caption %q, want the number of trials", k.Name, g.Caption)
			}
			if !strings.Contains(g.Caption, ", 400 samples against the test split.") || strings.Contains(g.Caption, "f00d") {
				t.Errorf("%s: got caption %q, want the measure in brief", k.Name, g.Caption)
			}
			if len(g.Measures) == 0 || !strings.Contains(g.Measures[0], "samples=400 real=test:77 features=small:f00d") {
				t.Errorf("%s: got the measures %q", k.Name, g.Measures)
			}
		}
	}
}

// texts returns the texts of an SVG, which must be well formed.
func texts(t *testing.T, document string) (list []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(document))
	within := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		check(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			within = token.Name.Local == "text" || token.Name.Local == "title" || token.Name.Local == "desc"
		case xml.CharData:
			if within {
				list = append(list, string(token))
			}
		case xml.EndElement:
			within = false
		}
	}
}

func TestAnSVGIsSmallNamedAndTakesTheColoursOfItsPage(t *testing.T) {
	v := grid(t)
	g, err := figure.Box(of(t, v, nil), cases["box"])
	check(t, err)
	inline := svg(t, g, figure.Inline)
	if len(inline) > 8000 {
		t.Errorf("got %d bytes, want at most 8000", len(inline))
	}
	for _, forbidden := range []string{"@font-face", "base64", "#000", "#fff\"", "<script", "<style"} {
		if strings.Contains(inline, forbidden) {
			t.Errorf("got %q in the drawing for a page", forbidden)
		}
	}
	if r := regexp.MustCompile(`\d\.\d\d+[ "LMZ]`); r.MatchString(regexp.MustCompile(`opacity="[^"]*"`).ReplaceAllString(inline, "")) {
		t.Errorf("got numbers with more than one decimal: %s", r.FindString(inline))
	}
	list := texts(t, inline)
	if list[0] != "fid by lr and loss" || !strings.Contains(list[1], "lr 1e-5, loss ns-gan: n 4, median 2") {
		t.Errorf("got title and description %q", list[:2])
	}
	for _, want := range []string{"ns-gan", "wgan-gp", "lr", "1e-5", "0.0001", "0.001", "0.01", "fid (lower is better)"} {
		if !strings.Contains(strings.Join(list[2:], "\n"), want) {
			t.Errorf("got texts %q, want %q", list[2:], want)
		}
	}
	if dark := svg(t, g, figure.Dark); strings.Contains(dark, "currentColor") || !strings.Contains(dark, "#1c1917") {
		t.Error("the dark drawing has no colours of its own")
	}
}

func TestMarksAreAsManyAsValues(t *testing.T) {
	v := grid(t)
	f := of(t, v, nil)
	cloud, err := figure.Cloud(f, figure.Options{})
	check(t, err)
	if n := strings.Count(svg(t, cloud, figure.Light), "<circle"); n != 32 {
		t.Errorf("got %d points, want 32", n)
	}
	box, err := figure.Box(f, figure.Options{X: "lr", Y: "fid"})
	check(t, err)
	want := len(regexp.MustCompile(`values? beyond`).FindAllString(box.Alt, -1))
	if n := strings.Count(svg(t, box, figure.Light), `fill-opacity="0.35"`); n != 4 || want != 0 {
		t.Errorf("got %d boxes and %d with outliers, want 4 and 0", n, want)
	}
}

func TestClaimsOfCaptionsAndAltAreThoseOfTheValues(t *testing.T) {
	v := grid(t)
	f := of(t, v, func(c map[string]any) (bool, error) { return c["lr"] == 1e-3 && c["batch"] == int64(32), nil })
	g, err := figure.Bars(f, figure.Options{})
	check(t, err)
	for _, l := range []int{0, 1} { // of ns-gan and wgan-gp
		mean := (values(l, 1e-3, 32, 0, 6)["fid"] + values(l, 1e-3, 32, 1, 6)["fid"]) / 2
		want := fmt.Sprintf("loss %s: mean %.4g,", []string{"ns-gan", "wgan-gp"}[l], mean)
		if !strings.Contains(g.Alt, want) {
			t.Errorf("got %q, want %q", g.Alt, want)
		}
	}
	if !strings.Contains(g.Caption, "Left out: 28 trials outside the condition.") {
		t.Errorf("got caption %q, want what is left out", g.Caption)
	}
}

func TestTrialsWithoutAnyValueAreLeftOutOnce(t *testing.T) {
	f := of(t, grid(t), nil)
	f.Rows[0].Values, f.Left = nil, []frame.Omission{{Reason: "failed trials, without values", N: 1}}
	f.Rows[1].Values = map[string]float64{"recall": 0.5}
	g, err := figure.Box(f, figure.Options{Y: "fid"})
	check(t, err)
	const want = "Left out: 1 failed trial, without values, 1 trial of those shown without a value of fid."
	if !strings.Contains(g.Caption, want) {
		t.Errorf("got caption %q, want %q", g.Caption, want)
	}
}

func TestFiguresThatCannotBeDrawnAreErrors(t *testing.T) {
	v := grid(t)
	all := of(t, v, nil)
	none := of(t, v, func(map[string]any) (bool, error) { return false, nil })
	one := of(t, v, func(c map[string]any) (bool, error) { return c["trial"] == "t000", nil })
	for _, k := range figure.Kinds() {
		if _, err := k.Draw(v, none, figure.Options{}); err == nil || !strings.Contains(err.Error(), "no trials") {
			t.Errorf("%s of no trials: got error %v", k.Name, err)
		}
		g, err := k.Draw(v, one, figure.Options{})
		if err == nil { // one point is drawn, or refused with a reason, but it does not panic
			svg(t, g, figure.Light)
		}
	}
	for want, draw := range map[string]func() (*figure.Figure, error){
		`y: got "fod", want a metric that was measured: loss_critic, fid, `: func() (*figure.Figure, error) {
			return figure.Box(all, figure.Options{Y: "fod"})
		},
		`x: got "rate", want a column of the trials: loss, lr, batch, seed, `: func() (*figure.Figure, error) {
			return figure.Box(all, figure.Options{X: "rate"})
		},
		`by: got "rate"`:    func() (*figure.Figure, error) { return figure.Cloud(all, figure.Options{By: "rate"}) },
		`panel: got "rate"`: func() (*figure.Figure, error) { return figure.Bars(all, figure.Options{Panel: "rate"}) },
		`front: loss_critic is no objective`: func() (*figure.Figure, error) {
			return figure.Front(all, figure.Options{X: "loss_critic"})
		},
		`each: got "seed", want configuration or level`: func() (*figure.Figure, error) {
			return figure.Curves(v, all, figure.Options{Each: "seed"})
		},
		`x: no hyperparameter has several levels`: func() (*figure.Figure, error) { return figure.Box(one, figure.Options{}) },
	} {
		if _, err := draw(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
	if g, err := figure.Cloud(all, figure.Options{}); err != nil || g.PNG(io.Discard, 5) == nil {
		t.Errorf("got %v and no error for 5 dpi", err)
	}
}

func TestPairsLieOnTheSideOfTheBetterStudy(t *testing.T) {
	f := of(t, grid(t), nil)
	pair := func(name string, a, b float64) figure.Pair {
		return figure.Pair{Name: name, A: frame.Summarize([]float64{a, a + 2}), B: frame.Summarize([]float64{b})}
	}
	pairs := []figure.Pair{pair("worse", 10, 40), pair("better", 50, 20), pair("equal", 30, 31), {Name: "none", A: pair("", 1, 1).A}}
	for y, better := range map[string]string{"fid": "B is better in 1 of 3 configurations.", "recall": "B is better in 1 of 3 configurations.",
		"loss_critic": ""} {
		g, err := figure.Pairs(f, pairs, figure.Options{Y: y})
		check(t, err)
		if !strings.Contains(g.Caption, "n = 3 configurations (6 and 3 trials)") || !strings.HasSuffix(g.Alt, better) {
			t.Errorf("got caption %q and alt %q", g.Caption, g.Alt)
		}
		points := map[string]int{}
		for _, shape := range []string{"<circle", "fill=\"#d55e00\""} { // not better in B, and better
			points[shape] = strings.Count(svg(t, g, figure.Light), shape)
		}
		if want := map[string]map[string]int{"fid": {"<circle": 3, "fill=\"#d55e00\"": 2}, "recall": {"<circle": 3, "fill=\"#d55e00\"": 2},
			"loss_critic": {"<circle": 3, "fill=\"#d55e00\"": 0}}[y]; !maps.Equal(points, want) {
			t.Errorf("%s: got %v, want %v of the legend and the points", y, points, want)
		}
	}
	if _, err := figure.Pairs(f, pairs[3:], figure.Options{Y: "fid"}); err == nil || !strings.Contains(err.Error(), "in both studies") {
		t.Errorf("got error %v for no pair", err)
	}
}

func TestNamesOfStrangersAreText(t *testing.T) {
	hostile := `</title><script>alert(1)</script>&"'` + "\n\x1b\u202e" + strings.Repeat("长", 60)
	v := study(t, []string{hostile, "wgan-gp"}, []float64{1e-3, 1e-2}, 2)
	f := of(t, v, nil)
	for _, k := range figure.Kinds() {
		o := figure.Options{Y: "fid", Names: map[string]string{"fid": "<b>FID</b>"}}
		if o.By = cases[k.Name].By; o.By != "" {
			o.By = "loss"
		}
		g, err := k.Draw(v, f, o)
		if k.Name == "importance" && err != nil { // it may refuse so few trials
			continue
		}
		check(t, err)
		document := svg(t, g, figure.Inline)
		if strings.Contains(document, "<script") || strings.Contains(document, "<b>") || strings.ContainsAny(document, "\x1b\u202e") {
			t.Errorf("%s: got the name of a stranger as it is", k.Name)
		}
		texts(t, document)
		check(t, g.PNG(io.Discard, 72))
		check(t, g.PDF(io.Discard))
	}
}

func TestMainEffectsAreMeansOverTrials(t *testing.T) {
	v := grid(t)
	g, err := figure.Effects(of(t, v, nil), figure.Options{X: "lr", By: "loss", Y: "recall"})
	check(t, err)
	sum := 0.0
	for _, batch := range []int64{32, 64} {
		for seed := range 2 {
			sum += values(1, 1e-2, batch, seed, 6)["recall"]
		}
	}
	if want := fmt.Sprintf("lr 0.01, loss wgan-gp: mean %.4g, n 4.", sum/4); !strings.Contains(g.Alt, want) {
		t.Errorf("got %q, want %q", g.Alt, want)
	}
	if _, err := figure.Effects(of(t, v, nil), figure.Options{Panel: "loss"}); err == nil {
		t.Error("got no error for panels")
	}
}

func TestTheBestSoFarIsThatOfTheOrderOfStart(t *testing.T) {
	v := grid(t)
	g, err := figure.History(of(t, v, nil), figure.Options{Y: "precision"})
	check(t, err)
	if want := "is trial 13 of 32 (loss=wgan-gp lr=0.001 batch=32 seed=0)."; !strings.Contains(g.Caption, want) {
		t.Errorf("got caption %q, want %q", g.Caption, want)
	}
	if _, err := figure.History(of(t, v, nil), figure.Options{Y: "loss_critic"}); err == nil ||
		!strings.Contains(err.Error(), "loss_critic is no objective") {
		t.Errorf("got error %v for a metric without a direction", err)
	}
}

func TestSheetsAreThoseOfTheBestTheMedianAndTheWorst(t *testing.T) {
	v := grid(t)
	f := of(t, v, nil)
	g, err := figure.Sheets(v, f, figure.Options{Y: "fid"})
	check(t, err)
	document := svg(t, g, figure.Inline)
	if n := strings.Count(document, "data:image/png;base64,"); n != 15 {
		t.Errorf("got %d pictures, want 5 of each of 3 trials", n)
	}
	list := strings.Join(texts(t, document)[2:], "\n")
	for _, want := range []string{"best (loss=wgan-gp lr=0.001 batch=32 seed=0;", "worst (loss=ns-gan lr=1e-05 batch=64 seed=1;", "epoch 6"} {
		if !strings.Contains(list, want) {
			t.Errorf("got texts %q, want %q", list, want)
		}
	}
	_, err = figure.Sheets(v, f, figure.Options{Trials: []string{"t099"}})
	if err == nil || !strings.Contains(err.Error(), `trial: got "t099"`) {
		t.Errorf("got error %v for a trial that is not there", err)
	}
	one, err := figure.Sheets(v, f, figure.Options{Trials: []string{"t003"}})
	check(t, err)
	if n := strings.Count(svg(t, one, figure.Inline), "data:image/png;base64,"); n != 5 {
		t.Errorf("got %d pictures of a trial, want 5", n)
	}
	if !strings.Contains(one.Alt, "trial t003 (loss=") {
		t.Errorf("got %q, want the trial by its name", one.Alt)
	}
}

func TestParallelCoordinatesHaveALineForEachTrial(t *testing.T) {
	v := grid(t)
	g, err := figure.Parallel(of(t, v, nil), figure.Options{})
	check(t, err)
	document := svg(t, g, figure.Light)
	if n := strings.Count(document, `stroke-opacity="0.8"`); n < 25 || n > 32 {
		t.Errorf("got %d lines, want one for each of 32 trials, equal neighbours joined", n)
	}
	for _, want := range []string{">loss<", ">lr<", ">batch<", ">fid<", ">wgan-gp<"} {
		if !strings.Contains(document, want) {
			t.Errorf("the drawing lacks %s", want)
		}
	}
}

func TestJoinedFiguresHaveLettersAndOneCaption(t *testing.T) {
	v := grid(t)
	var figures []*figure.Figure
	for _, x := range []string{"lr", "batch", "loss", "seed"} {
		g, err := figure.Box(of(t, v, nil), figure.Options{X: x, Y: "fid"})
		check(t, err)
		figures = append(figures, g)
	}
	g, err := figure.Join(figures...)
	check(t, err)
	list := texts(t, svg(t, g, figure.Light))
	for _, want := range []string{"(a)", "(b)", "(c)", "(d)"} {
		if !strings.Contains(strings.Join(list[2:], "\n"), want) || !strings.Contains(g.Caption, want+" fid by ") {
			t.Errorf("got texts %q and caption %q, want %s", list[2:], g.Caption, want)
		}
	}
	if n := strings.Count(g.Caption, "Lower values of fid are better."); n != 1 {
		t.Errorf("got a caption that says %d times what is better: %s", n, g.Caption)
	}
	several, err := figure.Box(of(t, v, nil), figure.Options{X: "lr", Y: "fid", Panel: "loss"})
	check(t, err)
	if _, err := figure.Join(figures[0], several); err == nil || !strings.Contains(err.Error(), "got 2 panels, want 1") {
		t.Errorf("got error %v for figures of different panels", err)
	}
}

func TestManyPointsAreAPictureInTheDrawing(t *testing.T) {
	v := study(t, []string{"ns-gan", "wgan-gp"}, []float64{1e-3}, 2)
	f := of(t, v, nil)
	for len(f.Rows) < 2500 {
		f.Rows = append(f.Rows, f.Rows...)
	}
	g, err := figure.Cloud(f, figure.Options{By: "loss"})
	check(t, err)
	document := svg(t, g, figure.Inline)
	if n := strings.Count(document, "<circle"); n > 10 || !strings.Contains(document, "data:image/png;base64,") {
		t.Errorf("got %d circles, want a picture", n)
	}
}
