package runner

import (
	"slices"
	"testing"
)

// A narrow terminal loses words, the least important first, and neither numbers in the middle nor the order of the rest.
func TestARowLosesItsLeastImportantPartsFirst(t *testing.T) {
	r := row{
		{text: "quickstart", rank: 3},
		{text: "12/100 trials", short: "12/100"},
		{text: "[====    ]", rank: 4},
		{text: "about 3m20s left", short: "~3m20s", rank: 1},
		{text: "a long name of a device", rank: 5, elastic: true},
	}
	for columns, want := range map[int]string{
		200: "quickstart  12/100 trials  [====    ]  about 3m20s left  a long name of a device",
		70:  "quickstart  12/100 trials  [====    ]  ~3m20s  a long name of a device",
		60:  "quickstart  12/100  [====    ]  ~3m20s  a long name of a de…",
		40:  "quickstart 12/100 [====    ] ~3m20s",
		30:  "quickstart 12/100 ~3m20s",
		20:  "12/100 ~3m20s a lon…",
		13:  "12/100 ~3m20s",
		12:  "12/100",
		5:   "12/1…",
	} {
		if got := r.text(columns); got != want || cells(got) > columns {
			t.Errorf("%d columns: got %q, want %q", columns, got, want)
		}
	}
	for columns := range 200 {
		if got := r.text(columns); cells(got) > max(columns, 1) {
			t.Errorf("%d columns: got %q, which takes %d", columns, got, cells(got))
		}
	}
}

func TestWideCharactersCountTwice(t *testing.T) {
	if got := cut("日本語のラベル", 7); got != "日本語…" {
		t.Errorf("got %q", got)
	}
	if got := cut("e\u0301\u0301x", 2); got != "e\u0301\u0301x" {
		t.Errorf("combining marks: got %q", got)
	}
	got := []int{cells("ab"), cells("日"), cells(""), cells("👍🏽"), cells("ꀀ"), cells("ａ"), cells("αж…")}
	if want := []int{2, 2, 0, 4, 2, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
