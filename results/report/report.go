// Package report draws one HTML page of a study: how the trials ended, their losses and their last pictures. The page is one
// file that needs no network and no server. It reads a study through package results and is called at the end of a run.
package report

import (
	"cmp"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starsweep/starsweep/results"
	"github.com/starsweep/starsweep/results/internal/durable"
)

//go:embed report.html
var page string

var layout = template.Must(template.New("report").Parse(page))

// trial is what the page shows of a trial.
type trial struct {
	results.State
	Point   string
	Curves  template.HTML
	Picture template.URL // of the last evaluated epoch; empty without one
	At      int          // that epoch
	Values  []string     // the last values of the study's metrics, in order
	losses  map[string][]float64
}

// File writes the page into the study's directory, as report.html, and gives its path.
func File(v *results.View) (string, error) {
	path := filepath.Join(v.Dir(), "report.html")
	return path, durable.WriteFile(path, func(w io.Writer) error { return Write(w, v) })
}

// Write writes the page.
func Write(w io.Writer, v *results.View) error {
	trials, err := gather(v)
	if err != nil {
		return err
	}
	count := map[results.Status]int{}
	for _, t := range trials {
		count[t.Status]++
	}
	return layout.Execute(w, map[string]any{"Meta": v.Meta(), "Trials": trials, "Count": count})
}

func gather(v *results.View) ([]*trial, error) {
	byID := map[string]*trial{}
	var trials []*trial
	for _, s := range v.Trials() {
		t := &trial{State: s, losses: map[string][]float64{}}
		var parts []string
		for _, c := range v.Meta().Columns {
			parts = append(parts, fmt.Sprintf("%s=%v", c.Name, s.Point[c.Name]))
		}
		t.Point = strings.Join(append(parts, fmt.Sprintf("seed=%d", s.Seed)), " ")
		for _, m := range v.Meta().Metrics {
			t.Values = append(t.Values, number(s.Last, m))
		}
		byID[s.ID] = t
		trials = append(trials, t)
	}
	for row, err := range v.Rows(results.Epochs) {
		if err != nil {
			return nil, err
		}
		t := byID[row["trial"].(string)]
		for _, m := range v.Meta().Metrics {
			if x, ok := row[m].(float64); ok && strings.HasPrefix(m, "loss_") {
				t.losses[m] = append(t.losses[m], x)
			}
		}
	}
	for row, err := range v.Rows(results.Samples) {
		if err != nil {
			return nil, err
		}
		t := byID[row["trial"].(string)]
		if png, ok := row["png"].([]byte); ok {
			t.Picture = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
			t.At = integer(row["epoch"])
		}
	}
	for _, t := range trials {
		t.Curves = template.HTML(chart(t.losses))
	}
	slices.SortStableFunc(trials, func(a, b *trial) int { return cmp.Compare(a.Index, b.Index) })
	return trials, nil
}

func integer(v any) int {
	switch v := v.(type) {
	case int64:
		return int(v)
	case int32:
		return int(v)
	case int:
		return v
	}
	return 0
}

func number(m results.Metrics, name string) string {
	if v, ok := m[name]; ok {
		return fmt.Sprintf("%.4g", v)
	}
	return ""
}

var colours = []string{"#c2410c", "#1d4ed8", "#15803d", "#7e22ce"}

// chart draws the curves of one trial as SVG, each loss in a colour of its own on one scale.
func chart(curves map[string][]float64) string {
	const width, height, pad = 300, 150, 8
	lo, hi, n := math.Inf(1), math.Inf(-1), 0
	var names []string
	for name, c := range curves {
		names = append(names, name)
		n = max(n, len(c))
		for _, v := range c {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if n == 0 || lo > hi {
		return ""
	}
	if lo == hi {
		lo, hi = lo-1, hi+1
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" width="%d" height="%d" role="img">`, width, height+18*len(names), width, height+18*len(names))
	fmt.Fprintf(&b, `<text x="0" y="10" class="tick">%.3g</text><text x="0" y="%d" class="tick">%.3g</text>`, hi, height, lo)
	for i, name := range names {
		var points []string
		for e, v := range curves[name] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			x := pad + 30 + float64(e)/float64(max(1, n-1))*(width-2*pad-30)
			y := height - pad - (v-lo)/(hi-lo)*(height-2*pad)
			points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
		}
		c := colours[i%len(colours)]
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`, c, strings.Join(points, " "))
		fmt.Fprintf(&b, `<text x="38" y="%d" fill="%s" class="key">%s</text>`, height+14+18*i, c, template.HTMLEscapeString(name))
	}
	b.WriteString("</svg>")
	return b.String()
}
