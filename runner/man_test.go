package runner

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
)

// Groff understands every page, and shows the texts of --help in it.
func TestManualPagesAreWhatTheHelpSays(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		require.Unavailable(t, "no groff: install the package groff")
	}
	space := regexp.MustCompile(`\s+`)
	for _, c := range allCommands() {
		page := exec.Command(groff, "-man", "-Kutf8", "-Tutf8", "-ww", "-P-cbou", "-rLL=200n", "-rHY=0")
		page.Stdin = strings.NewReader(manualPage(c, "1.0"))
		var said strings.Builder
		page.Stderr = &said
		text, err := page.Output()
		if err != nil || said.Len() > 0 {
			t.Errorf("%s: %v\n%s", c.CommandPath(), err, said.String())
		}
		shown := space.ReplaceAllString(strings.NewReplacer("‐", "-", "−", "-", "‘", "'", "’", "'").Replace(string(text)), " ")
		for _, part := range []string{c.Short, firstSentence(c.Long), c.Example} {
			if part = strings.TrimSpace(space.ReplaceAllString(part, " ")); !strings.Contains(shown, part) {
				t.Errorf("%s: want %q in\n%s", c.CommandPath(), part, shown)
			}
		}
	}
}

func firstSentence(text string) string { return strings.SplitAfterN(text, ". ", 2)[0] }
