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
    return gan(data = images(path = p.path, size = 4, channels = 1), generator = image_mlp([4], 4), discriminator = mlp([4], 1), latent = normal(2),
               loss = least_squares(), optimizer = sgd(lr = 1e-4 * len(p.name)), batch = 2, epochs = 1)

main = study(trial = trial, space = {"name": choice("\x1b[2J\x1b[31mRED", "two\nlines\tand a tab", "=1+1", "<script>alert(1)</script>")},
             settings = {"path": "", "note": "\x1b]0;title\x07"}, objectives = {"d_real": "min"})
`

// No string of a script and no name of a file moves the cursor, breaks a table, or is computed by a spreadsheet.
func TestHostileStringsStayTexts(t *testing.T) {
	home := t.TempDir()
	script, odd := filepath.Join(home, "evil.star"), filepath.Join(home, "evil\x1b[31m\u202e.star")
	for _, path := range []string{script, odd} {
		if err := os.WriteFile(path, []byte(hostileStudy), 0o644); err != nil {
			require.Unavailable(t, "no such names of files: %v", err)
		}
	}
	pictures := filepath.Join(home, "pictures")
	for _, class := range []string{"\x1b[31mred", "two\nlines"} {
		if err := os.MkdirAll(filepath.Join(pictures, class), 0o777); err != nil {
			t.Fatal(err)
		}
		draw(t, filepath.Join(pictures, class), 100)
	}
	dir := filepath.Join(home, "study")
	run := func(want int, args ...string) string {
		t.Helper()
		code, text := command(t, home, args...)
		if code != want {
			t.Errorf("%q: got exit code %d, want %d\n%s", args, code, want, text)
		}
		at := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\u202e' })
		if at >= 0 {
			t.Errorf("%q: a control character at %q", args, text[max(0, at-60):min(len(text), at+60)])
		}
		return text
	}
	set := "path=" + pictures
	run(2, "check", odd, "--set", set) // its name could be no folder's
	run(0, "check", script, "--set", set)
	run(0, "plan", script, "--set", set, "--trials")
	run(0, "show", script, "--set", set)
	text := run(0, "run", script, "--set", set, "--backend", "cpu", "--dir", dir)
	if !strings.Contains(text, `name="\u001b[2J\u001b[31mRED"`) && !strings.Contains(text, `name="two\nlines\tand a tab"`) &&
		!strings.Contains(text, `name="=1+1"`) && !strings.Contains(text, `name="<script>`) {
		t.Errorf("the best line names no trial:\n%s", text)
	}
	if lines := strings.Count(run(0, "status", dir), "\n"); lines != 6 {
		t.Errorf("status has %d lines, want 6", lines)
	}
	if lines := strings.Count(run(0, "pareto", dir, "--all"), "\n"); lines != 7 {
		t.Errorf("pareto has %d lines, want 7", lines)
	}
	run(0, "report", dir)
	run(0, "data", "show", "images", "--path", pictures)
	for _, bad := range []string{"\x1b[31mzz\nz.png", "\u202etxt.png"} {
		path := filepath.Join(pictures, "two\nlines", bad)
		if err := os.WriteFile(path, []byte("no picture"), 0o666); err != nil {
			t.Fatal(err)
		}
		run(2, "data", "show", "images", "--path", pictures)
		run(2, "run", script, "--set", set, "--backend", "cpu", "--dir", dir)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	run(2, "status", filepath.Join(home, "\x1b[31m"))

	rows, err := csv.NewReader(strings.NewReader(run(0, "export", dir, "trials", "--csv"))).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("got %d rows of CSV, %v", len(rows), err)
	}
	column := func(name string) (cells []string) {
		at := slices.Index(rows[0], name)
		for _, row := range rows[1:] {
			cells = append(cells, row[at])
		}
		slices.Sort(cells)
		return cells
	}
	if got, want := column("name"), []string{"'=1+1", "<script>alert(1)</script>", `\u001b[2J\u001b[31mRED`,
		"two\nlines\tand a tab"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, cell := range column("d_real") {
		if strings.HasPrefix(cell, "'") {
			t.Errorf("a number with an apostrophe: %s", cell)
		}
	}
	var names []string
	for line := range strings.Lines(run(0, "export", dir, "trials", "--jsonl")) {
		var row struct{ Name, Study string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		names = append(names, row.Name)
		if row.Study != "evil" {
			t.Errorf("JSON: got the study %q", row.Study)
		}
	}
	slices.Sort(names)
	if want := []string{"\x1b[2J\x1b[31mRED", "<script>alert(1)</script>", "=1+1", "two\nlines\tand a tab"}; !slices.Equal(names, want) {
		t.Errorf("JSON: got %q, want %q", names, want)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil || strings.Contains(string(page), "<script>alert") || strings.Contains(string(page), "\x1b") {
		t.Errorf("the page has strings that are not escaped, or %v", err)
	}
}
