package figure_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/figure"
)

func TestADeviationBeyondTheAxisHasNoEnd(t *testing.T) {
	f := of(t, grid(t), func(c map[string]any) (bool, error) { return c["lr"] == 1e-3 && c["batch"] == int64(32), nil })
	lines := func(scale float64) int {
		for i, r := range f.Rows {
			f.Rows[i].Values = map[string]float64{"fid": 1.1 * math.Pow(scale, float64(r.Seed))}
		}
		g, err := figure.Bars(f, figure.Options{Y: "fid"})
		check(t, err)
		n := 0
		for _, path := range regexp.MustCompile(`<path[^>]* stroke-width="0.8"[^>]*>`).FindAllString(svg(t, g, figure.Light), -1) {
			n += strings.Count(path, "M")
		}
		return n
	}
	if near, far := lines(1.1), lines(1000); near != 6 || far != 4 {
		t.Errorf("got %d lines of near values and %d of values three decades apart, want 6 and 4 of two configurations", near, far)
	}
	f.Rows[0].Status = results.Collapsed
	g, err := figure.Bars(f, figure.Options{Y: "fid"})
	check(t, err)
	if !strings.Contains(g.Caption, "did not complete; their values count.") {
		t.Errorf("got caption %q", g.Caption)
	}
	f.Rows[0].Values = nil // it is not finished
	g, err = figure.Bars(f, figure.Options{Y: "fid"})
	check(t, err)
	if !strings.Contains(g.Caption, "n = 3 trials (2 configurations, 2 seeds)") {
		t.Errorf("got caption %q, want the trials with a value", g.Caption)
	}
}

func TestLongTextsKeepTheirWidthInAnyFont(t *testing.T) {
	g, err := figure.Bars(of(t, grid(t), nil), figure.Options{Y: "fid"})
	check(t, err)
	labels := regexp.MustCompile(`<text x="([\d.]+)"[^>]* textLength="([\d.]+)" lengthAdjust="spacingAndGlyphs">loss [^<]*, batch \d+<`).
		FindAllStringSubmatch(svg(t, g, figure.Light), -1)
	if len(labels) != 16 {
		t.Fatalf("got %d labels, want one of each configuration", len(labels))
	}
	end := func(label []string) float64 { // each label ends at the axis, as far as numbers of one decimal say
		x, err := strconv.ParseFloat(label[1], 64)
		check(t, err)
		width, err := strconv.ParseFloat(label[2], 64)
		check(t, err)
		return x + width
	}
	for _, label := range labels {
		if math.Abs(end(label)-end(labels[0])) > 0.11 {
			t.Errorf("got %s, want it to end at %g", label[0], end(labels[0]))
		}
	}
}
