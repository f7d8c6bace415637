package runner_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A page of documentation that its reader follows from top to bottom: every block of commands is run, in one shell and in an empty folder,
// and what the page shows of their output is there, but for numbers. The block that installs the program is run with a clone of this one.
func TestPagesWorkToTheLetter(t *testing.T) {
	for page, prepare := range map[string]func(t *testing.T, dir string){
		"tutorial.md":           func(*testing.T, string) {},
		"for_researchers.md":    func(*testing.T, string) {},
		"for_medical_groups.md": func(t *testing.T, dir string) { fatal(t, writeScans(dir)) },
	} {
		t.Run(page, func(t *testing.T) {
			if testing.Short() {
				t.Skip("trains for minutes: go test without -short")
			}
			dir := t.TempDir()
			prepare(t, dir)
			script, shown := blocks(t, filepath.Join("..", "docs", page))
			c := exec.Command("bash", "-euo", "pipefail", "-c", script)
			c.Dir = dir
			c.Env = append(os.Environ(), append(cloning(t), "STARSWEEP_HOME="+filepath.Join(dir, "home"))...)
			output, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			for _, line := range shown {
				if !strings.Contains(withoutNumbers(string(output)), withoutNumbers(line)) {
					t.Errorf("the page shows %q, which no command wrote:\n%s", line, output)
				}
			}
		})
	}
}

// blocks are the commands of a page, and the lines that it shows of their output.
func blocks(t *testing.T, page string) (script string, shown []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?ms)^```(.*?)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		switch block[1] {
		case "sh", "sh install":
			script += strings.ReplaceAll(block[2], "| head -n", "| sed -n 1,") // which reads to the end, so that no writer fails
		case "text":
			shown = append(shown, strings.Split(strings.TrimSpace(block[2]), "\n")...)
		default:
			t.Errorf("%s: got a block of %q, want sh or text, which the test knows", page, block[1])
		}
	}
	if script == "" {
		t.Fatalf("%s has no commands", page)
	}
	script = regexp.MustCompile(`sed -n 1, (\d+)`).ReplaceAllString(script, "sed -n 1,${1}p")
	return script, shown
}

var numbers = regexp.MustCompile(`\d+(\.\d+)?`)

func withoutNumbers(text string) string { return numbers.ReplaceAllString(text, "N") }

// cloning is the environment in which the public repository is this one.
func cloning(t *testing.T) []string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return []string{"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=url." + root + ".insteadOf",
		"GIT_CONFIG_VALUE_0=https://github.com/starsweep/starsweep", "GIT_CONFIG_KEY_1=safe.directory", "GIT_CONFIG_VALUE_1=*"}
}
