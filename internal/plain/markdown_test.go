package plain_test

import (
	"testing"

	"github.com/starsweep/starsweep/internal/plain"
)

func TestMarkdownShowsTextAsItIs(t *testing.T) {
	if got, want := plain.Markdown("a_b _c_ <d> & [e](f) | *g*\n"), `a_b \_c\_ &lt;d\> &amp; \[e\](f) \| \*g\*\\n`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAMarkdownTableIsAlignedAsText(t *testing.T) {
	got := plain.MarkdownTable([][]string{{"lr", "fid"}, {"0.001", "7"}})
	if want := "| lr    | fid |\n| ----- | --- |\n| 0.001 | 7   |\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
