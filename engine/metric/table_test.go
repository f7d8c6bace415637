package metric

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
)

func TestRowsOfTheTableAreComplete(t *testing.T) {
	taken := map[string]string{Spread: "every evaluation"}
	for _, m := range All {
		if m.Name == "" || m.Doc == "" || m.compute == nil || len(m.Columns) == 0 {
			t.Errorf("%s: got no name, description, columns or computation", m.Name)
		}
		for _, c := range m.Columns {
			if owner := taken[c.Name]; owner != "" {
				t.Errorf("%s: the column %s belongs to %s", m.Name, c.Name, owner)
			}
			taken[c.Name] = m.Name
			if strings.HasSuffix(c.Name, Floor) || strings.HasPrefix(c.Name, testPrefix) {
				t.Errorf("%s: the column %s looks like a floor or a test", m.Name, c.Name)
			}
			if low, high := Bounds(c.Name); low != c.Low || high != c.High || !(low < high) {
				t.Errorf("%s: column %s: got bounds %g and %g", m.Name, c.Name, low, high)
			}
			if c.Deviation != (c.Better == "") {
				t.Errorf("%s: column %s: got direction %q, want one for all but deviations", m.Name, c.Name, c.Better)
			}
		}
		for _, a := range m.Params {
			if a.Default == 0 && a.Flag == "" {
				t.Errorf("%s: argument %s has neither a default nor a flag of eval, which has no other images to choose it", m.Name, a.Name)
			}
			if a.Default < 0 {
				t.Errorf("%s: argument %s: got the default %g, want a positive number", m.Name, a.Name, a.Default)
			}
		}
	}
}

// Every metric, alone, computes the columns that it declares.
func TestEveryMetricComputesItsColumns(t *testing.T) {
	p, r := products(t), random(1)
	real, fake, logits := gaussian(r, 60, 3, 0, 1), gaussian(r, 60, 3, 0.5, 1), gaussian(r, 60, 5, 0, 1)
	for _, m := range All {
		s := m.Standard()
		for _, a := range m.Params {
			if a.Clamp {
				s = s.With(a.Name, min(a.Default, 60))
			}
		}
		metrics := []spec.Metric{s}
		c := Comparison{Products: p, Others: gaussian(r, 60, 3, 0, 1)}
		for to, f := range map[**Stats]Features{&c.Real: real, &c.Fake: fake} {
			var err error
			if *to, err = Summarize(context.Background(), p, metrics, f, logits); err != nil {
				t.Fatal(err)
			}
		}
		values, err := c.Values(context.Background(), metrics)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		if got, want := slices.Sorted(maps.Keys(values)), slices.Sorted(slices.Values(m.columnNames())); !slices.Equal(got, want) {
			t.Errorf("%s: got the columns %q, want %q", m.Name, got, want)
		}
		c.Real.Logits, c.Fake.Logits = Features{}, Features{}
		if _, err := c.Values(context.Background(), metrics); (err != nil) != m.Logits {
			t.Errorf("%s: got %v without logits, and the row says that it compares them: %t", m.Name, err, m.Logits)
		}
	}
}

func TestTheDocumentsNameEveryMetric(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	language, tables := read("../../docs/language.md"), read("../../docs/tables.md")
	for _, m := range All {
		var args []string
		for _, a := range m.Params {
			value := "None"
			if a.Default != 0 {
				value = fmt.Sprint(a.Default)
			}
			args = append(args, a.Name+" = "+value)
		}
		call := fmt.Sprintf("| `%s(%s)` |", m.Name, strings.Join(args, ", "))
		_, rest, found := strings.Cut(language, call)
		if !found {
			t.Errorf("docs/language.md has no row %s", call)
		}
		line, _, _ := strings.Cut(rest, "\n")
		for _, name := range m.columnNames() {
			if !strings.Contains(line, "`"+name+"`") {
				t.Errorf("docs/language.md: the row %s names no column %s", call, name)
			}
			if !strings.Contains(tables, "`"+name+"`") {
				t.Errorf("docs/tables.md names no column %s", name)
			}
		}
	}
}
