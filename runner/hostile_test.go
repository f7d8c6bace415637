package runner_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/starsweep/starsweep/internal/require"
)

const hostileStudy = `
load("@std//mlp.star", "image_mlp", "mlp")
load("@std//losses.star", "least_squares")

def trial(p):
    print(p.name)
    return gan(data = images(path = p.path, size = 4, channels = 1), generator = image_mlp([4], 4), discriminator = mlp([4], 1),
               latent = normal(2), loss = least_squares(), optimizer = sgd(lr = 1e-4 * len(p.name)), batch = 2, epochs = 1)

main = study(trial = trial, space = {"name": choice("\x1b[2J\x1b[31mRED", "two\nlines\tand a tab", "=1+1", "<script>alert(1)</script>")},
             settings = {"path": "", "note": "\x1b]0;title\x07"}, objectives = {"d_real": "min"})
`

// hostile is a folder with hostileStudy and pictures, all with names that could move a cursor.
type hostile struct {
	t                             *testing.T
	home, script, pictures, study string
}

func newHostile(t *testing.T) hostile {
	home := t.TempDir()
	h := hostile{t, home, filepath.Join(home, "evil.star"), filepath.Join(home, "pictures"), filepath.Join(home, "study")}
	if err := os.WriteFile(h.script, []byte(hostileStudy), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{"\x1b[31mred", "two\nlines"} {
		if err := os.MkdirAll(filepath.Join(h.pictures, class), 0o777); err != nil {
			require.Unavailable(t, "no such names of files: %v", err)
		}
		draw(t, filepath.Join(h.pictures, class), 100)
	}
	return h
}

// run runs a command, checks its exit code and that it wrote no control characters, and returns what it wrote.
func (h hostile) run(want int, args ...string) string {
	h.t.Helper()
	code, text := command(h.t, h.home, args...)
	if code != want {
		h.t.Errorf("%q: got exit code %d, want %d\n%s", args, code, want, text)
	}
	at := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\u202e' })
	if at >= 0 {
		h.t.Errorf("%q: a control character at %q", args, text[max(0, at-60):min(len(text), at+60)])
	}
	return text
}

// No string of a script and no name of a file can move the cursor, break a table, or become a formula in a spreadsheet.
func TestHostileStringsStayTexts(t *testing.T) {
	h := newHostile(t)
	odd := filepath.Join(h.home, "evil\x1b[31m\u202e.star")
	if err := os.WriteFile(odd, []byte(hostileStudy), 0o644); err != nil {
		t.Fatal(err)
	}
	set := "path=" + h.pictures
	h.run(2, "check", odd, "--set", set) // its name could be no folder's
	h.run(0, "check", h.script, "--set", set)
	h.run(0, "plan", h.script, "--set", set, "--trials")
	h.run(0, "show", h.script, "--set", set)
	text := h.run(0, "run", h.script, "--set", set, "--backend", "cpu", "--dir", h.study)
	if !strings.Contains(text, `name="\u001b[2J\u001b[31mRED"`) && !strings.Contains(text, `name="two\nlines\tand a tab"`) &&
		!strings.Contains(text, `name="=1+1"`) && !strings.Contains(text, `name="<script>`) {
		t.Errorf("the best line names no trial:\n%s", text)
	}
	if lines := strings.Count(h.run(0, "status", h.study), "\n"); lines != 6 {
		t.Errorf("status has %d lines, want 6", lines)
	}
	if lines := strings.Count(h.run(0, "pareto", h.study, "--all"), "\n"); lines != 7 {
		t.Errorf("pareto has %d lines, want 7", lines)
	}
	h.run(0, "report", h.study)
	page, err := os.ReadFile(filepath.Join(h.study, "report.html"))
	if err != nil || strings.Contains(string(page), "<script>alert") || strings.Contains(string(page), "\x1b") {
		t.Errorf("the report has strings that are not escaped, or %v", err)
	}
	h.run(0, "data", "show", "images", "--path", h.pictures)
	for _, bad := range []string{"\x1b[31mzz\nz.png", "\u202etxt.png"} {
		path := filepath.Join(h.pictures, "two\nlines", bad)
		if err := os.WriteFile(path, []byte("no picture"), 0o666); err != nil {
			t.Fatal(err)
		}
		h.run(2, "data", "show", "images", "--path", h.pictures)
		h.run(2, "run", h.script, "--set", set, "--backend", "cpu", "--dir", h.study)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	h.run(2, "status", filepath.Join(h.home, "\x1b[31m"))
	h.exportCSV()
	h.exportJSON()
}

func (h hostile) exportCSV() {
	rows, err := csv.NewReader(strings.NewReader(h.run(0, "export", h.study, "trials", "--csv"))).ReadAll()
	if err != nil || len(rows) != 5 {
		h.t.Fatalf("got %d rows of CSV, %v", len(rows), err)
	}
	column := func(name string) (cells []string) {
		at := slices.Index(rows[0], name)
		for _, row := range rows[1:] {
			cells = append(cells, row[at])
		}
		slices.Sort(cells)
		return cells
	}
	want := []string{"'=1+1", "<script>alert(1)</script>", `\u001b[2J\u001b[31mRED`, "two\nlines\tand a tab"}
	if got := column("name"); !slices.Equal(got, want) {
		h.t.Errorf("CSV: got %q, want %q", got, want)
	}
	for _, cell := range column("d_real") {
		if strings.HasPrefix(cell, "'") {
			h.t.Errorf("CSV: a number with an apostrophe: %s", cell)
		}
	}
}

func (h hostile) exportJSON() {
	var names []string
	for line := range strings.Lines(h.run(0, "export", h.study, "trials", "--jsonl")) {
		var row struct{ Name, Study string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			h.t.Fatal(err)
		}
		names = append(names, row.Name)
		if row.Study != "evil" {
			h.t.Errorf("JSON: got the study %q", row.Study)
		}
	}
	slices.Sort(names)
	want := []string{"\x1b[2J\x1b[31mRED", "<script>alert(1)</script>", "=1+1", "two\nlines\tand a tab"}
	if !slices.Equal(names, want) {
		h.t.Errorf("JSON: got %q, want %q", names, want)
	}
}
