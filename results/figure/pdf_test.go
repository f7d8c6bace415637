package figure_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results/figure"
)

// drawing is the content of the page of a PDF.
func drawing(t *testing.T, g *figure.Figure) string {
	t.Helper()
	var document bytes.Buffer
	check(t, g.PDF(&document))
	for _, part := range strings.Split(document.String(), "stream\n")[1:] {
		z, err := zlib.NewReader(strings.NewReader(part))
		if err != nil {
			continue
		}
		text, err := io.ReadAll(z)
		check(t, err)
		if strings.Contains(string(text), ")Tj") { // the others are fonts and pictures
			return string(text)
		}
	}
	t.Fatal("got no page")
	return ""
}

func TestAPDFHasLettersOfEveryKind(t *testing.T) {
	f := of(t, grid(t), nil)
	plain, err := figure.Box(f, figure.Options{X: "lr", Y: "fid", Names: map[string]string{"lr": "a × b ± 1"}})
	check(t, err)
	if got := drawing(t, plain); !strings.Contains(got, "(a \xd7 b \xb1 1)") { // in the encoding of its fonts
		t.Error("the drawing lacks × and ±")
	}
	greek, err := figure.Box(f, figure.Options{X: "lr", Y: "fid", Names: map[string]string{"lr": "β≤1"}})
	check(t, err)
	got, curves := drawing(t, greek), regexp.MustCompile(`(?m) [cv]$`)
	if strings.Contains(got, "\xce") || len(curves.FindAllString(got, -1)) < len(curves.FindAllString(drawing(t, plain), -1))+10 {
		t.Error("the drawing lacks the outlines of β")
	}
}
