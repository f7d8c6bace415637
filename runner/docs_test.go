package runner_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/starsweep/starsweep/results"
)

func TestTheDocumentNamesEveryColumn(t *testing.T) {
	text, err := os.ReadFile("../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range results.Reserved() {
		if !regexp.MustCompile(`\b` + name + `\b`).Match(text) {
			t.Errorf("docs/tables.md lacks the column %s", name)
		}
	}
}
