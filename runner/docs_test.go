package runner_test

import (
	"os"
	"regexp"
	"slices"
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

// docs/language.md lists every reserved name, as does the error about one of them.
func TestTheDocumentListsTheReservedNames(t *testing.T) {
	text, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)names\s+are\s+reserved\s+in\s+every\s+study:\s+(.*?)\.\n`).FindSubmatch(text)
	if list == nil {
		t.Fatal("docs/language.md has no list of the reserved names")
	}
	var names []string
	for _, m := range regexp.MustCompile("`(\\w+)`").FindAllSubmatch(list[1], -1) {
		names = append(names, string(m[1]))
	}
	if want := results.Reserved(); !slices.Equal(names, want) {
		t.Errorf("docs/language.md lists\n%q, want\n%q", names, want)
	}
}
