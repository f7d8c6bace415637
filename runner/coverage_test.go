package runner

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// scripts returns the command lines of the scripts in testdata/script, by file.
func scripts(t *testing.T) map[string][]string {
	t.Helper()
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got no scripts, %v", err)
	}
	all := map[string][]string{}
	condition := regexp.MustCompile(`^(\[[^\]]*\] +)+`)
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(a.Comment)) {
			line = condition.ReplaceAllString(strings.TrimSpace(line), "")
			if line != "" && !strings.HasPrefix(line, "#") {
				all[path] = append(all[path], line)
			}
		}
	}
	return all
}

func TestEveryCommandHasScriptsOfGoodAndBadInput(t *testing.T) {
	elsewhere := map[string]string{ // input that a script cannot have
		"starsweep data get":     "TestADataSetThatIsHereIsNotFetchedAgain; downloads are tested in engine/data",
		"starsweep features add": "TestWeightsOfInceptionAreAdded",
		"starsweep features get": "downloads are tested in engine/feature",
	}
	var lines []string
	for _, script := range scripts(t) {
		lines = append(lines, script...)
	}
	matches := func(pattern string) bool {
		r := regexp.MustCompile(pattern)
		for _, line := range lines {
			if r.MatchString(line) {
				return true
			}
		}
		return false
	}
	for _, c := range allCommands() {
		path := regexp.QuoteMeta(c.CommandPath())
		if c.HasSubCommands() {
			continue
		}
		if good := matches(`^exec ` + path + `( |$)`); good == (elsewhere[c.CommandPath()] != "") {
			t.Errorf("%s: got a script of good input: %t; tested elsewhere: %q", c.CommandPath(), good, elsewhere[c.CommandPath()])
		}
		if !matches(`^exits [1-9][0-9]* ` + path + `( |$)`) {
			t.Errorf("%s has no script of bad input", c.CommandPath())
		}
	}
	for _, e := range exitMeanings[1:] {
		if !matches(fmt.Sprintf(`^(exits|interrupts) %d `, e.code)) {
			t.Errorf("no script has the exit code %d", e.code)
		}
	}
}

// Scripts say why a command fails, so that it does not fail for another reason.
func TestScriptsReadTheErrorsOfTheirCommands(t *testing.T) {
	for path, lines := range scripts(t) {
		for i, line := range lines {
			if !regexp.MustCompile(`^(exits [1-9]|! exec [^&]*$)`).MatchString(line) {
				continue
			}
			if i+1 == len(lines) || !regexp.MustCompile(`^!? *(stderr|cmp stderr|cp stderr)\b`).MatchString(lines[i+1]) {
				t.Errorf("%s: %q: want a line about its stderr next", path, line)
			}
		}
	}
}
