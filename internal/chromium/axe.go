package chromium

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
)

// Violation is a rule for pages that everybody can use, and where a page breaks it.
type Violation struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML, FailureSummary string }
}

// Serious reports whether it keeps somebody from using the page.
func (v Violation) Serious() bool { return v.Impact == "serious" || v.Impact == "critical" }

func (v Violation) String() string {
	text := fmt.Sprintf("%s (%s): %s, %d times", v.ID, v.Impact, v.Help, len(v.Nodes))
	for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
		text += "\n  " + n.HTML + "\n  " + n.FailureSummary
	}
	return text
}

// Axe is the script of axe-core, which finds what keeps people from using a page. Without it, the test is skipped.
func Axe(t testing.TB) string {
	t.Helper()
	script, err := os.ReadFile(require.Tool(t, "STARSWEEP_AXE", "axe"))
	must(t, err)
	return string(script)
}

// Violations asks axe-core, whose script it is given, about the page with everything unfolded, in a light or a dark theme.
func (b *Browser) Violations(axe, theme string) (list []Violation) {
	b.t.Helper()
	b.Theme(theme)
	b.Eval(axe + "; 0")
	b.Eval(`document.querySelectorAll("details").forEach(d => { d.open = true })`)
	found, _ := b.Eval(`axe.run().then(r => JSON.stringify(r.violations))`).(string)
	must(b.t, json.Unmarshal([]byte(found), &list))
	return list
}
